"""Where output goes, and how it looks: stdout carries data, stderr everything else."""

import errno
import os
import re
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import TextIOBase
from pathlib import Path
from typing import TextIO

from reconciler.beneath import open_beneath
from reconciler.errors import DiskFailed
from reconciler.model.address import WORKSPACE_FILE
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.foreign import plain_json, plain_page, without_orders
from reconciler.reports.folded import folded
from reconciler.reports.style import COLOUR, PLAIN, Style

# Patterns are compiled by `re` when first needed, which is not at every start.
_COLOURS = r"(\x1b\[(?:0|1|2|31|32|33)m)"
WIDTH = PLAIN.width
# In a spec: a database's URL that is none, and what stands in a field, however it is spelt, that a secret would stand in.
_CLEAR = (
    r"(?i)(\b(?:url|\w*(?:password|passwd|pwd|secret|credential|api_?key)\w*)['\"]?\s*:\s*)"
    r"(?![{\s]|['\"]?[a-z][\w+.-]*://)[^,}]*"
)
# Only a file that means to be a spec is shown: another may hold a token and nothing else.
_SPEC = r"^['\"{ ]*(apiVersion|kind|metadata|spec)['\"]?\s*:"


_COMMAND = r"`reconciler (?!-C )(?=[a-z])(?!explain|init|demo|schema\b|sandbox (?:serve|faults))"
_folder: list[str] = []  # of the workspace, as typed with -C
_drawn: list[Callable[[str], None]] = []  # write above the bars that are on the terminal


def work_in(folder: Path) -> None:
    """Commands that messages name begin with this `-C` from now on, so that they can be copied."""
    import shlex  # not for commands without -C

    _folder[:] = [] if folder == Path() else [shlex.quote(str(folder))]


def located(text: str) -> str:
    """Text whose commands, written as `reconciler …` in backticks, name the workspace of this command."""
    if not _folder:
        return text
    return "\n".join(_located(line, f"-C {_folder[0]} ") for line in text.split("\n"))


def _located(line: str, folder: str) -> str:
    """A line of a text; one that was within the width, and is not with the folder in it, is wrapped again."""
    found = re.sub(_COMMAND, lambda m: m[0] + folder, line)
    within = len(line) <= WIDTH < len(found)
    return folded(found, WIDTH) if within else found


def style(stream: object, *, no_color: bool) -> Style:
    """Colours on a terminal, unless NO_COLOR or --no-color; FORCE_COLOR anywhere. Lines end where a narrow terminal does."""
    terminal = getattr(stream, "isatty", lambda: False)()
    plain = no_color or os.environ.get("NO_COLOR") or not (terminal or os.environ.get("FORCE_COLOR"))
    return replace(PLAIN if plain else COLOUR, width=min(WIDTH, _columns(stream) or WIDTH))


def _columns(stream: object) -> int | None:
    """Of the terminal; None where the stream is none, or does not say."""
    if not isinstance(stream, TextIOBase) or not stream.isatty():
        return None
    with suppress(OSError, ValueError):
        return os.get_terminal_size(stream.fileno()).columns
    return None


def out(text: str) -> None:
    """Text for people, to stdout; characters that it cannot carry are written as escapes."""
    encoding = sys.stdout.encoding or "utf-8"
    _write(sys.stdout, _line(_fitted(text, sys.stdout)).encode(encoding, "backslashreplace"), encoding)


def data(text: str) -> None:
    """A document for programs, to stdout: UTF-8, whatever the locale. A job that shows it in its log obeys nothing in it."""
    annotations(plain_json(text) if text[:1] in ("{", "[") else plain_page(text))


def annotations(text: str) -> None:
    """A document like that of `data`, whose lines are meant to be obeyed by the job that shows them."""
    _write(sys.stdout, _line(text).encode("utf-8", "backslashreplace"), "utf-8")


def say(text: str) -> None:
    """Anything else, to stderr; where that cannot be written, nobody can be told."""
    encoding = sys.stderr.encoding or "utf-8"
    with suppress(DiskFailed):
        _write(
            sys.stderr,
            _line(_fitted(text, sys.stderr) or "\n").encode(encoding, "backslashreplace"),
            encoding,
        )


def _fitted(text: str, stream: TextIO) -> str:
    """Text as it is shown: on a terminal, its lines end between words."""
    text = shown(located(text))
    columns = _columns(stream)
    return text if columns is None else folded(text, columns)


@contextmanager
def above(tell: Callable[[str], None]) -> Iterator[None]:
    """While this lasts, whatever is meant for a terminal is written by `tell`: bars are drawn there."""
    _drawn.append(tell)
    try:
        yield
    finally:
        _drawn.remove(tell)


def shown(text: str) -> str:
    """Text that a terminal or the log of a CI job takes for nothing but text.

    Whatever is no colour of `reports.style`, no line break of ours and not printable becomes a blank: it could move the cursor or
    turn the direction of writing. What a CI job would obey (`::error::`, `##[error]`) gets a blank in between.
    """
    if not text.replace("\n", "").isprintable():
        parts = re.split(_COLOURS, text)
        parts[::2] = ["".join(map(_printable, part)) for part in parts[::2]]
        text = "".join(parts)
    return without_orders(text)


def _printable(c: str) -> str:
    """The character, or a blank; a byte that was no text is written as an escape, see `out`."""
    return c if c.isprintable() or c == "\n" or "\ud800" <= c <= "\udfff" else " "


def _line(text: str) -> str:
    return text if text.endswith("\n") or not text else text + "\n"


def _write(stream: TextIO, content: bytes, encoding: str) -> None:
    """Write at once. A reader that left ends what is shown, and not the work.

    Raises:
        DiskFailed: it cannot be written.
    """
    raw = getattr(stream, "buffer", None)
    try:
        if _drawn and stream.isatty():
            return _drawn[-1](content.decode(encoding))
        if raw is None:
            stream.write(content.decode(encoding))
        else:
            stream.flush()
            raw.write(content)
        stream.flush()
    except BrokenPipeError:
        _silence(stream)
    except OSError as e:
        gone = terminal_is_gone(stream)
        _silence(stream)
        if gone:
            return None
        raise DiskFailed.of("write to", "stdout" if stream is sys.stdout else "stderr", e) from None


def terminal_is_gone(stream: TextIO) -> bool:
    """True of a terminal that was closed: of it the system says EIO, and of what never was a terminal, such as /dev/full, ENOTTY."""
    try:
        termios.tcgetattr(stream.fileno())
    except termios.error as e:
        return bool(e.args[0] == errno.EIO)
    except (OSError, ValueError):
        return False
    return False


def leave_closed_terminals() -> None:
    """Nothing is written to a terminal that was closed any more; bars that are drawn there would end the work."""
    for stream in (sys.stdout, sys.stderr):
        if terminal_is_gone(stream):
            _silence(stream)


def _silence(stream: TextIO) -> None:
    """Whatever is still written to it goes nowhere: also what the interpreter flushes at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def source_lines(root: Path) -> Callable[[str, int], str | None]:
    """Lines of files as shown beside a finding: by path relative to the workspace and number, without secrets."""
    from reconciler.spec.find import MAX_BYTES  # only a finding shows lines of a file

    cache: dict[str, list[str]] = {}

    def line(path: str, number: int) -> str | None:
        if path not in cache:
            try:
                with open_beneath(root, path) as file:
                    text = file.read(MAX_BYTES + 1).decode("utf-8-sig", "replace")
                cache[path] = re.split("\r\n|\r|\n", text) if re.search(_SPEC, text, re.MULTILINE) else []
            except OSError:
                cache[path] = []
        if not 0 < number <= len(cache[path]):
            return None
        from reconciler.origin import masked_line

        if Path(path).name != WORKSPACE_FILE:
            return re.sub(_CLEAR, r"\1…", masked_line(cache[path][number - 1]))
        from reconciler.reports.findings import settings_lines

        return masked_line(settings_lines.shown(cache[path], number))

    return line


def show_findings(
    found: Sequence[Diagnostic], root: Path, marks: Style, *, summed: bool = False, brief: str = ""
) -> None:
    """Findings, to stderr, with their source lines; and, if wanted, a line that sums them up.

    Args:
        found: the findings.
        root: folder of the workspace.
        marks: how to mark text.
        summed: all of them, and a line that counts them; else only the first of very many warnings of one kind.
        brief: where they are long, a line for each code and source, and a line that counts them and names this command, which shows each.
    """
    if not found:
        return
    if brief:
        from reconciler.reports.findings.brief import render as briefly

        say(briefly(found, source_lines(root), marks, brief).rstrip("\n") + "\n")
        return
    from reconciler.reports.findings.text import render, summary

    text = render(found, source_lines(root), marks, few=not summed)
    say(f"{text}\n{summary(found)}\n" if summed else f"{text}\n")


def show_error(message: str, help_text: str | None, marks: Style) -> None:
    """One error that ends the command, to stderr; it has no colours of its own, so none in it are obeyed."""
    told, hint = ("".join(map(_printable, text)) for text in (message, help_text or ""))
    say(f"{marks.red('error')}: {told}" + (f"\n  = help: {hint}" if hint else ""))
