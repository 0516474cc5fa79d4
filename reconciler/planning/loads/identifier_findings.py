"""What a scan noticed about identifiers and commands that are sent, as warnings. Pure; no value is named, but the texts that stand for none."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from reconciler.kinds.counts import many
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.model.load import OddIdentifiers, Scan
from reconciler.model.odd_identifiers import (
    BLANK,
    COLUMN,
    EMAIL,
    HASH,
    HASH_DIGITS,
    MARKER,
    NO_EMAIL,
    NO_HASH,
    NUMBER,
    PADDED,
    REPEATED,
    SPELLING,
)

_FORMS = ", ".join(map(str, HASH_DIGITS[:-1])) + f" or {HASH_DIGITS[-1]}"
_NO_ADDRESS = "no address (name@domain.tld), but hashed and sent all the same"
_PLACES = 5


class _Said(NamedTuple):
    """What is said of identifiers of one kind.

    Attributes:
        code: of the finding.
        one: what one of them does, behind "1 of the identifiers".
        several: the same of any other number.
        help: what to do; None where it depends on the source.
        what: of which they are some.
    """

    code: str
    one: str
    several: str
    help: str | None = None
    what: str = "identifiers"


_NULL_TEXT = _Said(
    "identifier-null-text",
    "is a text that stands for no value, or only spaces",
    "are a text that stands for no value, or only spaces",
)
_COLUMN_NAME = _Said(
    "identifier-column-name",
    "is the name of its column: a header stands among the rows",
    "are the name of their column: a header stands among the rows",
    "list the files one by one instead of joining them, or take the headers away from all but the first",
)
_PADDED = _Said(
    "identifier-padded",
    "has spaces, or characters that do not show, around it, which become part of it",
    "have spaces, or characters that do not show, around them, which become part of the identifier",
    "remove them where the rows are made, such as with trim() in a query",
)
_ROUNDED = _Said(
    "identifier-number",
    "is written as a number that may be rounded, such as 1.23457E+11 or 1234.0",
    "are written as numbers that may be rounded, such as 1.23457E+11 or 1234.0",
    "write the column as text where the rows are made; in a spreadsheet, give it the format Text before data comes in",
)
_PLAIN_EMAIL = _Said(
    "identifier-plain-email",
    "is a plain e-mail address where email_hash is declared",
    "are plain e-mail addresses where email_hash is declared",
)
_NOT_AN_ADDRESS = _Said(
    "identifier-no-email",
    f"is {_NO_ADDRESS}",
    f"are {_NO_ADDRESS}",
    what="e-mail addresses to hash",
)
_NOT_A_HASH = _Said(
    "identifier-hash-form",
    f"is no hash: those have {_FORMS} hexadecimal digits",
    f"are no hashes: those have {_FORMS} hexadecimal digits",
    "check the column; a hash is written in hexadecimal, without anything around it",
)
_OTHER_HASH = _Said(
    "identifier-hash-form",
    "is a hash of another length or case than most of the source",
    "are hashes of another length or case than most of the source",
    "write all hashes with one algorithm and in lower case; different texts do not match",
)
_OTHER_SPELLING = _Said(
    "identifier-spelling",
    "differs from an earlier one only by case or leading zeros (the first 100,000 rows are compared)",
    "differ from an earlier one only by case or leading zeros (the first 100,000 rows are compared)",
    "write each account in one way; the platform takes every spelling for another account",
)
_REPEATED_KEY = _Said(
    "command-repeated-key",
    "has a key twice in an object of user_profile, with two values; the platform may take either"
    " (in a large source, some commands of each part are looked at)",
    "have a key twice in an object of user_profile, with two values; the platform may take either"
    " (in a large source, some commands of each part are looked at)",
    "write each key once; a load with fill_identity: true or identify_by rejects such rows",
    "commands that were looked at",
)


def identifier_findings(want: DesiredLoad, scan: Scan) -> list[Diagnostic]:
    """Warnings about identifiers that are sent, but may not be what they should be."""
    found = {odd.kind: odd for odd in scan.identifiers}
    csv = want.definition.format == "csv"
    markers = [odd for kind, odd in found.items() if kind.startswith(MARKER) or kind == BLANK]
    told = (
        (markers, _NULL_TEXT._replace(help=_nulls(markers, csv=csv))),
        (_of(found, COLUMN), _COLUMN_NAME),
        (_of(found, PADDED), _PADDED),
        (_of(found, NUMBER), _ROUNDED),
        (_of(found, EMAIL), _PLAIN_EMAIL._replace(help=_hash(want))),
        (_of(found, NO_EMAIL), _NOT_AN_ADDRESS._replace(help=_addresses(want))),
        (_of(found, NO_HASH), _NOT_A_HASH),
        (_others(found), _OTHER_HASH),
        (_of(found, SPELLING), _OTHER_SPELLING),
        (_of(found, REPEATED), _REPEATED_KEY),
    )
    return [_finding(want, odd, said) for odd, said in told if odd]


def _finding(want: DesiredLoad, odd: Sequence[OddIdentifiers], said: _Said) -> Diagnostic:
    count, places = sum(o.count for o in odd), [place for o in odd for place in o.first][:_PLACES]
    return warning(
        said.code,
        many(count, f"of the {said.what} {said.one}", f"of the {said.what} {said.several}"),
        want.span,
        note="\n".join([*places, *(["…"] if count > len(places) else [])]),
        help=said.help,
        address=str(want.address),
    )


def _of(found: dict[str, OddIdentifiers], kind: str) -> list[OddIdentifiers]:
    return [found[kind]] if kind in found else []


def _others(found: dict[str, OddIdentifiers]) -> list[OddIdentifiers]:
    """Hashes that are not of the commonest length and case; one without a letter is of any case."""
    forms = {kind: odd for kind, odd in found.items() if kind.startswith(HASH)}
    lengths, cases = Counter[str](), Counter[str]()
    for kind, odd in forms.items():
        _, length, case = kind.split()
        lengths[length] += odd.count
        if case in ("lower", "upper"):
            cases[case] += odd.count
    usual = {*(n for n, _ in lengths.most_common(1)), *(c for c, _ in cases.most_common(1)), "digits"}
    return [odd for kind, odd in forms.items() if not set(kind.split()[1:]) <= usual]


def _nulls(markers: Sequence[OddIdentifiers], *, csv: bool) -> str:
    texts = [o.kind.removeprefix(MARKER) for o in markers if o.kind != BLANK]
    if not csv:
        return "leave the value out, or write null, where the rows are made"
    if not texts:
        return 'leave the cells empty, or list the spaces as they stand: csv: {nulls: [" "]}'
    return f"set csv: {{nulls: {json.dumps(texts)}}}; a row without an identifier is then rejected"


def _hash(want: DesiredLoad) -> str:
    column = next((i.column for i in want.definition.identify_by if i.kind == "email_hash"), None)
    if column is None:
        return "hash the e-mail addresses before they are written into the commands"
    return (
        f"set identify_by: {{email_hash: {{column: {column}, hash: sha256, normalise: [trim, lowercase]}}}}"
    )


def _addresses(want: DesiredLoad) -> str:
    trimmed = all("trim" in i.normalise for i in want.definition.identify_by if i.hash)
    spaces = "" if trimmed else " `normalise: [trim]` takes spaces away;"
    return f"correct the rows where they are made;{spaces} if the column holds hashes already, remove `hash:`"
