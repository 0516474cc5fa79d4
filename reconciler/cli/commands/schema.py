"""`schema`."""

from reconciler.cli import exit_codes
from reconciler.cli.output.console import data


def schema() -> int:
    """Print the JSON Schema of all kinds."""
    from reconciler.spec.schema import schema_text

    data(schema_text())
    return exit_codes.DONE
