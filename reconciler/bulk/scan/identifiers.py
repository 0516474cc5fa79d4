"""Identifiers that look wrong: texts that stand for nothing, padding, e-mails where a hash belongs, hashes of another form.

What is looked at are the lines to send, so that every way in which they are made counts the same. Values stay here: what
leaves are counts and places. Pure.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeGuard

import msgspec

from reconciler.bulk.records.mapping import hashed
from reconciler.model.load import OddIdentifiers
from reconciler.model.odd_identifiers import (
    BLANK,
    EMAIL,
    HASH,
    HASH_DIGITS,
    MARKER,
    MARKERS,
    NO_HASH,
    PADDED,
    SPELLING,
)
from reconciler.model.source import SourceDefinition

SHOWN = 3
FOLDED = 100_000  # rows whose accounts' spellings are compared

_MARKERS = frozenset(MARKERS)
_COMPACT = rb'^\{"operation":"[A-Z]+",(?:"compartment_id":"[^"\\]*",)?"%s":"([^"\\]*)"[,}]'
_HASHES = re.compile(_COMPACT % b"email_hash", re.MULTILINE)
_ACCOUNTS = re.compile(_COMPACT % b"user_account_id")
_BEGINNING = re.compile(rb'\{"operation":"[A-Z]+",(?:"compartment_id":"[^"\\]*",)?')
_NEVER_PLAIN = frozenset({b"", *(m.encode() for m in MARKERS)})
_PLAIN = bytes(n for n in range(0x21, 0x80) if n not in b'"\\')
# What an odd account, or the odd identifier of a device, cannot be without. Most lines have none of it, and are then done.
_TEXTS = b"|".join(re.escape(m.encode()) for m in MARKERS)
_DOUBTFUL = rb'%s"\s*:\s*"(?:[^"\\\s\x80-\xff]*[\s\\\x80-\xff]|(?=["(Nnu#-])(?:' + _TEXTS + rb')?")'
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_HEX = re.compile("[0-9a-fA-F]+")
_LOWER = b"0123456789abcdef"


class _Identity(msgspec.Struct, frozen=True):
    user_account_id: str | int | None = None
    email_hash: str | None = None
    user_agent_id: str | None = None


class _Owner(msgspec.Struct, frozen=True):
    account: str | int | None = msgspec.field(name="$user_account_id", default=None)


class _Owned(msgspec.Struct, frozen=True):
    user_profile: _Owner = _Owner()


_identity = msgspec.json.Decoder(_Identity).decode
_owned = msgspec.json.Decoder(_Owned).decode


class Seen(msgspec.Struct):
    """How often each kind of odd identifier stands in a segment, and where the first of each are (lines from 0)."""

    counts: dict[str, int] = {}
    first: dict[str, list[int]] = {}

    def add(self, kind: str, line: int) -> None:
        """One more."""
        self.counts[kind] = self.counts.get(kind, 0) + 1
        places = self.first.setdefault(kind, [])
        if len(places) < SHOWN:
            places.append(line)


def oddity(field: str, value: str) -> str | None:
    """What is odd about the value of an identifier, by itself; of a hash, which kind it is. None if nothing is."""
    if not value.strip():
        return BLANK
    if value in _MARKERS:
        return MARKER + value
    if value[0].isspace() or value[-1].isspace():
        return PADDED
    if field != "email_hash":
        return None
    if _EMAIL.fullmatch(value):
        return EMAIL
    if len(value) not in HASH_DIGITS or not _HEX.fullmatch(value):
        return NO_HASH
    return f"{HASH}{len(value)} {_case(value)}"


def _case(value: str) -> str:
    lower, upper = value != value.upper(), value != value.lower()
    return "mixed" if lower and upper else "lower" if lower else "upper" if upper else "digits"


def looker(source: SourceDefinition) -> Callable[[bytes, Sequence[int]], Seen]:
    """A function that looks at lines to send, given the line of the record of each."""
    recipes = [i for i in source.identify_by if i.kind == "email_hash" and i.hash]
    digests = {hashed(m, i): MARKER + m for i in recipes for m in reversed(MARKERS)}
    names = [b'"user_account_id', b'"user_agent_id', *([b'"$user_account_id'] if source.owner else [])]
    doubtful = [re.compile(_DOUBTFUL % re.escape(name)) for name in names]

    def odd(field: str, value: str) -> str | None:
        return (digests.get(value) if field == "email_hash" else None) or oddity(field, value)

    def look(data: bytes, places: Sequence[int]) -> Seen:
        seen = Seen()
        if b'"email_hash"' in data and (digests or not _uniform(data, places, seen)):
            for at, line in enumerate(_lines(data)):
                value = _identity(line).email_hash
                if value is not None and (kind := odd("email_hash", value)):
                    seen.add(kind, places[at])
        wanted = [
            pattern for name, pattern in zip(names, doubtful, strict=True) if not _all_plain(data, name)
        ]
        for at, line in _matching(data, wanted):
            for field, value in _accounts(line, owned=source.owner is not None):
                if kind := odd(field, value):
                    seen.add(kind, places[at])
        return seen

    return look


def _uniform(data: bytes, places: Sequence[int], seen: Seen) -> bool:
    """Count the hashes of lines that all have one of the commonest form; False, and nothing done, if they have not."""
    values = _HASHES.findall(data)
    if not values or len(values) != data.count(b"\n"):
        return False
    lengths = set(map(len, values))
    if len(lengths) > 1 or not lengths <= set(HASH_DIGITS) or b"".join(values).translate(None, _LOWER):
        return False
    if any(map(bytes.isdigit, values)):
        return False
    kind = f"{HASH}{lengths.pop()} lower"
    seen.counts[kind], seen.first[kind] = len(values), list(places[:SHOWN])
    return True


def _all_plain(data: bytes, name: bytes) -> bool:
    """Whether no value of a field can be odd; False where that takes a closer look."""
    before = name + b'":"'
    parts = data.split(before)
    if len(parts) - 1 != data.count(name + b'"'):  # one is written otherwise
        return False
    values = [part[: part.find(b'"')] for part in parts[1:]]
    return _NEVER_PLAIN.isdisjoint(values) and not b"".join(values).translate(None, _PLAIN)


def _matching(data: bytes, patterns: Sequence[re.Pattern[bytes]]) -> Iterator[tuple[int, bytes]]:
    """Lines in which a pattern is found, with their numbers, in order."""
    begins = {data.rfind(b"\n", 0, m.start()) + 1 for pattern in patterns for m in pattern.finditer(data)}
    number = before = 0
    for begin in sorted(begins):
        number += data.count(b"\n", before, begin)
        before = begin
        end = data.find(b"\n", begin)
        yield number, data[begin : end if end >= 0 else len(data)]


def _accounts(line: bytes, *, owned: bool) -> Iterator[tuple[str, str]]:
    """Field and value of the accounts and devices of a line; those that are numbers are not looked at."""
    who = _identity(line)
    if isinstance(who.user_account_id, str):
        yield "user_account_id", who.user_account_id
    if who.user_agent_id is not None:
        yield "user_agent_id", who.user_agent_id
    if (
        owned
        and isinstance(account := _owned(line).user_profile.account, str)
        and who.user_account_id is None
    ):
        yield "user_account_id", account


def _lines(data: bytes) -> list[bytes]:
    return data.removesuffix(b"\n").split(b"\n") if data else []


def _first_accounts(data: bytes, count: int) -> Iterable[str | None]:
    """The accounts that lines name, at most so many; None for a line without one."""
    lines = data.split(b"\n", count)
    first = data[: len(data) - len(lines[-1])]
    return _compact_accounts(first, len(lines) - 1) or _asked_accounts(first)


def _compact_accounts(data: bytes, count: int) -> list[str] | None:
    """The accounts of so many lines, where all are written as the mapping writes them."""
    parts = data.split(b'"user_account_id":"')
    if not count or len(parts) - 1 != count:
        return None
    # Each part but the first holds an account and the rest of its line, and how the next line begins.
    begins = {part[part.rfind(b"\n") + 1 :] for part in parts[:-1]}
    if not all(_BEGINNING.fullmatch(begin) for begin in begins):
        return None
    values = b"\n".join([part[: part.find(b'"')] for part in parts[1:]])
    return None if b"\\" in values else values.decode().split("\n")


def _asked_accounts(data: bytes) -> Iterator[str | None]:
    for line in _lines(data):
        found = _ACCOUNTS.match(line)
        account = found[1].decode() if found else _identity(line).user_account_id
        yield account if isinstance(account, str) else None


def _folded(accounts: list[str | None]) -> TypeGuard[list[str]]:
    """Whether all are spelt as they are compared."""
    if None in accounts:
        return False
    text = "\n" + "\n".join(accounts)  # type: ignore[arg-type]
    return "\n0" not in text and text.casefold() == text


class Identifiers:
    """Gathers what segments show; of the accounts of the first `FOLDED` rows sent, the spellings are compared."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._counts = Counter[str]()
        self._first: dict[str, list[str]] = {}
        self._spelt: dict[str, str] = {}
        self._left = FOLDED
        self._varied = False  # whether one is spelt otherwise than it is compared

    def add(self, seen: Seen, file: int, before: int) -> None:
        """What a segment shows, which has so many lines before it in its file."""
        for kind, count in seen.counts.items():
            self._counts[kind] += count
            places = self._first.setdefault(kind, [])
            places += [self._place(file, before + n) for n in seen.first[kind][: SHOWN - len(places)]]

    def spellings(self, data: bytes, places: Sequence[int], file: int, before: int) -> None:
        """Accounts of lines to send that differ from an earlier one only by case or leading zeros.

        Args:
            data: lines to send, each ended by a newline.
            places: for each of them, the line of the segment that its record begins on.
            file: index of the file.
            before: lines of the file before the segment.
        """
        if not self._left:
            return
        seen, accounts = Seen(), list(_first_accounts(data, self._left))
        self._left -= len(accounts)
        if not self._varied and _folded(accounts):
            self._spelt.update(zip(accounts, accounts, strict=True))
            return
        for at, value in enumerate(accounts):
            if value is not None:
                folded = value.casefold().lstrip("0") or "0"
                self._varied = self._varied or folded != value
                if self._spelt.setdefault(folded, value) != value:
                    seen.add(SPELLING, places[at])
        self.add(seen, file, before)

    def _place(self, file: int, line: int) -> str:
        return f"{self._names[file]}:{line + 1}"

    def result(self) -> tuple[OddIdentifiers, ...]:
        """By kind; hashes of one form are not odd."""
        return tuple(
            OddIdentifiers(kind, self._counts[kind], tuple(self._first[kind])) for kind in self._counts
        )
