"""What a source expects of its rows and does not find, as findings. Pure; counts and places, never a value."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from reconciler.kinds.counts import many
from reconciler.kinds.nearest import proposal
from reconciler.model.address import Span
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, Severity, error
from reconciler.model.load import Broken, Scan
from reconciler.model.source import Expectation, SourceDefinition

SHOWN_VALUES = 8


class Unmet(NamedTuple):
    """An expectation that does not hold.

    Attributes:
        words: how.
        places: of the first rows that break it, one a line.
        no_value: no row has a value in its field.
        near: the name of a field that may be meant then.
        advice: what to do, where that is known.
    """

    expectation: Expectation
    words: str
    places: str = ""
    no_value: bool = False
    near: str | None = None
    advice: str | None = None


def expectation_findings(want: DesiredLoad, scan: Scan) -> list[Diagnostic]:
    """One finding for each expectation that rows break; what compares with the load before is not among them."""
    return [_finding(want, found) for found in broken(want.definition, scan)]


def change_findings(want: DesiredLoad, rows: int, before: int) -> list[Diagnostic]:
    """Expectations about the number of rows after a load of `before` rows; 0 is none."""
    found = []
    for expectation in want.definition.expect:
        if expectation.check == "max_change_percent" and before:
            changed = abs(rows - before) * 100 / before
            if changed > expectation.value:
                words = (
                    f"{many(rows, 'row')}, after {before:,} in the last load: {changed:.1f} % more or fewer"
                )
                found.append(_finding(want, Unmet(expectation, words)))
    return found


def refused(definition: SourceDefinition, scan: Scan) -> str | None:
    """The first expectation of severity error that rows break, in words."""
    return next(
        (_told(u) for u in broken(definition, scan) if u.expectation.severity == "error"),
        None,
    )


def warned(definition: SourceDefinition, scan: Scan) -> list[str]:
    """The expectations of severity warning that rows break, in words."""
    return [f"expected {_told(u)}" for u in broken(definition, scan) if u.expectation.severity != "error"]


def broken(definition: SourceDefinition, scan: Scan) -> Iterator[Unmet]:
    """Each expectation that does not hold."""
    rows = scan.accepted
    for expectation, found in zip(definition.expect, scan.expectations, strict=False):
        if expectation.check == "min_rows":
            if rows < expectation.value:
                yield Unmet(expectation, many(rows, "row"))
        elif breaking(expectation, found, scan) and not found.seen:
            words = "no row has a value in this field"
            unmet = Unmet(expectation, words, no_value=True, near=found.near)
            yield _unsent(expectation, definition) or unmet
        elif found.count:
            more = ["…"] if found.count > len(found.first) else []
            yield Unmet(expectation, _words(expectation, found), "\n".join([*found.first, *more]))


def _unsent(expectation: Expectation, definition: SourceDefinition) -> Unmet | None:
    """A check of a column whose text the spec does not send: it hashes it, or leaves it out."""
    recipes = {i.column for i in definition.identify_by if i.hash}
    if expectation.field in recipes and expectation.check not in ("not_null", "unique"):
        words = "this column is sent as a hash, of which the check can tell nothing"
        advice = "check the texts where the rows are made; the warning identifier-no-email counts those that are no e-mail addresses"
        return Unmet(expectation, words, no_value=True, advice=advice)
    if expectation.field in definition.exclude:
        words = "`profile.exclude` leaves this column out, and only what is sent is checked"
        advice = "take the check out of `expect`, or the column out of `exclude`"
        return Unmet(expectation, words, no_value=True, advice=advice)
    return None


def breaking(expectation: Expectation, found: Broken, scan: Scan) -> int:
    """How many rows break an expectation of a field: all, where none has a value in it."""
    if expectation.field and not found.seen:
        return scan.upserts + scan.unchanged
    return found.count


def name(expectation: Expectation) -> str:
    """An expectation as the spec has it, on one line."""
    field = f"{expectation.field} " if expectation.field else ""
    value = expectation.value
    if expectation.check == "range":
        return f"{field}range {value.get('min', '…')} to {value.get('max', '…')}"
    if expectation.check == "in":
        return f"{field}in {_listed(value)}"
    return field + expectation.check + ("" if value is True else f" {value}")


def _listed(values: Sequence[object]) -> str:
    """The values that the spec allows; the first of many, and how many there are, which tells two lists apart."""
    shown = ", ".join(json.dumps(v, ensure_ascii=False) for v in values[:SHOWN_VALUES])
    return f"[{shown}]" if len(values) <= SHOWN_VALUES else f"[{shown}, …] ({many(len(values), 'value')})"


def _words(expectation: Expectation, found: Broken) -> str:
    count = many(found.count, "row")
    if expectation.check == "not_null":
        return f"{count} without a value"
    if expectation.check == "unique":
        return f"{count} with a value that an earlier row has"
    if expectation.check == "matches":
        return f"{count} with a value that does not match, or is no text"
    return f"{count} with another value"


def _told(unmet: Unmet) -> str:
    near = f"; {proposal(unmet.near)}" if unmet.near else ""
    return f"{name(unmet.expectation)}: {unmet.words}{near}"


def _place(want: DesiredLoad, unmet: Unmet) -> Span:
    """Its check in the spec, or the field that no row has; two checks that are equal are two entries."""
    number = next((n for n, e in enumerate(want.definition.expect) if e is unmet.expectation), None)
    if want.places is None or number is None:
        return want.span
    return want.places.of_expected_field(number) if unmet.no_value else want.places.of_expectation(number)


def _help(unmet: Unmet) -> str:
    if unmet.advice:
        return unmet.advice
    if unmet.near:
        return f"{proposal(unmet.near)} `field:` is a property as it is sent"
    return "correct the rows where they are made, or change `expect:`"


def _finding(want: DesiredLoad, unmet: Unmet) -> Diagnostic:
    expectation = unmet.expectation
    finding = error(
        "expectation",
        f"expected {name(expectation)}: {unmet.words}",
        _place(want, unmet),
        address=str(want.address),
        note=unmet.places or None,
        help=_help(unmet),
    )
    return finding if expectation.severity == "error" else replace(finding, severity=Severity.WARNING)
