"""A plan as Markdown for a comment and as one page of HTML: all of it, in any size, and nothing that runs."""

import json
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.model.diagnostic import error
from reconciler.model.plan import FORMAT_VERSION, Budget, Change, Plan, ResourceChange, Summary
from reconciler.planning.digests import sealed
from reconciler.planning.plan.coverage import Cover, Coverage
from reconciler.reports.coverage import text as coverage_text
from reconciler.reports.markdown import LIMIT
from reconciler.reports.plan import html as plan_html
from reconciler.reports.plan import markdown as plan_markdown
from reconciler.reports.style import Style
from tests.support.emulator import Emulator
from tests.support.fleet import Fleet
from tests.support.workspace import Workspace
from tests.workflows.test_sandbox_page import Browse, browse

__all__ = ["browse"]


def made(count: int, name: str = "compartment-{}", reason: str = "because it is {}") -> Plan:
    changes = tuple(
        ResourceChange(
            address=f"Compartment/{name.format(n)}",
            kind="Compartment",
            change=Change(
                actions=("create",), before=None, after={"token": name.format(n), "name": name.format(n)}
            ),
            reason=reason.format(n),
        )
        for n in range(count)
    )
    return sealed(
        Plan(
            format_version=FORMAT_VERSION, tool_version="0", workspace="shop", organisation_id="1185", endpoint="e",
            environment=None, spec_digest="", complete=True, errored=False, applyable=True, resource_changes=changes,
            loads=(), summary=Summary(create=count), budget=Budget(), created_at="2026-01-01T00:00:00+00:00",
        )
    )  # fmt: skip


@pytest.mark.parametrize("count", [0, 3, 300, 3_000, 30_000])
def test_markdown_fits_a_comment_and_says_what_it_omits(count: int) -> None:
    text = plan_markdown.render(made(count))
    assert len(text) <= LIMIT
    rows = len(re.findall(r"^\| create \|", text, re.MULTILINE))
    left = re.search(r"… and ([\d,]+) more, omitted", text)
    assert rows + (int(left[1].replace(",", "")) if left else 0) == count
    assert f"{count} to create" in text or count == 0


def test_markdown_stays_a_table_whatever_names_hold() -> None:
    text = plan_markdown.render(made(1, "a|b`c<script>{}", "x | y <b> @everyone {}"))
    row = next(line for line in text.splitlines() if line.startswith("| create"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 5
    assert len(re.findall(r"(?<!\\)`", row)) == 2  # what is within is text
    assert "@everyone" not in row
    assert "<b>" not in row


def test_html_is_one_page_and_nothing_in_it_runs(
    workspace: Workspace, emulator: Emulator, browse: Browse, tmp_path: Path
) -> None:
    evil = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    spec = workspace.root / "specs/loyalty.yaml"
    spec.write_text(spec.read_text().replace("name: Loyalty programme", f"name: {json.dumps(evil)}"))
    workspace.customers(30)
    done = workspace.run("plan", "-o", "html")
    assert done.code == 0
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", done.out)
    page = tmp_path / "plan.html"
    page.write_text(done.out)
    seen = browse(page.as_uri())
    assert "<title>Plan " in seen
    assert "owned</title>" not in seen
    for words in ("Compartment/loyalty", "ProfileSource/customers@retail-fr", "first load", "Coverage"):
        assert words in seen, words


def test_saved_plans_are_shown_in_every_format(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path / "fleet")
    try:
        plan = fleet.planned()
        for shape, words in (
            ("text", "Activation/loyalty  create on all 40 datamarts"),
            ("markdown", "| `loyalty` | `++` | `~~~~~~` |"),
            ("html", "on all 40 datamarts"),
            ("json", '"wave": "everyone"'),
        ):
            done = fleet.workspace.run("show", plan, "-o", shape)
            assert done.code == 0, done.err
            assert words in done.out, (shape, done.out[:2000])
    finally:
        fleet.emulator.stop()


def test_html_says_what_is_wrong_with_a_plan() -> None:
    page = plan_html.render(made(1))
    assert "This plan cannot be applied." not in page
    assert "This plan cannot be applied." in plan_html.render(replace(made(1), applyable=False))
    assert "Flags limit this plan" in plan_html.render(replace(made(1), complete=False))


def test_a_page_says_where_rows_were_rejected_and_why() -> None:
    found = error(
        "bad-lines",
        "2 of 3 rows are rejected",
        help="correct them",
        note="a.csv:2: <b>\na.csv:3: it is blank",
    )
    page = plan_html.render(replace(made(1), diagnostics=(found,)))
    assert "2 of 3 rows are rejected<br>a.csv:2: &lt;b&gt;<br>a.csv:3: it is blank<br>" in page


@pytest.mark.parametrize("count", [16, 17, 2_000])
def test_coverage_of_very_many_compartments_is_cut_and_says_so(count: int) -> None:
    rows = {f"c{n:04}": (Cover.NOW if n == count - 1 else Cover.ACTIVE,) for n in range(count)}
    found = Coverage(("m",), rows, frozenset(), {})
    lines = coverage_text.matrix(found, Style())
    assert sum(line.startswith("  c") for line in lines) == 16
    assert any(line.startswith(f"  c{count - 1:04}") for line in lines)  # what the plan activates comes first
    assert ("more compartment" in "".join(lines)) is (count > 16)
    assert all(len(line) <= 80 for line in lines)
