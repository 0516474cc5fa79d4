"""Error files of the remote: which lines of an upload it refused. Pure.

Their format is unknown (contract 6.4), so nothing is parsed strictly. An entry may say the number of its line, or repeat the
line; one that does neither says nothing of where it belongs, and then only the platform's counters are known.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from reconciler.api.vocabulary import known_words
from reconciler.model.foreign import ForeignText
from reconciler.whole import whole_value

_NUMBERS = ("line", "line_number", "lineNumber", "line_num", "row", "row_number", "index")
_REASONS = ("error", "message", "reason", "error_message", "errorMessage", "cause")
_ECHOES = ("input", "record", "raw", "command", "data", "content", "document", "line_content", "body")
_SAID = re.compile(r"\bline\s*(?:number|no\.?)?\s*[:#=]?\s*([1-9][0-9]*)\b", re.IGNORECASE)


class Entry(NamedTuple):
    """One refused line.

    Attributes:
        line: its number as the file says, from 1 (or 0, see `numbers`).
        echo: the command itself, in one form for equal commands.
        reason: the platform's words, of which only those are kept that cannot be a profile value (G9).
    """

    line: int | None
    echo: bytes | None
    reason: ForeignText


def entries(lines: Iterable[bytes], names: Collection[str] = ()) -> Iterator[Entry]:
    """What an error file says, line by line; blank lines say nothing.

    Args:
        lines: of the file.
        names: of fields, which are kept in reasons.
    """
    for raw in lines:
        text = raw.decode("utf-8", "replace").strip()
        if text:
            yield _entry(text, names)


def _entry(text: str, names: Collection[str]) -> Entry:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        said = _SAID.search(text)
        return Entry(int(said[1]) if said else None, None, known_words(text, names))
    if not isinstance(found, dict):
        return Entry(None, None, ForeignText(""))
    reason = next((str(v) for k in _REASONS if isinstance(v := _inner(found.get(k)), str)), "")
    echo = (
        found if "operation" in found else next((c for k in _ECHOES if (c := _command(found.get(k)))), None)
    )
    number = next((n for k in _NUMBERS if (n := whole_value(found.get(k))) is not None), None)
    if number is None and (said := _SAID.search(reason)):
        number = int(said[1])
    return Entry(number, canonical(echo) if echo else None, known_words(reason, names))


def _inner(value: Any) -> Any:
    return value.get("message") if isinstance(value, dict) else value


def _command(value: Any) -> dict[str, Any] | None:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) and "operation" in value else None


def canonical(command: Any) -> bytes:
    """One form for equal commands."""
    return json.dumps(command, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def numbers(found: Iterable[Entry], lines: int) -> dict[int, ForeignText] | None:
    """Line numbers from 1 with reasons, if every entry has one and all make sense; a file that counts from 0 shows it.

    Args:
        found: entries of one file.
        lines: of the upload.
    """
    given = [(e.line, e.reason) for e in found]
    if not given or any(n is None for n, _ in given):
        return None
    shift = 1 if any(n == 0 for n, _ in given) else 0
    made = {int(n or 0) + shift: reason for n, reason in given}
    return made if all(1 <= n <= lines for n in made) else None


def without_values(reason: str, line: bytes) -> str:
    """The remote's words about a line, without any that stands in one of its values, or that may be an identifier (G9)."""
    values = " ".join(_values(json.loads(line))).casefold()
    return re.sub(r"[^\s,;:()=]+", lambda m: "…" if _stands(m[0], values) else m[0], reason)


def _stands(word: str, values: str) -> bool:
    plain = word.strip(".!?\"'").casefold()
    return any(c.isdigit() for c in plain) or (len(plain) > 2 and plain in values)


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
    else:
        yield str(value)
