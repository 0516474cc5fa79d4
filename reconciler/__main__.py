"""Entry point of the `reconciler` command.

Kept free of imports: sender processes load this module again when they start, and must not pay for the CLI.
"""


def main() -> None:
    """Run the command line; never returns (exits with the codes of `reconciler.model.exit_code`)."""
    from reconciler.cli.entry import run

    run()


if __name__ == "__main__":
    main()
