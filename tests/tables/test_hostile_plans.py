"""A plan that a stranger wrote, with texts of no plan of ours wherever it may have one: in no format are they more than text."""

import pytest

from reconciler.model.actor import Actor
from reconciler.model.diagnostic import warning
from reconciler.model.foreign import without_orders
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import (
    Audit,
    Budget,
    Change,
    Override,
    Plan,
    ResourceChange,
    Summary,
    Unmanaged,
)
from reconciler.model.rollout import Gates, Rollout, Wave
from reconciler.planning.plan.coverage import coverage
from reconciler.reports.drift import html as drift_html
from reconciler.reports.drift import markdown as drift_markdown
from reconciler.reports.plan import html, markdown
from reconciler.reports.plan.reach import reach
from reconciler.reports.result import markdown as result_markdown
from tests.support.odd_names import MARK, more_than_text, names

ODD = names(3, 12)


def plan(at: int, *, audit: bool = False) -> Plan:
    """With another odd text in each place for each `at`."""
    texts = [ODD[(at + n) % len(ODD)] for n in range(len(ODD))]
    key, mart, wave = texts[0], texts[1], texts[2]
    new = Change(
        actions=("create",), before=None, after={"organisation_id": "1", "token": texts[3], "name": texts[4]}
    )
    on = Change(actions=("create",), before=None, after={"datamart_id": texts[5], "compartment_id": "1000"})
    changes = (
        ResourceChange(
            address=f"Compartment/{key}", kind="Compartment", change=new, reason=texts[6], wave=wave
        ),
        ResourceChange(
            address=f"Activation/{key}@{mart}", kind="Activation", change=on, reason=texts[7], wave=wave
        ),
    )
    return Plan(
        format_version=texts[8], tool_version=texts[9], workspace=texts[8], organisation_id=texts[9], endpoint=texts[10],
        environment=texts[11], spec_digest=texts[3], complete=False, errored=False, applyable=True, limits=(texts[4],),
        resource_changes=changes, loads=(), summary=Summary(create=2), budget=Budget(), labels={mart: {texts[6]: texts[7]}},
        diagnostics=(warning(texts[5], texts[6], address=f"Activation/{key}@{mart}", help=texts[7]),),
        overrides=(Override(guard=texts[0], scope=texts[1], who=texts[2], why=texts[3]),),
        rollout=Rollout(name=texts[4], waves=(Wave(name=wave, datamarts=(mart,), gates=Gates(command=(texts[5], texts[6]))),)),
        unmanaged=(Unmanaged(kind="Compartment", compartment_id=texts[9], token=texts[10], name=texts[11]),),
        created_at=texts[0], plan_digest=texts[1], audit=Audit() if audit else None,
    )  # fmt: skip


FORMATS = {
    "plan.md": lambda at: markdown.render(plan(at), reach(plan(at), [ODD[at]])),
    "drift.md": lambda at: drift_markdown.render(plan(at, audit=True)),
    "result.md": lambda at: result_markdown.render(
        [Outcome(c.address, Status.FAILED, "create", ODD[at]) for c in plan(at).resource_changes],
        3,
        plan(at),
        ODD[at],
        coverage(plan(at)),
    ),
    "plan.html": lambda at: html.render(plan(at), reach(plan(at), [ODD[at]]), Actor(ODD[at], ODD[at], "")),
    "drift.html": lambda at: drift_html.render(plan(at, audit=True), Actor(ODD[at], ODD[at], "")),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("at", range(len(ODD)))
def test_texts_of_a_plan_are_text_and_nothing_else(form: str, at: int) -> None:
    text = without_orders(FORMATS[form](at))  # as it is written to stdout
    assert text.count(MARK) > 10, "they are shown"
    kind = "markdown" if form.endswith(".md") else "html"
    assert list(more_than_text(text, kind)) == []
