"""A plan of any size is read in a minute: text grows with what differs, not with datamarts; nothing that is counted is lost."""

import json
import re
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.model.address import Span
from reconciler.model.diagnostic import Diagnostic, Severity, error, warning
from reconciler.model.load import Reject
from reconciler.model.plan import Change, LoadChange, Plan, ResourceChange
from reconciler.model.rollout import Rollout, Wave
from reconciler.planning.plan.compare import compare
from reconciler.planning.plan.document import INDENTED, encode
from reconciler.reports.findings import brief
from reconciler.reports.findings.text import render as render_findings
from reconciler.reports.folded import folded
from reconciler.reports.grouping import about
from reconciler.reports.plan import html, markdown, text
from reconciler.reports.plan.decision import ordered
from reconciler.reports.plan.places import placed
from reconciler.reports.plan_diff import text as diff_text
from reconciler.reports.style import Style, size
from tests.tables.test_plan_decision import plan

MARTS = [f"retail-{n:03d}" for n in range(40)]
SCREEN = 40


def load(datamart: str, lines: int, *, source: str = "crm", reason: str = "first load") -> LoadChange:
    return LoadChange(
        address=f"ProfileSource/{source}@{datamart}", datamart=datamart, datamart_id="1", generation=1, source_digest="d",
        load_digest="d", chunks=1, lines=lines, bytes=lines * 100, upserts=lines, deletes=0, rejected=0, replay_safe=True,
        unfinished={}, actions=("execute",), reason=reason,
    )  # fmt: skip


def compartment(key: str, verb: str) -> ResourceChange:
    before, after = {"token": key, "name": key}, {"token": key, "name": f"{key} programme"}
    change = Change(actions=(verb,), before=before if verb == "update" else None, after=after)
    return ResourceChange(
        address=f"Compartment/{key}", kind="Compartment", change=change, reason="because", origin="s.yaml:1"
    )


def activation(key: str, datamart: str) -> ResourceChange:
    change = Change(actions=("create",), before=None, after={"datamart_id": "1", "compartment_id": "2"})
    return ResourceChange(
        address=f"Activation/{key}@{datamart}", kind="Activation", change=change, reason=f"not active on {datamart}"
    )  # fmt: skip


def small(datamart: str, rows: int) -> Diagnostic:
    return warning("small-source", f"{rows} rows; few", Span("s.yaml", 5, 10), address=f"ProfileSource/crm@{datamart}")  # fmt: skip


FINDINGS = [
    found
    for n, mart in enumerate(MARTS)
    for found in (
        small(mart, n),
        error(
            "bad-lines", f"{n} rows are rejected", Span("s.yaml", 3, 2), address=f"ProfileSource/crm@{mart}"
        ),
        Diagnostic(f"code-{n}", Severity.NOTE, f"something about {mart} " * 5, Span("s.yaml", 3, 2)),
    )
]
ROLLOUT = Rollout(
    name="default",
    waves=(
        Wave(name="canary", datamarts=tuple(MARTS[:2]), soak=600.0),
        Wave(name="everyone", datamarts=tuple(MARTS[2:])),
    ),
)
LABELS = {
    m: {"region": ("north", "east", "south", "west")[n // 10], "country": f"c{n}"}
    for n, m in enumerate(MARTS)
}


def made_of(changes: list[ResourceChange], loads: list[LoadChange], *findings: Diagnostic) -> Plan:
    made = plan(0, 0, 0, errored=False)
    summary = replace(made.summary, create=len(changes), execute=len(loads))
    return replace(
        made,
        resource_changes=tuple(changes),
        loads=tuple(loads),
        summary=summary,
        labels=LABELS,
        diagnostics=findings,
        rollout=ROLLOUT,
    )


def shown(changes: list[ResourceChange], loads: list[LoadChange], *findings: Diagnostic) -> list[str]:
    """What a terminal of 80 columns shows: the plan, then its findings."""
    made = made_of(changes, loads, *findings)
    told = text.render(made, Style()) + brief.render(
        ordered(findings), lambda path, line: "files: [x]", Style()
    )
    return folded(told, 80).splitlines()


def test_forty_datamarts_and_three_hundred_changes_fit_three_screens() -> None:
    changes = [compartment(f"c{n}", verb) for verb in ("create", "update") for n in range(7)]
    changes += [activation(f"c{n}", mart) for n in range(7) for mart in MARTS]
    loads = [load(mart, 1000 + n, source=s) for s in ("crm", "orders") for n, mart in enumerate(MARTS)]
    lines = shown(changes, loads, *FINDINGS)
    assert len(lines) <= 3 * SCREEN, "\n".join(lines)
    assert max(len(line) for line in lines) <= 80
    assert any("c0, c1, c2, c3, c4, c5, c6: on all 40 datamarts" in line for line in lines)
    assert any("error[bad-lines]: ProfileSource/crm on 40 datamarts" in line for line in lines)
    assert lines[-1].startswith("40 notes, 40 warnings, 40 errors")


def test_two_plans_that_differ_on_forty_datamarts_fit_two_screens() -> None:
    """What differs alike is said once; what one plan does not name is said to stay."""
    changes = [activation(f"c{n}", mart) for n in range(7) for mart in MARTS]
    one = made_of(changes, [load(mart, 1000 + n) for n, mart in enumerate(MARTS)])
    idle = Change(actions=("no-op",), before={"datamart_id": "1", "compartment_id": "2"}, after={"datamart_id": "1", "compartment_id": "2"})  # fmt: skip
    kept = [c for c in changes if not c.address.startswith("Activation/c0")]
    other = made_of(
        [replace(c, change=idle) for c in kept], [load(mart, 2000 + n) for n, mart in enumerate(MARTS)]
    )
    for a, b, words in ((one, other, "only in a: create"), (other, one, "only in b: create")):
        differences = compare(a, b)
        told = diff_text.render(a, b, differences, Style())
        lines = told.splitlines()
        assert len(lines) <= 2 * SCREEN, told
        assert max(map(len, lines[2:])) <= 80
        assert f"Activation/c0 on all 40 datamarts  {words}" in told
        assert "Activation/c6 on all 40 datamarts" in told
        assert "lines: differs on each (-o json)" in told
        assert lines[-1] == f"{len(differences)} differences."
    told = diff_text.render(other, made_of([], []), compare(other, made_of([], [])), Style())
    assert "unchanged; plan b does not name it, so it leaves it as it is" in " ".join(told.split())


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sets(st.sampled_from(MARTS), min_size=1, max_size=40), min_size=1, max_size=20),
    st.integers(1, 80),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_no_shape_of_that_size_is_longer(
    sets: list[set[str]], sources: int, created: int, renamed: int
) -> None:
    changes = [compartment(f"new-{n}", "create") for n in range(created)]
    changes += [compartment(f"old-{n}", "update") for n in range(renamed)]
    changes += [activation(f"c{n}", mart) for n, found in enumerate(sets) for mart in sorted(found)]
    loads = [load(MARTS[n % 40], n * 7, source=f"source-{n % sources}") for n in range(80)]
    lines = shown(changes, loads, *FINDINGS)
    assert len(lines) <= 3 * SCREEN, "\n".join(lines)
    told = "\n".join(lines)
    for kind, verb in (("compartment", "create"), ("compartment", "update"), ("activation", "create")):
        count = sum(c.kind.lower() == kind and c.change.actions == (verb,) for c in changes)
        named = re.findall(rf"([\d,]+) {kind}s?  {verb}", told)
        assert named == [f"{count:,}"] or (count <= 120 and not named)  # each by itself


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (MARTS, "all 40 datamarts"),
        (MARTS[:10], "region north"),
        (MARTS[10:30], "region east, south"),
        (MARTS[1:], "all 40 datamarts but retail-000"),
        (MARTS[:3], "retail-000, retail-001, retail-002"),
        (MARTS[5:12], ", ".join(MARTS[5:12])),
    ],
)
def test_a_set_of_datamarts_is_told_in_the_fewest_words(names: list[str], words: str) -> None:
    assert placed(names, LABELS) == words


@given(
    st.sets(st.sampled_from(MARTS), min_size=1), st.dictionaries(st.sampled_from(MARTS), st.just({"a": "b"}))
)
def test_a_set_by_its_label_is_that_set(names: set[str], labels: dict[str, dict[str, str]]) -> None:
    words = placed(names, LABELS | labels)
    every = LABELS | labels
    for key in ("region", "country", "a"):
        if words.startswith(f"{key} "):
            values = words.removeprefix(f"{key} ").split(", ")
            assert {n for n, own in every.items() if own.get(key) in values} == names


def test_what_is_taken_away_or_moved_is_said_first() -> None:
    gone = [
        replace(activation("c", mart), change=Change(actions=("delete",), before={}, after=None))
        for mart in MARTS
    ]
    moved = replace(activation("vip", "retail-001"), former_default={"compartment_id": "7", "token": "old"})
    renamed = compartment("c9", "update")
    token = replace(renamed, change=replace(renamed.change, after={"token": "other", "name": "c9"}))
    made = made_of([*gone, moved, token], [replace(load("retail-002", 9), deletes=3)])
    for form in (text.render(made, Style()), markdown.render(made), html.render(made)):
        told = " ".join(re.sub(r"<[^>]*>|\u200b|\\", "", form).replace("&#39;", "'").split())
        first = told.index("Removes 40 activations: c@retail-000, c@retail-001")
        assert (
            told.index("Moves the default of 1 datamart: vip@retail-001 replaces compartment 'old'.") > first
        )
        assert told.index("Changes the token of 1 compartment") > first
        assert told.index("Sends 3 DELETE commands about profiles: crm@retail-002 3") > first
        assert first < told.index("not active on")


@pytest.mark.parametrize("render", [markdown.render, html.render])
def test_other_forms_have_the_same_order(render: Callable[[Plan], str]) -> None:
    made = made_of([activation("c", mart) for mart in MARTS], [load("retail-001", 1)], FINDINGS[0])
    told = render(made)
    heads = [
        m[2].split(" ")[0].split("<")[0].rstrip(":") for m in re.finditer(r"(### |<h2>)([A-Z][^\n]*)", told)
    ]
    assert heads == ["Changes", "Loads", "Waves", "Coverage", "Findings"]


@pytest.mark.parametrize("entries", [1, INDENTED, INDENTED + 1, 3 * INDENTED])
def test_a_large_document_has_an_entry_a_line_and_says_the_same(entries: int) -> None:
    changes = [activation(f"c{n // 2}", MARTS[n % 2]) for n in range(entries)]
    changes[0] = replace(changes[0], reason='"loads": [], "resource_changes": [] \u202e')
    made = replace(plan(0, 0, 0, errored=False), resource_changes=tuple(changes), loads=(load("a", 1),))
    written = encode(made)
    assert json.loads(written) == msgspec.json.decode(msgspec.json.encode(made))
    assert written.isascii()
    if entries > INDENTED:
        assert sum(line.startswith('    {"address":"Activation/') for line in written.splitlines()) == entries
        assert len(written.splitlines()) < entries + 200


@given(
    st.lists(st.integers(0, 10**9), min_size=1, max_size=60)
    | st.lists(st.sampled_from([0, 7, 5000]), min_size=1, max_size=60)
)
def test_a_table_of_loads_adds_up(counts: list[int]) -> None:
    lines = shown([], [load(f"dm-{n}", lines) for n, lines in enumerate(counts)])
    told = "\n".join(lines)
    same = [[c for c in counts if c == one] for one in dict.fromkeys(counts)]
    if sum(1 if len(alike) > 4 else len(alike) for alike in same) > 4:
        assert f"{sum(counts):,} rows read" in told  # more than four of them: never one row
        rows = [int(m[1].replace(",", "")) for m in re.finditer(r"dm-\d+ +1 +([\d,]+) +0 +1 ", told)]
        left = re.search(r"and (\d+) smaller ones?: ([\d,]+) rows?", told)
        assert len(rows) + (int(left[1]) if left else 0) == len(counts)
        assert sum(rows) + (int(left[2].replace(",", "")) if left else 0) == sum(counts)
        return
    for alike in same:  # the numbers of one are never taken for those of all, nor the other way round
        read = f"{alike[0]:,} row{'s' * (alike[0] != 1)} read: "
        assert f"      {'each: ' * (len(alike) > 4)}{read}" in told
        assert len(alike) <= 4 or f"each: 1 chunk; in all: {size(sum(alike) * 100)}" in told


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            lambda mart, n: f"'gold' is removed from {mart}; {mart} keeps it",
            "each: 'gold' is removed from it; it keeps it",
        ),
        (lambda mart, n: f"on {mart}: {n} rows", "for example retail-000: on retail-000: 0 rows"),
        (lambda mart, n: "few rows", "each: few rows"),
    ],
)
def test_what_findings_of_many_datamarts_say_is_not_said_of_one(
    message: Callable[[str, int], str], words: str
) -> None:
    same = [warning("x", message(mart, n), address=f"Activation/gold@{mart}") for n, mart in enumerate(MARTS)]
    assert about(same) == ("Activation/gold on 40 datamarts", words)
    assert about(same[:1]) == ("Activation/gold@retail-000", message("retail-000", 0))


@pytest.mark.parametrize("command", ["plan --full", "show a.plan --full"])
def test_what_is_shortened_names_the_command_that_shows_it(command: str) -> None:
    said = brief.render(ordered(FINDINGS), lambda path, line: None, Style(), command)
    assert said.endswith(f"(`reconciler {command}` shows each).\n")
    assert "shows each" not in brief.render(FINDINGS[:1], lambda path, line: None, Style(), command)


def test_defaults_that_move_are_one_reason_whatever_they_were() -> None:
    moved = [
        replace(
            activation("loyalty", mart),
            reason=f"not active on {mart}; compartment 'default-{n}' (id {n}) stops being the default",
            former_default={"compartment_id": str(n), "token": f"default-{n}"},
        )
        for n, mart in enumerate(MARTS)
    ]
    told = "\n".join(shown(moved, []))
    assert told.count("because:") == 1
    assert "not active there; its former default stops being the default" in " ".join(told.split())
    assert "replaces compartment 'default-0'" in " ".join(told.split())
    assert markdown.render(made_of(moved, [])).count("| create |") == 1
    one = "\n".join(shown(moved[:1], []))
    assert "compartment 'default-0' (id 0) stops being the default" in " ".join(one.split())


def test_reasons_that_differ_are_counted() -> None:
    loads = [load(m, n, reason="first load" if n < 3 else f"content changed on {m}") for n, m in enumerate(MARTS)]  # fmt: skip
    told = "\n".join(shown([], loads))
    assert "because: content changed there (37 datamarts)" in told
    assert "because: first load (3 datamarts)" in told


def test_warnings_of_one_kind_and_source_are_one_and_errors_are_not() -> None:
    many = [small(mart, n) for n, mart in enumerate(MARTS)]
    said = render_findings(many, lambda path, line: None, Style())
    assert said.count("[small-source]") == 1
    assert "and 39 other datamarts" in said
    errors = [error("bad-lines", f"{n} rows are rejected", address=d.address) for n, d in enumerate(many)]
    assert render_findings(errors, lambda path, line: None, Style()).count("[bad-lines]") == 40


@pytest.mark.parametrize(
    ("reason", "column", "where"),
    [
        ("column 'points' is not of the type integer", "points", "a.csv:7 row 6"),
        ("holds NULL", "points", "a.csv:7 row 6 column 'points'"),
        ("is blank", None, "a.csv:7 row 6"),
    ],
)
def test_a_column_is_named_once(reason: str, column: str | None, where: str) -> None:
    assert Reject("a.csv", 7, "line-type", reason, 6, column).where == where


ONCE = re.compile(
    r" *\x1b?\S* ?(each: |\S+ rows? read|\S+ chunks?,|Plan:|About |\S+ compartments|[+~>-] |and \S+ (more|smaller)|[a-zA-Z0-9_ ]+: .* -> )"
)  # one sentence on one line, which a narrow terminal continues


@settings(max_examples=40, deadline=None)
@given(st.integers(44, 80), st.integers(1, 5), st.integers(1, 3), st.text("abc ", max_size=90))
def test_what_is_wrapped_ends_where_the_terminal_does_and_is_not_wrapped_twice(
    width: int, compartments: int, sources: int, reason: str
) -> None:
    """Lines that a report wraps are no wider than the terminal, so none of them is broken a second time."""
    changes = [replace(compartment(f"c{n}", "create"), reason=f"{reason} that is " * 3) for n in range(compartments)]  # fmt: skip
    changes += [activation("c0", mart) for mart in MARTS[:7]]
    loads = [load(MARTS[0], 7, source=f"s{n}", reason=f"content {reason} changed") for n in range(sources)]
    told = text.render(made_of(changes, loads), Style(width=width))
    wide = [line for line in told.splitlines() if len(line) > width and not ONCE.match(line)]
    assert wide == []


def test_a_page_of_that_size_shows_sums_and_unfolds_the_rest() -> None:
    changes = [activation(f"c{n}", mart) for n in range(7) for mart in MARTS]
    loads = [load(mart, 1000 + n, source=s) for s in ("crm", "orders") for n, mart in enumerate(MARTS)]
    page = html.render(made_of(changes, loads, *FINDINGS))
    seen = re.sub(r"<details>.*?</details>", "", page, flags=re.DOTALL)
    assert "ProfileSource/crm</code> <span" in seen
    assert f"{sum(x.lines for x in loads) // 2:,}" in seen
    assert "retail-039</code>" not in seen
    for x in loads:
        assert f"<code>{x.address}</code>" in page
    assert len(re.findall(r'class="word error"', page)) == 1
    assert page.count("rows are rejected") == 40
