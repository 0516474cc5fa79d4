"""Where the command starts and ends: the one place where errors become messages and exit codes.

Loading Typer takes as long as checking a small workspace. Hooks run `validate` at every commit, so its plainest form is
recognised here and goes around Typer; all others go through it.
"""

import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from reconciler.cli import exit_codes
from reconciler.cli.output.console import say, show_error, show_findings, style
from reconciler.errors import ReconcilerError, SpecError
from reconciler.model.exit_code import Exit

_ASKS_FOR_MORE = ("RECONCILER_OUTPUT", "RECONCILER_NO_COLOR")
# Plans and specs are many objects that live until the end: looking through them for garbage again and again is a tenth of a run.
_GARBAGE = 50_000


def run() -> None:
    """Run the command line and exit."""
    _streams()
    arguments = sys.argv[1:]
    gc.set_threshold(_GARBAGE)
    for name in [n for n, value in os.environ.items() if n.startswith("RECONCILER_") and not value]:
        del os.environ[name]  # empty is unset, for every variable of this tool alike
    if not sys.warnoptions:
        warnings.simplefilter(
            "ignore"
        )  # of libraries, for who develops with them; their words may quote what they were given
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # `nohup` has SIGHUP ignored
            signal.signal(number, _terminated)
    plain = plain_validate(arguments, os.environ)
    sys.exit(_ending(plain or _typer(arguments), arguments))


def _streams() -> None:
    """A standard stream that was closed before the command began leads nowhere: the next file that is opened would take its place."""
    for descriptor, mode in enumerate("rww"):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free, which is this one
            name = ("stdin", "stdout", "stderr")[descriptor]
            if getattr(sys, name) is None:
                setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - it lives as long


def _terminated(number: int, _frame: object) -> None:
    """SIGTERM and SIGHUP end a command as Ctrl-C does, so that what it was writing is removed; runs that apply handle all three by themselves."""
    raise SystemExit(exit_codes.BY_SIGNAL[number])


def plain_validate(
    arguments: Sequence[str], environ: "os._Environ[str] | dict[str, str]"
) -> Callable[[], int] | None:
    """`[-C DIR] validate [--per-file] [PATH ...]`, ready to run; None for everything else."""
    root, rest = ".", list(arguments)
    if rest[:1] == ["-C"] and len(rest) > 2:
        root, rest = rest[1], rest[2:]
    if rest[:1] != ["validate"] or any(name in environ for name in _ASKS_FOR_MORE):
        return None
    per_file = "--per-file" in rest
    paths = [a for a in rest[1:] if a != "--per-file"]
    if any(a.startswith("-") for a in paths):
        return None

    def call() -> int:
        from reconciler.cli.validating import validate

        return validate(Path(root), tuple(Path(p) for p in paths), per_file=per_file)

    return call


def _typer(arguments: list[str]) -> Callable[[], int]:
    def call() -> int:
        from reconciler.cli.app import main_command

        return main_command(arguments)

    return call


def _ending(call: Callable[[], int], arguments: Sequence[str]) -> int:
    try:
        return _told(call, arguments)
    except KeyboardInterrupt:
        say("interrupted")
        return Exit.INTERRUPTED
    except Exception as e:
        from reconciler.machine import refusal

        if (told := refusal(e)) is None:
            return _bug(e)
        show_error(*told, style(sys.stderr, no_color=False))
        return Exit.FAILED


def _told(call: Callable[[], int], arguments: Sequence[str]) -> int:
    """The exit code; what went wrong in an expected way is told."""
    marks = style(sys.stderr, no_color="--no-color" in arguments)
    try:
        return call()
    except SpecError as e:
        show_findings(e.diagnostics, _root(arguments), marks)
        return Exit.FAILED
    except ReconcilerError as e:
        show_error(str(e), e.help, marks)
        return exit_codes.of(e)


def _root(arguments: Sequence[str]) -> Path:
    return Path(arguments[arguments.index("-C") + 1]) if "-C" in arguments[:-1] else Path()


def _bug(e: Exception) -> int:
    """Frames without values go to a file, or to stderr where no file can be written; the message may quote data, so only its type is shown."""
    import tempfile
    import traceback

    from reconciler import __version__

    frames = f"reconciler {__version__}\n{type(e).__name__}\n" + "".join(traceback.format_tb(e.__traceback__))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="reconciler-bug-", suffix=".txt", delete=False, encoding="utf-8"
        ) as report:
            report.write(frames)
        attached = report.name
    except OSError:
        say(frames)
        attached = "the lines above"
    show_error(
        f"a bug in reconciler: {type(e).__name__}",
        f"please report this bug and attach {attached}",
        style(sys.stderr, no_color=False),
    )
    return Exit.FAILED
