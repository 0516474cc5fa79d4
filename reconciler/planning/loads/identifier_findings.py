"""What a scan noticed about identifiers and commands that are sent, as warnings. Pure; no value is named, but the texts that stand for none."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

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


def identifier_findings(want: DesiredLoad, scan: Scan) -> list[Diagnostic]:
    """Warnings about identifiers that are sent, but may not be what they should be."""
    found = {odd.kind: odd for odd in scan.identifiers}
    csv = want.definition.format == "csv"
    markers = [odd for kind, odd in found.items() if kind.startswith(MARKER) or kind == BLANK]
    address = str(want.address)

    def told(
        odd: Sequence[OddIdentifiers], one: str, finding: Diagnostic, what: str = "identifiers"
    ) -> list[Diagnostic]:
        """The finding, whose message says what several are; `one` says it of one."""
        if not odd:
            return []
        count, places = sum(o.count for o in odd), [place for o in odd for place in o.first][:_PLACES]
        note = "\n".join([*places, *(["…"] if count > len(places) else [])])
        return [
            replace(
                finding,
                message=many(count, f"of the {what} {one}", f"of the {what} {finding.message}"),
                note=note,
                span=want.span,
                address=address,
            )
        ]

    return [
        *told(
            markers,
            "is a text that stands for no value, or only spaces",
            warning(
                "identifier-null-text",
                "are a text that stands for no value, or only spaces",
                help=_nulls(markers, csv=csv),
            ),
        ),
        *told(
            _of(found, COLUMN),
            "is the name of its column: a header stands among the rows",
            warning(
                "identifier-column-name",
                "are the name of their column: a header stands among the rows",
                help="list the files one by one instead of joining them, or take the headers away from all but the first",
            ),
        ),
        *told(
            _of(found, PADDED),
            "has spaces, or characters that do not show, around it, which become part of it",
            warning(
                "identifier-padded",
                "have spaces, or characters that do not show, around them, which become part of the identifier",
                help="remove them where the rows are made, such as with trim() in a query",
            ),
        ),
        *told(
            _of(found, NUMBER),
            "is written as a number that may be rounded, such as 1.23457E+11 or 1234.0",
            warning(
                "identifier-number",
                "are written as numbers that may be rounded, such as 1.23457E+11 or 1234.0",
                help="write the column as text where the rows are made; in a spreadsheet, give it the format Text before data comes in",
            ),
        ),
        *told(
            _of(found, EMAIL),
            "is a plain e-mail address where email_hash is declared",
            warning(
                "identifier-plain-email",
                "are plain e-mail addresses where email_hash is declared",
                help=_hash(want),
            ),
        ),
        *told(
            _of(found, NO_EMAIL),
            f"is {_NO_ADDRESS}",
            warning(
                "identifier-no-email",
                f"are {_NO_ADDRESS}",
                help="correct the rows where they are made; `normalise: [trim]` takes spaces away; if the column holds hashes already, remove `hash:`",
            ),
            "e-mail addresses to hash",
        ),
        *told(
            _of(found, NO_HASH),
            f"is no hash: those have {_FORMS} hexadecimal digits",
            warning(
                "identifier-hash-form",
                f"are no hashes: those have {_FORMS} hexadecimal digits",
                help="check the column; a hash is written in hexadecimal, without anything around it",
            ),
        ),
        *told(
            _others(found),
            "is a hash of another length or case than most of the source",
            warning(
                "identifier-hash-form",
                "are hashes of another length or case than most of the source",
                help="write all hashes with one algorithm and in lower case; different texts do not match",
            ),
        ),
        *told(
            _of(found, SPELLING),
            "differs from an earlier one only by case or leading zeros (the first 100,000 rows are compared)",
            warning(
                "identifier-spelling",
                "differ from an earlier one only by case or leading zeros (the first 100,000 rows are compared)",
                help="write each account in one way; the platform takes every spelling for another account",
            ),
        ),
        *told(
            _of(found, REPEATED),
            "has a key twice in an object of user_profile, with two values; the platform may take either"
            " (in a large source, some commands of each part are looked at)",
            warning(
                "command-repeated-key",
                "have a key twice in an object of user_profile, with two values; the platform may take either"
                " (in a large source, some commands of each part are looked at)",
                help="write each key once; a load with fill_identity: true or identify_by rejects such rows",
            ),
            "commands that were looked at",
        ),
    ]


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
