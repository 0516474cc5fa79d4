"""A plan that is decoded can be read by all that reads plans, whoever wrote it: shown, compared, recorded, undone; no reader stumbles."""

import contextlib
import copy
import re
import unicodedata
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.output.console import shown
from reconciler.errors import ReconcilerError, Refused
from reconciler.ledger.open_writes import written
from reconciler.model.foreign import plain_json, plain_page
from reconciler.model.plan import Plan
from reconciler.model.unchanged import resources
from reconciler.planning.plan import waves
from reconciler.planning.plan.authority import refusals
from reconciler.planning.plan.baseline import found, left_by
from reconciler.planning.plan.coverage import coverage
from reconciler.planning.plan.document import decode, encode, full
from reconciler.planning.plan.inverse import inverse
from reconciler.reports.coverage import text as coverage_text
from reconciler.reports.findings import github
from reconciler.reports.plan import details, html, markdown, reach, terraform, text
from reconciler.reports.plan.decision import ordered
from reconciler.reports.style import PLAIN
from reconciler.settings import Guards
from tests.laws.test_authority import document, made, paths, read
from tests.support.planted import RAW

TEXTS = [
    "", "\x1b[31mX", "::error::x", "a\nb::error::x", "<script>alert(1)</script>", "|x|`y`**z**", "\u202eabc", "e\u0301", "\ufeff", "x" * 3000,
    "9" * 400, "#", "@", "/", "Compartment/loyalty", "Activation/loyalty@fr", "Compartment/", "Activation/@", "Compartment#5", "%s{}", "fr", "1509",
]  # fmt: skip
VALUES = [
    None,
    True,
    0,
    -1,
    2**63,
    10**30,
    1.5,
    1e308,
    5e-324,
    [],
    {},
    [None],
    {"a": None},
    {"": ""},
    [[]],
    ["x"],
]
COLOURS = r"\x1b\[(?:0|1|2|31|32|33)m"  # a terminal obeys these, since our own texts have them
READERS = {
    "authority": lambda plan: refusals(plan, made()[1], Guards()),
    "text": lambda plan: shown(text.render(plan, PLAIN, show_unmanaged=True, full=True)),
    "markdown": lambda plan: plain_page(markdown.render(plan, reach.reach(plan, ["x"]))),
    "html": lambda plan: plain_page(html.render(plan, reach.reach(plan, ["x"]), None)),
    "terraform": lambda plan: plain_json(terraform.render(plan)),
    "details": lambda plan: shown(details.render(plan, details.chosen(plan, ["*"]), PLAIN)),
    "annotations": lambda plan: github.render(ordered(plan.diagnostics), ()),
    "coverage": lambda plan: coverage_text.matrix(coverage(plan), PLAIN),
    "inverse": inverse,
    "baseline": lambda plan: (found(plan), left_by(plan, [c.address for c in resources(plan)], [], {})),
    "open writes": written,
    "full": lambda plan: decode(encode(full(plan)).encode(), "p"),
    "waves": lambda plan: waves.begun(plan, {None, "canary"}),
}


def within(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@st.composite
def forged(draw: st.DrawFn) -> Plan | None:
    """A plan with up to three faults in it, anywhere; None where it is refused."""
    text = copy.deepcopy(document(in_full=draw(st.booleans())))
    for _ in range(draw(st.integers(1, 3))):
        all_paths = [p for p in paths(text) if p]
        path = draw(st.sampled_from(all_paths))
        parent, key = within(text, path[:-1]), path[-1]
        match draw(st.sampled_from("tvcdrxn")):
            case "t":
                parent[key] = draw(st.sampled_from(TEXTS))
            case "v":
                parent[key] = draw(st.sampled_from(VALUES))
            case "c":
                parent[key] = copy.deepcopy(within(text, draw(st.sampled_from(all_paths))))
            case "d":
                del parent[key]
            case "r" if isinstance(parent, list):
                parent.insert(0, copy.deepcopy(parent[key]))
            case "x" if isinstance(parent, dict):
                parent[draw(st.sampled_from(TEXTS))] = parent[key]
            case "n" if isinstance(parent[key], str):
                parent[key] = unicodedata.normalize("NFD", parent[key] + "é")
            case _:
                pass
    try:
        return read(text)
    except (Refused, UnicodeError, msgspec.ValidationError):
        return None


@given(forged())
def test_every_reader_reads_what_is_decoded(plan: Plan | None) -> None:
    for reader in READERS.values() if plan is not None else ():
        with contextlib.suppress(ReconcilerError):
            told = reader(plan)
            assert not (isinstance(told, str) and RAW.search(re.sub(COLOURS, "", told)))


@pytest.mark.parametrize(
    "path",
    [
        ("resource_changes", 0, "change", "after"),
        ("resource_changes", 0, "change", "after_unknown"),
        ("loads", 0, "unfinished"),
        ("labels",),
    ],
)
@pytest.mark.parametrize("name", ["\x1b[31m", "\u202e", "a\nb", "\x9b1m"])
def test_a_name_that_moves_a_cursor_is_refused(path: tuple[Any, ...], name: str) -> None:
    text = copy.deepcopy(document())
    within(text, path)[name] = {"after_unknown": True, "unfinished": 1, "labels": {}}.get(path[-1], "x")
    with pytest.raises(Refused, match="printed"):
        read(text)


def test_an_activation_names_its_compartment_even_where_none_is_known() -> None:
    text = copy.deepcopy(document())
    change = next(
        c
        for c in text["resource_changes"]
        if (c["kind"], c["change"]["actions"]) == ("Activation", ["delete"])
    )
    del change["change"]["before"]["compartment_id"]
    with pytest.raises(Refused, match="compartment_id"):
        read(text)


@pytest.mark.parametrize(
    "said", [{}, {"": ""}, {"compartment_id": None, "token": "x"}, {"compartment_id": "1"}]
)
def test_a_former_default_is_a_compartment(said: dict[str, Any]) -> None:
    text = copy.deepcopy(document())
    change = next(c for c in text["resource_changes"] if c["kind"] == "Activation")
    with pytest.raises(Refused, match="former_default"):
        read({**text, "resource_changes": [{**change, "former_default": said, "requires": []}]})
