"""Where the records of a CSV file begin and end. Pure, and linear in the bytes.

RFC 4180 with any delimiter and quote of one character: LF, CR and CRLF each end a line; a quote opens only at the start of a
cell and is doubled within; what is within quotes may go on over several lines, up to a limit of lines and bytes. A line in
which a quote opens that does not close as it should is broken: that one line is rejected, and the next begins a record.

A record's end depends on the bytes from its beginning on, and on nothing else; so it is the same however a file is cut.
"""

import enum
import functools
import re
from typing import NamedTuple

from reconciler.kinds.counts import many
from reconciler.model.source import Dialect

MAX_BYTES = 5_000_000  # of a record
_NEAR = 4096  # bytes within which a record is looked for at once


class Broken(NamedTuple):
    """A physical line that begins no record, with its end of line: where it is, and why."""

    begin: int
    end: int
    reason: str


class _State(enum.Enum):
    OUTSIDE = enum.auto()
    WITHIN = enum.auto()
    WRONG = enum.auto()


class Grammar(NamedTuple):
    """A dialect as patterns over bytes.

    Attributes:
        quote: opens and closes a cell.
        single: as many records of one line each, without doubtful quotes, as follow one another.
        record: one record without doubtful quotes, over any number of lines.
        outside: a line that begins outside of quotes; the group matches if it ends within them.
        within: the same for a line that begins within quotes.
        short: as many lines, none longer than a record may be, as follow one another.
    """

    quote: bytes
    single: re.Pattern[bytes]
    record: re.Pattern[bytes]
    outside: re.Pattern[bytes]
    within: re.Pattern[bytes]
    short: re.Pattern[bytes]
    max_lines: int
    max_bytes: int


_LINE = re.compile(rb"[^\r\n]*+(\r\n?|\n)?")


@functools.lru_cache(maxsize=64)
def grammar(delimiter: str, quote: str, encoding: str, max_lines: int, max_bytes: int = MAX_BYTES) -> Grammar:
    """The patterns of a dialect, in an encoding in which its characters are never part of others.

    Args:
        delimiter: one character.
        quote: one character.
        encoding: of the bytes.
        max_lines: lines of one record at most.
        max_bytes: bytes of one record at most.
    """
    mark, raw = re.escape(delimiter.encode(encoding)), quote.encode(encoding)
    q, single_byte = re.escape(raw), len(delimiter.encode(encoding)) == len(raw) == 1
    other, no_mark = (b"[^%b]" % q, b"[^%b]" % mark) if single_byte else (_not(q), _not(mark))
    no_mark_or_end = b"[^%b\\r\\n]" % mark if single_byte else _not(mark + b"|[\\r\\n]")
    inner = b"[^%b\\r\\n]" % q if single_byte else _not(q + b"|[\\r\\n]")
    begins = b"(?:(?<![\\s\\S])|(?<=[\\r\\n])|(?<=%b))" % mark
    ends = b"(?=%b|[\\r\\n]|\\Z)" % mark
    closed = b"%b%b*+(?:%b%b%b*+)*+%b" % (q, inner, q, q, inner, q)
    single = b"(?:%b++|%b%b%b|(?!%b)%b)*+" % (other, begins, closed, ends, begins, q)
    opened = b"%b*+(?:%b%b%b*+)*+" % (other, q, q, other)
    cell = b"(?:%b%b%b(?=%b|\\Z)|(?!%b)%b*+)" % (q, opened, q, mark, q, no_mark)
    line = b"(?:%b%b)*+(?:%b\\Z|(%b%b\\Z))" % (cell, mark, cell, q, opened)
    plain = b"(?!%b)%b*+" % (q, no_mark_or_end)
    record = b"(?:(?:%b%b%b|%b)%b)*+(?:%b%b%b|%b)(?:\\r\\n?|\\n)" % (
        q,
        opened,
        q,
        plain,
        mark,
        q,
        opened,
        q,
        plain,
    )
    within = b"%b(?:(\\Z)|%b(?:\\Z|%b%b))" % (opened, q, mark, line)
    return Grammar(
        raw,
        re.compile(single),
        re.compile(record),
        re.compile(line),
        re.compile(within),
        re.compile(b"(?:[^\\r\\n]{0,%d}+[\\r\\n])*+" % max_bytes),
        max_lines,
        max_bytes,
    )


def of(dialect: Dialect, encoding: str) -> Grammar:
    """The patterns of a source's dialect."""
    return grammar(dialect.delimiter, dialect.quote, encoding, dialect.max_record_lines)


def _not(pattern: bytes) -> bytes:
    return b"(?:(?!%b)[\\s\\S])" % pattern


def _end(pattern: re.Pattern[bytes], data: bytes, begin: int, stop: int) -> int:
    """Where a match ends that may be empty."""
    found = pattern.match(data, begin, stop)
    return begin if found is None else found.end()


def lines_in(data: bytes) -> int:
    """How many physical lines; the last may lack its end."""
    ends = data.count(b"\n")
    if b"\r" in data:
        ends += data.count(b"\r") - data.count(b"\r\n")
    return ends + (not data.endswith((b"\n", b"\r")) and data != b"")


class _Run:
    """Consecutive lines, read as if a quote had been open before the first; what one run found holds for its parts."""

    def __init__(self, begin: int) -> None:
        self.begin = self.at = self.content = begin
        self.lines, self.state = 0, _State.WITHIN


class Framer:
    """Frames one window of a file's bytes, which begins where a record may begin.

    Attributes:
        window: the bytes.
        at: where the records end that are framed so far.
        broken: lines among them that are none.
    """

    def __init__(self, rules: Grammar) -> None:
        self.rules = rules
        self.window, self.at_end, self.at = b"", False, 0
        self.broken: list[Broken] = []
        self._whole = 0
        self._run = _Run(-1)

    def extend(self, more: bytes, *, at_end: bool) -> None:
        """More bytes of the file, or its end."""
        self.window = self.window + more if self.window else more
        self.at_end = at_end
        self._whole = len(self.window)
        if not at_end:  # an end of line counts once what follows it is known
            feed = self.window.rfind(b"\n") + 1
            self._whole = max(feed, self.window.rfind(b"\r", feed, max(feed, len(self.window) - 1)) + 1)

    def advance(self, target: int) -> bool:
        """Frame all records that begin before `target`; False where more bytes are needed for that.

        A line that is longer than a record may be is left; see `too_long`.
        """
        while self.at < min(target, self._whole):
            begin, rules = self.at, self.rules
            stop = self._whole
            if self.window.find(rules.quote, begin, stop) >= 0:
                stop = _end(rules.single, self.window, begin, stop)
            if stop < self._whole:
                stop = (
                    max(
                        self.window.rfind(b"\n", begin, stop),
                        self.window.rfind(b"\r", begin, stop),
                        begin - 1,
                    )
                    + 1
                )
            if stop > target:
                stop = self._line(target - 1)[1]
            if self._holds_too_long(begin, stop):
                return True
            self.at = stop
            if stop < min(target, self._whole) and not self._doubtful():
                return self.too_long()
        return self.at >= target or self.at >= len(self.window) or self.too_long()

    def too_long(self) -> bool:
        """True if the line at `at` is longer than a record may be."""
        return self._length(self.at) > self.rules.max_bytes

    def _length(self, begin: int) -> int:
        content, _ = self._line(begin)
        return content - begin

    def _line(self, begin: int) -> tuple[int, int]:
        """Where the line's content ends, and the line."""
        found = _LINE.match(self.window, begin)
        assert found is not None  # noqa: S101 - it may be empty
        content = found.start(1)
        return (found.end() if content < 0 else content), found.end()

    def _holds_too_long(self, begin: int, stop: int) -> bool:
        """Stop before the first line that is too long, if there is one."""
        if stop - begin <= self.rules.max_bytes:
            return False
        good = _end(self.rules.short, self.window, begin, stop)
        if self._length(good) <= self.rules.max_bytes:  # the last line, without an end
            return False
        self.at = good
        return True

    def _doubtful(self) -> bool:
        """Frame the record at `at`, line by line; False where more bytes are needed."""
        begin = self.at
        if self._at_once():
            return True
        content, end = self._line(begin)
        if content - begin > self.rules.max_bytes:
            return False
        match self._state(self.rules.outside, begin, content):
            case _State.OUTSIDE:
                self.at = end
            case _State.WRONG:
                self._reject(begin, end, "text follows a closing quote")
            case _State.WITHIN:
                return self._continues(begin, end)
        return True

    def _at_once(self) -> bool:
        """Frame a record without doubtful quotes, where its end is near; not behind a broken line, where it seldom is."""
        if self.broken and self.broken[-1].end == self.at:
            return False
        near = min(self.at + _NEAR, self._whole)
        found = self.rules.record.match(self.window, self.at, near)
        if found is None or found.end() == near or lines_in(found[0]) > self.rules.max_lines:
            return False
        self.at = found.end()
        return True

    def _continues(self, begin: int, end: int) -> bool:
        """A record whose first line ends within quotes."""
        run = self._run = self._run_from(end)
        max_lines, max_bytes = self.rules.max_lines, self.rules.max_bytes
        while run.state is _State.WITHIN and run.lines + 1 < max_lines and run.content - begin <= max_bytes:
            if run.at >= self._whole:
                if self.at_end:
                    break
                run.content = len(self.window) - 1  # at least: the last byte may end the line
                if run.content - begin <= max_bytes:
                    return False
                break
            run.content, following = self._line(run.at)
            run.state = self._state(self.rules.within, run.at, run.content)
            run.at, run.lines = following, run.lines + 1
        if run.state is _State.WITHIN or run.lines >= max_lines or run.content - begin > max_bytes:
            self._reject(
                begin,
                end,
                f"a quote opens and does not close within {many(max_lines, 'line')}, or before the end of the file",
            )
        elif run.state is _State.WRONG:
            self._reject(begin, end, "a quote opens, and text follows where it closes")
        else:
            self.at = run.at
        return True

    def _run_from(self, begin: int) -> _Run:
        """The run that begins at a line: what is left of the last one, if that holds it."""
        run = self._run
        while run.begin < begin < run.at:
            run.begin, run.lines = self._line(run.begin)[1], run.lines - 1
        return run if run.begin == begin and run.lines else _Run(begin)

    def _state(self, pattern: re.Pattern[bytes], begin: int, end: int) -> _State:
        found = pattern.match(self.window, begin, end)
        if found is None:
            return _State.WRONG
        return _State.OUTSIDE if found.lastindex is None else _State.WITHIN

    def _reject(self, begin: int, end: int, reason: str) -> None:
        self.broken.append(Broken(begin, end, reason))
        self.at = end
