"""Identifiers that look wrong: texts that stand for nothing, padding, e-mails where a hash belongs, hashes of another form.

What is looked at are the identifiers of the lines to send, as whatever made or judged the lines read them (`Named`), so that
every way in which rows are read counts the same. Values stay here: what leaves are counts and places. Pure.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TypeGuard

import msgspec

from reconciler.bulk.records.lines import BadLine, Line
from reconciler.bulk.records.mapping import Row, identifying, value_at
from reconciler.bulk.records.recipes import hashed, normalised
from reconciler.model.load import OddIdentifiers
from reconciler.model.odd_identifiers import (
    BLANK,
    COLUMN,
    EMAIL,
    HASH,
    HASH_DIGITS,
    MARKER,
    MARKERS,
    NO_EMAIL,
    NO_HASH,
    NUMBER,
    PADDED,
    SPELLING,
)
from reconciler.model.source import SourceDefinition

SHOWN = 3
FOLDED = 100_000  # rows whose accounts' spellings are compared

_MARKERS = frozenset(MARKERS)
_ACCOUNT = "user_account_id"
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?[eE]\+\d+|-?\d+\.0+")  # as spreadsheets and data frames write one
_HEX = re.compile("[0-9a-fA-F]+")
_MARKS_OF_NUMBERS = ("E+", "e+", ".0")
_UNSEEN = "\0\u200b\u2060\ufeff"  # no spaces, but as hard to see: a byte order mark within joined files, fills of fixed length
_LOWER = b"0123456789abcdef"
_DIGEST = 12


class Named:
    """Whom the lines to send name, in order."""

    def __init__(self) -> None:
        self._values: list[str] = []
        self._runs: list[tuple[int, str]] = []  # from which line on identifiers are in which field
        self._owners: list[tuple[int, str]] = []  # lines that name an account as their owner alone
        self.hashed_others: list[int] = []  # lines whose hash was made of a text that is no e-mail address

    def add(self, field: str, values: Sequence[str], owners: Sequence[str] = ()) -> None:
        """Lines with identifiers in one field; with the accounts that own their profiles, where the source says which."""
        if not self._runs or self._runs[-1][1] != field:
            self._runs.append((len(self._values), field))
        if field != _ACCOUNT:
            self._owners.extend(enumerate(owners, len(self._values)))
        self._values.extend(values)

    def add_line(self, line: Line, *, owned: bool, hashed_other: bool = False) -> None:
        """One line; `owned` where the source says which account owns a profile, `hashed_other` if it hashes no e-mail address."""
        if hashed_other:
            self.hashed_others.append(len(self._values))
        self.add(line.field, (line.who,), (line.owner,) if owned and line.owner is not None else ())

    def value(self, at: int) -> str:
        """The identifier of a line."""
        return self._values[at]

    def runs(self) -> Iterator[tuple[int, str, list[str]]]:
        """Lines that follow one another with one field: the first of them (0 is the first of all), the field, the values."""
        ends = (*(begin for begin, _ in self._runs[1:]), len(self._values))
        for (begin, field), end in zip(self._runs, ends, strict=False):
            yield begin, field, self._values[begin:end]

    def owners(self) -> list[tuple[int, str]]:
        """Lines that name an account as their owner alone, and the account."""
        return self._owners

    def accounts(self) -> list[str | None]:
        """For each line the account that it is about; None where it names none."""
        made: list[str | None] = []
        for _, field, values in self.runs():
            made.extend(values if field == _ACCOUNT else [None] * len(values))
        return made


class Seen(msgspec.Struct):
    """What identifiers of a segment show.

    Attributes:
        counts: how often each kind of odd identifier is there.
        first: where the first of each are (lines from 0).
        accounts: for each line to send, the account it is about, if any; None where that was not asked for.
        spellings: the same as digests of how an account is compared, and of how it is spelt, where accounts stay elsewhere.
    """

    counts: dict[str, int] = {}
    first: dict[str, list[int]] = {}
    accounts: list[str | None] | None = None
    spellings: list[tuple[bytes, bytes] | None] | None = None

    def add(self, kind: str, places: Sequence[int]) -> None:
        """More of one kind, in order of their places."""
        self.counts[kind] = self.counts.get(kind, 0) + len(places)
        first = self.first.setdefault(kind, [])
        first.extend(places[: SHOWN - len(first)])


def oddity(field: str, value: str) -> str | None:
    """What is odd about the value of an identifier, by itself; of a hash, which kind it is. None if nothing is."""
    if not value or _shows_not(value[0]) or _shows_not(value[-1]):
        return BLANK if all(map(_shows_not, value)) else PADDED
    if value in _MARKERS:
        return MARKER + value
    if field != "email_hash":
        return NUMBER if _NUMBER.fullmatch(value) else None
    if _EMAIL.fullmatch(value):
        return EMAIL
    if len(value) not in HASH_DIGITS or not _HEX.fullmatch(value):
        return NO_HASH
    return f"{HASH}{len(value)} {_case(value)}"


def _shows_not(letter: str) -> bool:
    return letter.isspace() or letter in _UNSEEN


def _case(value: str) -> str:
    lower, upper = value != value.upper(), value != value.lower()
    return "mixed" if lower and upper else "lower" if lower else "upper" if upper else "digits"


def looker(source: SourceDefinition) -> Callable[[Named, Sequence[int]], Seen]:
    """A function that looks at whom lines to send name, given the line of the record of each."""
    recipes = [i for i in source.identify_by if i.kind == "email_hash" and i.hash]
    digests = {hashed(m, i): MARKER + m for i in recipes for m in reversed(MARKERS)}
    columns = _headers(source)
    digests |= {hashed(c, i): COLUMN for i in recipes for c in columns}
    strange = _MARKERS | columns

    def odd(field: str, value: str) -> str | None:
        if value in columns:
            return COLUMN
        return (digests.get(value) if field == "email_hash" else None) or oddity(field, value)

    def look(named: Named, places: Sequence[int]) -> Seen:
        found: list[tuple[int, str, int]] = []  # from which line on, of which kind, how many
        for begin, field, values in named.runs():
            if field == "email_hash" and digests.keys().isdisjoint(values) and (kind := _one_form(values)):
                found.append((begin, kind, len(values)))
            elif field == "email_hash" or not _plain(values, strange):
                found += [(at, k, 1) for at, value in enumerate(values, begin) if (k := odd(field, value))]
        owners = named.owners()
        if not _plain([account for _, account in owners], strange):
            found = sorted(found + [(at, k, 1) for at, account in owners if (k := odd(_ACCOUNT, account))])
        seen = Seen()
        for begin, kind, count in found:
            seen.add(kind, places[begin : begin + count])
        if others := [places[at] for at in named.hashed_others if named.value(at) not in digests]:
            seen.add(NO_EMAIL, others)
        return seen

    return look


def hashes_other(source: SourceDefinition) -> Callable[[Row], bool]:
    """The function that says of a row whose line names a hash whether the source made it of a text that is no e-mail address."""
    hashes = [i for i in source.identify_by if i.kind == "email_hash"]

    def other(row: Row) -> bool:
        for identifier in hashes:
            try:
                value = identifying(value_at(row, identifier.column), identifier.column)
            except BadLine:
                return False
            text = value and (normalised(value, identifier) if identifier.hash else value)
            if text:
                return identifier.hash is not None and not _EMAIL.fullmatch(text)
        return False

    return other


def _headers(source: SourceDefinition) -> frozenset[str]:
    """The names of the columns of identifiers, which stand among the rows where files with headers were joined."""
    if source.format != "csv":
        return frozenset()
    named = (*source.identify_by, *([source.owner] if source.owner else ()))
    return frozenset(i.column for i in named)


def _plain(values: list[str], strange: frozenset[str]) -> bool:
    """Whether none can be odd: none is empty, has spaces or other letters than those of ASCII, may be a number, or stands for nothing."""
    joined = "".join(values)
    return (
        joined.isascii()
        and not any(mark in joined for mark in _MARKS_OF_NUMBERS)
        and joined.split() == [joined][: len(values)]
        and "\0" not in joined
        and strange.isdisjoint(values)
    )


def _one_form(values: list[str]) -> str | None:
    """The kind of hashes that all have one of the commonest form, which is not odd; None if they have not."""
    lengths = set(map(len, values))
    joined = "".join(values)
    if len(lengths) > 1 or not lengths <= set(HASH_DIGITS) or not joined.isascii():
        return None
    if joined.encode().translate(None, _LOWER) or any(map(str.isdigit, values)):
        return None
    return f"{HASH}{lengths.pop()} lower"


def _folded(accounts: list[str | None]) -> TypeGuard[list[str]]:
    """Whether all are spelt as they are compared."""
    if None in accounts:
        return False
    text = "\n" + "\n".join(accounts)  # type: ignore[arg-type]
    return "\n0" not in text and text.casefold() == text


def _compared(account: str) -> str:
    """An account without what two spellings of it may differ in: case, and zeros at the beginning."""
    return account.casefold().lstrip("0") or "0"


def without_accounts(seen: Seen, key: bytes, most: int) -> Seen:
    """What was seen, with digests under this key in place of accounts, of so many lines."""
    if seen.accounts is None:
        return seen
    accounts = seen.accounts[:most]

    def digest(text: str) -> bytes:
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST, key=key).digest()

    def pair(account: str) -> tuple[bytes, bytes]:
        made, compared = digest(account), _compared(account)
        return (made, made) if compared == account else (digest(compared), made)

    return Seen(seen.counts, seen.first, None, [None if a is None else pair(a) for a in accounts])


class Identifiers:
    """Gathers what segments show; of the accounts of the first `FOLDED` rows sent, the spellings are compared.

    Attributes:
        left: of how many more lines the accounts are wanted.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._counts = Counter[str]()
        self._first: dict[str, list[str]] = {}
        self._spelt: dict[str, str] = {}
        self._digests: dict[bytes, bytes] = {}
        self.left = FOLDED
        self._varied = False  # whether one is spelt otherwise than it is compared

    def add(self, seen: Seen, places: Sequence[int], file: int, before: int) -> None:
        """What a segment shows.

        Args:
            seen: its identifiers.
            places: for each line to send, the line of the segment that its record begins on.
            file: index of the file.
            before: lines of the file before the segment.
        """
        self._count(seen, file, before)
        if seen.accounts is not None and self.left:
            self._count(self._spellings(seen.accounts[: self.left], places), file, before)
        if seen.spellings is not None and self.left:
            self._count(self._digested(seen.spellings[: self.left], places), file, before)

    def _count(self, seen: Seen, file: int, before: int) -> None:
        for kind, count in seen.counts.items():
            self._counts[kind] += count
            places = self._first.setdefault(kind, [])
            places += [self._place(file, before + n) for n in seen.first[kind][: SHOWN - len(places)]]

    def _spellings(self, accounts: list[str | None], places: Sequence[int]) -> Seen:
        """Accounts that differ from an earlier one only by case or leading zeros."""
        self.left -= len(accounts)
        seen = Seen()
        if not self._varied and _folded(accounts):
            self._spelt.update(zip(accounts, accounts, strict=True))
            return seen
        for at, value in enumerate(accounts):
            if value is not None:
                folded = _compared(value)
                self._varied = self._varied or folded != value
                if self._spelt.setdefault(folded, value) != value:
                    seen.add(SPELLING, (places[at],))
        return seen

    def _digested(self, spellings: list[tuple[bytes, bytes] | None], places: Sequence[int]) -> Seen:
        """The same of accounts that are elsewhere."""
        self.left -= len(spellings)
        seen = Seen()
        for at, pair in enumerate(spellings):
            if pair is not None and self._digests.setdefault(*pair) != pair[1]:
                seen.add(SPELLING, (places[at],))
        return seen

    def _place(self, file: int, line: int) -> str:
        return f"{self._names[file]}:{line + 1}"

    def result(self) -> tuple[OddIdentifiers, ...]:
        """By kind; hashes of one form are not odd."""
        return tuple(
            OddIdentifiers(kind, self._counts[kind], tuple(self._first[kind])) for kind in self._counts
        )
