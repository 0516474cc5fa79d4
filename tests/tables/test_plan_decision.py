"""Each format of a plan says first whether it can be applied, and its errors last; over every combination of what decides."""

import itertools
import re

import msgspec
import pytest
from msgspec.structs import replace

from reconciler.model.diagnostic import Diagnostic, Severity, error, warning
from reconciler.model.plan import FORMAT_VERSION, Budget, Change, LoadChange, Plan, ResourceChange, Summary
from reconciler.planning.digests import sealed
from reconciler.reports.markdown import LIMIT
from reconciler.reports.plan import html as plan_html
from reconciler.reports.plan import markdown as plan_markdown
from reconciler.reports.plan import text as plan_text
from reconciler.reports.plan.words import value
from reconciler.reports.style import Style

CHANGE = ResourceChange(
    address="Compartment/loyalty",
    kind="Compartment",
    change=Change(actions=("create",), before=None, after={"token": "loyalty"}),
    reason="not there",
)


def plan(changes: int, errors: int, warnings: int, *, errored: bool) -> Plan:
    found: list[Diagnostic] = []
    for n in range(max(errors, warnings)):
        found += [error("read-failed", f"stops {n}")] * (n < errors) + [warning("w", f"warns {n}")] * (
            n < warnings
        )
    return sealed(
        Plan(
            format_version=FORMAT_VERSION, tool_version="0", workspace="shop", organisation_id="1185", endpoint="e",
            environment=None, spec_digest="", complete=True, errored=errored, applyable=not (errored or errors),
            resource_changes=(CHANGE,) * changes, loads=(), summary=Summary(create=changes, unchanged=7), budget=Budget(),
            diagnostics=tuple(found), created_at="2026-01-01T00:00:00+00:00",
        )
    )  # fmt: skip


def test_a_removal_that_stays_is_not_called_declared() -> None:
    """What an apply left because the platform refused to remove it is counted apart."""
    same = Change(actions=("no-op",), before={}, after={})
    rows = tuple(ResourceChange(address=a, kind="Activation", change=same, reason="") for a in "abc")
    note = Diagnostic("removal-not-proposed", Severity.NOTE, "stays", address="b")
    for kept, words in ((rows, "2 resources are as declared; 1 removal is not proposed."), (rows[:2], "1 resource is as declared; 1 removal is not proposed.")):  # fmt: skip
        made = replace(plan(0, 0, 0, errored=False), resource_changes=kept, diagnostics=(note,), summary=Summary(unchanged=len(kept)))  # fmt: skip
        for form, text in formats(made).items():
            assert words in " ".join(text.split()), form


@pytest.mark.parametrize(
    ("size", "words"), [(0, "About 3 requests."), (7, "About 3 requests, and 7 B to upload.")]
)
def test_nothing_is_said_of_an_upload_where_there_is_none(size: int, words: str) -> None:
    made = replace(plan(1, 0, 0, errored=False), budget=Budget(requests=3, bytes=size))
    assert f"{words}\n" in f"{plan_text.render(made, Style())}\n"


def test_the_flags_that_limit_a_plan_are_named_in_every_format() -> None:
    made = replace(plan(1, 0, 0, errored=False), complete=False)
    for limits, words in (
        ((), "Flags limit this plan; resources"),
        (("--only config",), "Flags limit this plan (--only config); resources"),
        (("--only config", "-l team=crm"), "(--only config, -l team=crm);"),
        (tuple(f"--target A/{n}" for n in range(9)), "(--target A/0, --target A/1, --target A/2, 6 more);"),
        (("--datamart " + "x" * 99,), f"(--datamart {'x' * 48}…);"),
    ):
        for form, text in formats(replace(made, limits=limits)).items():
            assert words in " ".join(text.split()), (form, limits)


def test_a_plan_of_failed_commands_names_no_flags_that_were_not_given() -> None:
    load = msgspec.convert(
        {
            **dict.fromkeys(("address", "datamart", "datamart_id", "source_digest", "reason"), "x"),
            **dict.fromkeys(("chunks", "lines", "bytes", "upserts", "deletes", "rejected"), 1),
            "generation": 1, "load_digest": "d", "replay_safe": True, "unfinished": {}, "actions": ["execute"],
            "requires": [], "after_unknown": {}, "definition": {}, "retry": 1,
        },
        LoadChange,
    )  # fmt: skip
    made = replace(plan(0, 0, 0, errored=False), complete=False, loads=(load,))
    for form, text in formats(made).items():
        shown = " ".join(text.split())
        assert "This plan sends failed commands again; nothing else was compared." in shown, form
        assert "Flags" not in shown, form


def formats(made: Plan) -> dict[str, str]:
    html = re.sub(r"(?s).*?</h1>", "", plan_html.render(made))
    return {
        "text": plan_text.render(made, Style()),
        "markdown": plan_markdown.render(made),
        "html": re.sub(r"<[^>]*>", "", html),
    }


@pytest.mark.parametrize(
    ("changes", "errors", "warnings", "errored"),
    list(itertools.product((0, 1), (0, 1, 3), (0, 2), (False, True))),
)
def test_the_decision_comes_first_in_every_format(
    changes: int, errors: int, warnings: int, errored: bool
) -> None:
    made = plan(changes, errors, warnings, errored=errored)
    stopped = bool(errors) or errored
    for form, text in formats(made).items():
        assert ("This plan cannot be applied" in text) == stopped, form
        assert ("No changes." in text) == (not changes and not stopped), form
        assert ("are as declared" in text) == (not changes and not stopped), form
        if not stopped:
            continue
        said = text.index("This plan cannot be applied")
        if errors:
            counted = "1 error" if errors == 1 else f"{errors} errors"
            assert text[said:].startswith(f"This plan cannot be applied: {counted}"), form
        assert "loyalty" not in text[:said], form
        assert "stops" not in text[:said], form


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_errors_are_apart_from_warnings_and_counted(form: str) -> None:
    """A comment ends with them, where its reader is when it was cut; a page is read from its top, and begins with them."""
    text = formats(plan(1, 3, 2, errored=False))[form]
    warnings = [text.index(f"warns {n}") for n in range(2)]
    errors = [text.index(f"stops {n}") for n in range(3)]
    first, last = (errors, warnings) if form == "html" else (warnings, errors)
    assert max(first) < min(last)
    assert "2 warnings, 3 errors" in text


def test_a_shortened_comment_keeps_the_errors() -> None:
    many = tuple(warning("w", "x" * 500 + str(n)) for n in range(300))
    made = replace(plan(1, 1, 0, errored=False), diagnostics=(error("read-failed", "stops 0"), *many))
    text = plan_markdown.render(made)
    assert len(text) <= LIMIT
    assert "stops 0" in text


def test_the_heading_of_findings_says_where_errors_are_and_a_stopped_plan_has_no_upload() -> None:
    found = replace(plan(1, 2, 3, errored=False), budget=Budget(requests=3, bytes=7))
    page = plan_html.render(found)
    assert "3 warnings, 2 errors; errors are at the top</span>" in page
    assert "to upload" not in page
    assert "to upload" in plan_html.render(
        replace(plan(1, 0, 3, errored=False), budget=Budget(requests=3, bytes=7))
    )


@pytest.mark.parametrize(
    ("given", "shown"),
    [("a", '"a"'), ('a "b" c', r'"a \"b\" c"'), ("a\\b", '"a\\b"'), ('\\"', r'"\\\""'), (None, "(none)")],
)
def test_quotes_within_a_value_do_not_end_it(given: str | None, shown: str) -> None:
    assert value(given) == shown
