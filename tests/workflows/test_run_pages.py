"""A run as a page: what became of it first, every action, nothing that runs; and the laws of its charts."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.ledger.history import Entry, Recorded
from reconciler.reports.runs.html import fates
from reconciler.reports.runs.text import Step
from reconciler.reports.runs.timeline import ROWS, SCALE, bars
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace
from tests.workflows.test_sandbox_page import Browse, browse

__all__ = ["browse"]


def saved(workspace: Workspace, tmp_path: Path, *args: str) -> Path:
    done = workspace.run(*args, "-o", "html")
    assert done.code in (0, 1, 4), done
    assert not re.search(r"(src|href)=[\"']?(https?:)?//|<script", done.out)
    path = tmp_path / "page.html"
    path.write_text(done.out)
    return path


def test_a_run_says_first_what_became_of_it(
    workspace: Workspace, emulator: Emulator, browse: Browse, tmp_path: Path
) -> None:
    evil = "<script>document.title='owned'</script>"
    spec = workspace.root / "specs/loyalty.yaml"
    spec.write_text(spec.read_text().replace("name: Loyalty programme", f"name: {json.dumps(evil)}"))
    workspace.customers(60, max_bytes=4000)
    emulator.quarantine("c000003", "c000004")
    assert workspace.run("apply", "--auto-approve").code == 3
    page = browse(saved(workspace, tmp_path, "runs", "show").as_uri())
    assert "<title>Run 1 of shop</title>" in page
    places = [page.index(words) for words in (
        "Partial: 1 partial, 3 succeeded.", "source retry customers --failed-lines", "Not done", "Coverage after the run",
        "Changes", "Loads", "Rows that failed", "Timeline", "Findings of the plan",
    )]  # fmt: skip
    assert places == sorted(places)
    for words in ("58 succeeded, 2 failed", "data/customers.csv:5, 6", "Compartment/loyalty", 'role="img"'):
        assert words in page, words
    assert page.count('class="line"') == 4


def test_the_page_of_a_wave_calls_nothing_missing_that_it_did_not_look_at(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    wave = "waves: [{name: everyone, datamarts: rest}]"
    (workspace.root / "specs/rollout.yaml").write_text(
        f"apiVersion: reconciler/v1\nkind: Rollout\nmetadata: {{name: default}}\nspec: {{{wave}}}\n"
    )
    (workspace.root / "specs/vip.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: vip}\nspec: {token: vip, activations: all}\n"
    )
    assert workspace.run("apply", "--auto-approve").code == 0
    page = saved(workspace, tmp_path, "runs", "show").read_text()
    assert "Activation/vip@" in page
    assert "empty: not active" not in page
    assert ">not active<" not in page


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        (("--datamart", "retail-fr"), True),
        (("--datamart", "retail-fr", "--only", "config"), True),
        (("--only", "config"), True),
        (("--target", "Activation/vip@retail-fr", "--target", "Compartment/vip"), False),
        (("-l", "team=crm"), False),
        (("--only", "loads"), False),
    ],
)
def test_the_matrix_is_shown_of_whole_datamarts_alone(
    workspace: Workspace, emulator: Emulator, tmp_path: Path, flags: tuple[str, ...], shown: bool
) -> None:
    (workspace.root / "specs/vip.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: vip, labels: {team: crm}}\n"
        "spec: {token: vip, activations: all}\n"
    )
    plan = saved(workspace, tmp_path, "plan", *flags).read_text()
    assert ("<h2>Coverage" in plan) is shown
    assert ("<span>retail-de</span></th>" in plan) is (shown and "--datamart" not in flags)
    if flags != ("--only", "loads"):
        assert workspace.run("apply", "--auto-approve", *flags).code == 0
        run = saved(workspace, tmp_path, "runs", "show").read_text()
        assert ("Coverage after the run" in run) is shown


def test_an_interrupted_run_says_how_to_continue(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    workspace.customers(20)
    emulator.fault({"do": "status", "status": 403, "method": "POST", "path": "/executions", "times": 0})
    assert workspace.run("apply", "--auto-approve").code == 3
    page = saved(workspace, tmp_path, "runs", "show").read_text()
    assert "<code>reconciler resume 1</code>" in page
    assert "Partial:" in page or "Failed:" in page


def test_a_plan_says_errors_before_and_warnings_after(
    workspace: Workspace, emulator: Emulator, tmp_path: Path
) -> None:
    workspace.customers(20)
    emulator.fault({"do": "status", "status": 403, "path": "/v1/datamarts/1510/compartments", "times": 0})
    page = saved(workspace, tmp_path, "plan").read_text()
    decision, errors, changes, warnings = (
        page.index(words) for words in ("This plan cannot be applied", ">error<", "<h2>Changes", ">warning<")
    )
    assert decision < errors < changes < warnings
    assert re.search(r"<dt>by</dt><dd>\S+@\S+</dd>", page)


def test_a_pipeline_is_named(workspace: Workspace) -> None:
    done = workspace.run(
        "plan", "-o", "html", GITHUB_ACTOR="ada", GITHUB_SHA="c0ffee1", GITHUB_SERVER_URL="https://git.example",
        GITHUB_REPOSITORY="o/r", GITHUB_RUN_ID="7",
    )  # fmt: skip
    for words in ("<dd>ada</dd>", "<dd>c0ffee1</dd>", "<dd>https://git.example/o/r/actions/runs/7</dd>"):
        assert words in done.out


@pytest.mark.parametrize("page", ["plan", "run"])
def test_every_table_of_cards_says_what_its_numbers_are(
    workspace: Workspace, tmp_path: Path, page: str
) -> None:
    workspace.customers(20)
    if page == "run":
        assert workspace.run("apply", "--auto-approve").code == 0
    text = saved(workspace, tmp_path, *(("plan",) if page == "plan" else ("runs", "show"))).read_text()
    for table in re.findall(r'<table class="full.*?</table>', text, re.DOTALL):
        assert 'role="table"' in table
        numbers = re.findall(r'<td role="cell" class="num[^>]*>', table)
        assert all("data-of=" in cell or "colspan" in cell for cell in numbers), numbers


COUNTS = st.fixed_dictionaries(
    {}, optional={k: st.integers(0, 10**6) for k in ("succeeded", "failed", "unknown", "rejected")}
)


@given(COUNTS, st.integers(0, 10**6))
def test_every_row_is_in_one_part_of_the_chart(counts: dict[str, int], more: int) -> None:
    whole = {**counts, "not_processed": counts.get("rejected", 0) + more}
    read = sum(counts.get(k, 0) for k in ("succeeded", "failed", "unknown")) + whole["not_processed"]
    assert sum(fates(whole).values()) == read


@given(
    st.floats(0, 1e4),
    st.none() | st.floats(0, 1e4),
    st.lists(st.tuples(st.integers(0, 99), st.floats(-10, 1e4)), max_size=150),
)
def test_bars_stay_within_the_time_of_the_run(
    start: float, took: float | None, notes: list[tuple[int, float]]
) -> None:
    run = Recorded(1, "h", "", "", "finished", start, None if took is None else start + took)
    journal = [Entry(start + at, f"a{n}", "create", "intent", {}) for n, at in notes]
    steps = [Step(f"a{n}", "create", "succeeded", {}, {}) for n in range(100)]
    found, more = bars(run, steps, journal)
    assert len(found) + more == len({n for n, _ in notes})
    assert len(found) <= ROWS
    for bar in found:
        assert 0 <= bar.x <= bar.x + bar.width <= SCALE + 0.1
        assert bar.width > 0
        assert 0 <= bar.begun <= bar.ended
    assert [b.begun for b in found] == sorted(b.begun for b in found)
