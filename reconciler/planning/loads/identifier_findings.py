"""What a scan noticed about identifiers, as warnings. Pure; no value is named, but the texts that stand for none."""

import json
from collections import Counter
from collections.abc import Sequence

from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, warning
from reconciler.model.load import OddIdentifiers, Scan
from reconciler.model.odd_identifiers import (
    BLANK,
    EMAIL,
    HASH,
    HASH_DIGITS,
    MARKER,
    NO_HASH,
    PADDED,
    SPELLING,
)

_FORMS = ", ".join(map(str, HASH_DIGITS[:-1])) + f" or {HASH_DIGITS[-1]}"
_PLACES = 5


def identifier_findings(want: DesiredLoad, scan: Scan) -> list[Diagnostic]:
    """Warnings about identifiers that are sent, but may not be what they should be."""
    found = {odd.kind: odd for odd in scan.identifiers}
    csv = want.definition.format == "csv"
    markers = [odd for kind, odd in found.items() if kind.startswith(MARKER) or kind == BLANK]
    alone = (
        ("identifier-null-text", markers, "are a text that stands for no value, or only spaces", _nulls(markers, csv=csv)),
        ("identifier-padded", _of(found, PADDED), "have spaces around them, which become part of the identifier",
         "remove them where the rows are made, such as trim() in the query"),
        ("identifier-plain-email", _of(found, EMAIL), "are plain e-mail addresses where email_hash is declared", _hash(want)),
        ("identifier-hash-form", _of(found, NO_HASH), f"are no hashes: those have {_FORMS} hexadecimal digits",
         "check the column; a hash is written in hexadecimal, without anything around it"),
        ("identifier-hash-form", _others(found), "are hashes of another length or case than most of the source",
         "write all hashes with one algorithm and in lower case; the platform compares them as text"),
        ("identifier-spelling", _of(found, SPELLING),
         "differ from an earlier one only by case or by leading zeros (the first 100,000 rows are compared)",
         "write each account in one way; the platform takes every spelling for another account"),
    )  # fmt: skip
    return [_finding(want, code, odd, words, advice) for code, odd, words, advice in alone if odd]


def _finding(
    want: DesiredLoad, code: str, odd: Sequence[OddIdentifiers], words: str, advice: str
) -> Diagnostic:
    count = sum(o.count for o in odd)
    places = [place for o in odd for place in o.first]
    note = "\n".join([*places[:_PLACES], *(["…"] if count > len(places[:_PLACES]) else [])])
    return warning(
        code,
        f"{count:,} of the identifiers {words}",
        want.span,
        address=str(want.address),
        note=note,
        help=advice,
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
