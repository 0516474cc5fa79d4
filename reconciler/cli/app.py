"""The command line: parses and hands over; every command returns its exit code."""

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import Abort, TyperException

from reconciler import __version__
from reconciler.cli import completing, usage
from reconciler.cli.examples import epilog
from reconciler.cli.helps import Grouped
from reconciler.cli.output.console import out, say, work_in
from reconciler.cli.values import Command
from reconciler.cli.wiring import command_end
from reconciler.errors import UsageError
from reconciler.model.exit_code import Exit

if TYPE_CHECKING:
    from typer._click import Context

Root = Path()
# Name and help of every command, in the order of the help: `commands/NAME.py` has the function NAME, or for commands of two
# words the group `NAME_app`. Loading all of them takes longer than most commands, so only the one that is called is loaded.
COMMANDS = {
    "validate": "Check specs offline, all findings at once. Silent on success.",
    "plan": "Show what apply would do. Compares specs, sources and platform; sends only GET requests.",
    "drift": "Show what changed on the platform since the last apply. Shows also where specs and platform differ; corrects nothing.",
    "watch": "Serve drift and pending changes as Prometheus metrics. Compares specs and platform at regular times; never applies.",
    "apply": "Apply a saved plan; without one, plan, show, ask and apply.",
    "resume": "Resume an interrupted run.",
    "unlock": "Release the lock of a dead run. If the run is alive, it stops writing.",
    "clean": "Show what earlier runs left on this machine. That may be rows with profile data; --remove removes what no load needs.",
    "init": "Create a workspace; never overwrites. It gets starter specs or, with --from-platform, what exists.",
    "demo": "Show the main job from start to end, on the built-in sandbox.",
    "doctor": "Check what a run needs, and say what to do. Looks at token, platform, clock, ledger, lock, caches, versions and a Dask cluster; writes nothing.",
    "schema": "Print the JSON Schema of all kinds; fetch datamarts' schemas.",
    "explain": "Explain a code, a field of the specs, or an exit code.",
    "render": "Show specs after overlays and sets, with origins of values.",
    "export": "Write specs for what exists and no spec declares. Never overwrites; sends only GET requests.",
    "adopt": "Match specs with what exists. With --write they say what the platform has; sends only GET requests.",
    "show": "Show a saved plan. Says what it changes, reads, runs and sends to, and whether the specs here declare it.",
    "diff": "Compare two saved plans.",
    "conformance": "Test undocumented platform behaviour. Reads only, without --write.",
    "sandbox": "The sandbox: a built-in simulation of the platform.",
    "runs": "Runs in the ledger.",
    "source": "Profile sources.",
    "config": "Settings.",
    "rollout": "Rollouts: plans applied in waves.",
}


def app(names: Sequence[str] = tuple(COMMANDS), *, completion: bool = True) -> typer.Typer:
    """The command line: all commands with their help, and those that are loaded with what they do.

    Args:
        names: of the commands to load.
        completion: with the flags about shells; they cost every command what two arguments cost.
    """
    made = typer.Typer(
        name="reconciler",
        cls=Grouped,
        add_completion=completion,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help="Config-as-code for mediarithmics: compartments, activations and profile imports.",
    )
    made.callback()(main)
    for name, told in COMMANDS.items():
        if name not in names:
            made.command(name, cls=Command, help=told)(_not_loaded)
            continue
        module = import_module(f"reconciler.cli.commands.{name}")
        if (group := getattr(module, f"{name}_app", None)) is not None:
            for inner in group.registered_commands:
                inner.cls = Command
                inner.epilog = epilog(f"{name} {inner.name or getattr(inner.callback, '__name__', '')}")
            made.add_typer(group, name=name, help=told, epilog=epilog(name), cls=Grouped)
        else:
            made.command(name, cls=Command, help=told, epilog=epilog(name))(getattr(module, name))
    return made


def _not_loaded() -> None:
    raise AssertionError("only commands that are loaded are called")


def needed(arguments: Sequence[str]) -> tuple[str, ...]:
    """The name of the command that is called; none where only the help or an error can be the answer.

    Args:
        arguments: as given, without the program's name.
    """
    words = iter(arguments)
    for word in words:
        if word == "-C":
            next(words, None)
        elif not word.startswith("-"):
            return (word,) if word in COMMANDS else ()
    return ()


def _version(value: bool) -> None:
    if value:
        out(f"reconciler {__version__}")
        raise typer.Exit


def main(
    context: typer.Context,
    directory: Annotated[Path, typer.Option("-C", metavar="DIR", help="The workspace.")] = Root,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Config-as-code for mediarithmics: compartments, activations and profile imports."""
    context.obj = directory
    work_in(directory)


def _typed(context: "Context | None", names: Sequence[str]) -> tuple[str, set[str]]:
    """The command that was typed, and its flags; of some errors the library does not say where they are."""
    if context is None:
        return " ".join(("reconciler", *names)), set()
    return context.command_path, {flag for param in context.command.params for flag in param.opts}


def _check_help(words: Sequence[str]) -> None:
    """That no word is left that the help of what is before it would be silent about.

    Raises:
        UsageError: there is one.
    """
    if not words or words[0] not in COMMANDS:
        return
    group = hasattr(import_module(f"reconciler.cli.commands.{words[0]}"), f"{words[0]}_app")
    known, more = words[: 2 if group else 1], [x for x in words[2 if group else 1 :] if not x.startswith("-")]
    if more:
        name = " ".join(known)
        raise UsageError(
            f"`reconciler {name}` has no command '{more[0]}'", help=f"see `reconciler {name} --help`"
        )


def main_command(arguments: list[str]) -> int:
    """Run the command line that Typer reads; the exit code.

    Raises:
        UsageError: the arguments make no sense.
    """
    typed = completing.words(os.environ)
    if typed is not None:
        completing.zsh_reads_quotes()
    if arguments[:1] == ["help"]:  # as other tools have it
        _check_help(arguments[1:])
        arguments = [*arguments[1:], "--help"]
    if completing.asked(arguments):
        return Exit.DONE
    if any(x.endswith("-completion") for x in arguments):
        completing.shells_propose()
    names = needed(arguments if typed is None else typed)
    try:
        code = app(names, completion=not names or typed is not None)(
            arguments, standalone_mode=False, prog_name="reconciler"
        )
    except TyperException as e:
        message = e.format_message()
        if message.startswith("Usage:"):  # no command was given: the help is the answer
            say(message)
            return Exit.USAGE
        path, flags = _typed(getattr(e, "ctx", None), names)
        wrong, hint = usage.told(message, path, arguments, flags)
        raise UsageError(wrong, help=hint) from None
    except Abort:
        raise KeyboardInterrupt from None
    finally:
        command_end.end()
    return code if isinstance(code, int) else Exit.DONE
