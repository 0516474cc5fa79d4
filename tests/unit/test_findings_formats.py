"""Each format is what its reader expects, whatever a spec says."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from reconciler.model.address import Span
from reconciler.model.diagnostic import Diagnostic, Severity, error
from reconciler.reports.findings import FORMATS, render
from reconciler.reports.findings import text as as_text
from reconciler.reports.findings.github import SHOWN
from reconciler.reports.grouping import about, by_code_and_source, findings_alike
from reconciler.reports.style import PLAIN
from reconciler.spec.catalogue import catalogue

SARIF = Draft7Validator(
    json.loads((Path(__file__).parents[1] / "data/sarif-2.1.0.schema.json").read_text("utf-8"))
)  # the OASIS schema of SARIF 2.1.0, as published
EVIL = "x\n::error file=a::boo\r\n##[error]boo\r::set-output name=a::b%0A::stop-commands::x\x1b[31m\x00</failure>]]>&\ud800"

words = st.text(st.characters(), max_size=30) | st.sampled_from(
    [EVIL, "::error::x", "##[group]x", "%0A::error::x", "a,b:c"]
)
spans = st.builds(Span, words.filter(bool), st.integers(1, 10**6), st.integers(1, 500), st.integers(1, 80))
findings = st.builds(
    Diagnostic,
    st.sampled_from(sorted(catalogue())),
    st.sampled_from(Severity),
    words,
    st.none() | spans,
    st.lists(st.tuples(spans, words), max_size=2).map(tuple),
    st.none() | words,
    st.none() | words,
    st.none() | words,
)


@given(st.lists(findings, max_size=12), st.lists(words.filter(bool), max_size=4))
def test_sarif_satisfies_its_schema_and_loses_nothing(found: list[Diagnostic], files: list[str]) -> None:
    document = json.loads(json.dumps(json.loads(render("sarif", found, files))))
    SARIF.validate(document)
    run = document["runs"][0]
    assert [r["ruleId"] for r in run["results"]] == [d.code for d in found]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert re.fullmatch(r"[!-~]*", result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
    prints = [r["partialFingerprints"]["reconcilerFinding/v1"] for r in run["results"]]
    assert len(set(prints)) == len(prints)


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Lines as the runner of GitHub Actions reads them; a line that is no command is given with an empty name."""
    read: list[tuple[str, dict[str, str], str]] = []
    for line in re.split(r"\r\n|\r|\n", text)[:-1]:
        m = re.fullmatch(r"\s*::([a-z-]+)(?: ([^:]*(?:%3A[^:]*)*))?::(.*)", line, re.DOTALL)
        if m is None:
            read.append(("", {}, line))
            continue
        pairs = dict(p.split("=", 1) for p in (m[2] or "").split(",") if "=" in p)
        read.append((m[1], pairs, m[3]))
    return read


@given(st.lists(findings, max_size=30))
def test_github_sees_annotations_and_nothing_else(found: list[Diagnostic]) -> None:
    text = render("github", found, [])
    read = commands(text)
    assert {name for name, _, _ in read} <= {"error", "warning", "notice"}
    for severity, name in (
        (Severity.ERROR, "error"),
        (Severity.WARNING, "warning"),
        (Severity.NOTE, "notice"),
    ):
        mine = [d for d in found if d.severity is severity]
        shown = [r for r in read if r[0] == name]
        assert len(shown) == min(len(mine), SHOWN)
        for d, (_, pairs, _) in zip(mine[: SHOWN - 1], shown, strict=False):
            assert set(pairs) <= {"file", "line", "col", "endColumn", "title"}
            if d.span:
                assert pairs["line"] == str(d.span.line)
        if len(mine) > SHOWN:
            assert f"{len(mine) - SHOWN + 1} more" in shown[-1][1]["title"]


def test_github_percent_encodes() -> None:
    d = Diagnostic(
        "spec-value", Severity.ERROR, "50% of\nit: a, b", Span("a,b:c%.yaml", 3, 4, 5), help="x\r\ny"
    )
    assert render("github", [d], []) == (
        "::error file=a%2Cb%3Ac%25.yaml,line=3,col=4,endColumn=9,title=spec-value::50%25 of it: a, b%0Ahelp: x  y\n"
    )


def test_github_has_each_line_of_a_note() -> None:
    d = Diagnostic("bad-lines", Severity.NOTE, "2 rows", note="a.csv:1 x\na.csv:2 y")
    assert (
        render("github", [d], []) == "::notice title=bad-lines::2 rows%0Anote: a.csv:1 x%0Anote: a.csv:2 y\n"
    )


@given(st.lists(findings, max_size=12), st.lists(words.filter(bool), max_size=4))
def test_junit_is_xml_and_counts_add_up(found: list[Diagnostic], files: list[str]) -> None:
    root = ElementTree.fromstring(render("junit", found, files).encode("utf-8", "surrogatepass"))
    cases, failures = root.findall(".//testcase"), root.findall(".//failure")
    assert len(failures) == sum(d.severity is Severity.ERROR for d in found) == int(root.get("failures", ""))
    assert len(cases) == int(root.get("tests", "")) >= len(found)
    assert sum(int(s.get("tests", "")) for s in root) == len(cases)


@given(st.lists(findings, max_size=12))
def test_gitlab_has_a_fingerprint_for_each(found: list[Diagnostic]) -> None:
    rows = json.loads(render("gitlab", found, []))
    assert [r["check_name"] for r in rows] == [d.code for d in found]
    assert len({r["fingerprint"] for r in rows}) == len(rows)
    assert all(r["severity"] in ("info", "minor", "major") and r["location"]["path"] for r in rows)


def test_fingerprints_survive_lines_that_move() -> None:
    def at(line: int) -> str:
        d = Diagnostic("spec-value", Severity.ERROR, "x", Span("a.yaml", line))
        return json.loads(render("gitlab", [d], []))[0]["fingerprint"]

    assert at(3) == at(30)


@given(st.lists(findings, max_size=10), st.none() | words)
def test_text_cannot_move_the_cursor_or_start_a_line(found: list[Diagnostic], line: str | None) -> None:
    shown = as_text.render(found, lambda _path, _line: line, PLAIN)
    assert all(c == "\n" or c.isprintable() for c in shown)
    assert all(re.match(r"$| |(error|warning|note)\[[a-z-]+\]: ", x) for x in shown.split("\n"))


def test_text_in_the_manner_of_rustc() -> None:
    source = {1: "spec: {token: loyallty}", 12: "spec: {token: loyalty}"}
    d = Diagnostic(
        "near-duplicate-token",
        Severity.WARNING,
        "the token 'loyallty' is nearly 'loyalty'",
        Span("a.yaml", 1, 15, 8),
        ((Span("b.yaml", 12, 15, 7), "the other token"),),
        help="remove one",
        note="in short",
    )
    assert as_text.render([d], lambda _path, line: source[line], PLAIN) == (
        "warning[near-duplicate-token]: the token 'loyallty' is nearly 'loyalty'\n"
        "   --> a.yaml:1:15\n"
        "    |\n"
        "  1 | spec: {token: loyallty}\n"
        "    |               ^^^^^^^^\n"
        "   ::: b.yaml:12:15\n"
        "    |\n"
        " 12 | spec: {token: loyalty}\n"
        "    |               ------- the other token\n"
        "  = note: in short\n"
        "  = help: remove one\n"
    )


def test_a_place_in_a_long_line_of_wide_characters_is_marked_where_it_is() -> None:
    text = "漢" * 100 + " {tokn: x}" + "y" * 100
    d = Diagnostic("spec-unknown-field", Severity.ERROR, "m", Span("a.yaml", 1, 103, 4))
    lines = as_text.render([d], lambda _path, _line: text, PLAIN).split("\n")
    cells = [2 if c == "漢" else 1 for c in lines[3][: lines[3].index("tokn")]]
    assert lines[4].index("^") == sum(cells)
    assert lines[4].count("^") == 4
    assert lines[3].startswith(" 1 | …")
    assert lines[3].endswith("…")


@pytest.mark.parametrize("output", FORMATS)
def test_no_finding_is_an_empty_report(output: str) -> None:
    text = render(output, [], ["specs/a.yaml"])
    match output:
        case "github":
            assert text == ""
        case "gitlab":
            assert json.loads(text) == []
        case "sarif":
            assert json.loads(text)["runs"][0]["results"] == []
        case "json":
            assert json.loads(text)["valid"] is True
        case _:
            assert '<testcase classname="specs/a.yaml" name="valid"' in text


@pytest.mark.parametrize("count", [1, 6, 7, 200])
def test_of_very_many_warnings_of_one_kind_a_few_are_shown_and_errors_all(count: int) -> None:
    found = [Diagnostic("w", Severity.WARNING, f"warned of {n}") for n in range(count)]
    found += [Diagnostic("e", Severity.ERROR, f"wrong is {n}") for n in range(count)]
    text = as_text.render(found, lambda *_: None, PLAIN, few=True)
    shown = 3 if count > 6 else count
    assert (text.count("warned of"), text.count("wrong is")) == (shown, count)
    assert (f"… and {count - 3:,} more of w; -o json has all" in text) is (count > 6)
    whole = as_text.render(found, lambda *_: None, PLAIN)
    assert (whole.count("warned of"), "more of w" in whole) == (count, False)


ALIKE = st.builds(
    lambda code, datamart, word, n, severity: Diagnostic(
        code, severity, f"{word}: {n} rows", address=f"ProfileSource/crm@{datamart}"
    ),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["fr", "de", "ch", "it", "es", "pt", "m1", "m2"]),
    st.sampled_from(["k1", "k2", "points"]),
    st.integers(0, 3),
    st.sampled_from([Severity.WARNING, Severity.ERROR]),
)


@given(st.lists(ALIKE, max_size=60))
def test_what_is_said_together_is_of_as_many_datamarts_as_it_says(findings: list[Diagnostic]) -> None:
    groups = findings_alike(findings)
    assert sorted(id(d) for group in groups for d in group) == sorted(map(id, findings))
    for group in groups:
        assert len({d.address for d in group}) == len(group)
        assert len({(d.code, d.severity, d.message.partition(":")[0]) for d in group}) == 1


def test_expectations_that_differ_are_each_told_and_one_on_many_datamarts_once() -> None:
    columns = ("tier", "city", "points", "mail", "visits")
    found = [
        error(
            "expectation",
            f"expected {c} not_null: {n} rows without a value",
            Span("a.yaml"),
            address=f"ProfileSource/crm@m{n}",
        )
        for c in columns
        for n in range(1, 8)
    ]
    groups = by_code_and_source(found)
    assert [len(same) for same in groups] == [7] * 5
    assert [about(same)[0] for same in groups] == ["ProfileSource/crm on 7 datamarts"] * 5
    for column, same in zip(columns, groups, strict=True):
        assert f"expected {column} not_null" in about(same)[1]
    one = by_code_and_source([d for d in found if d.address == "ProfileSource/crm@m1"])
    assert [about(same)[0] for same in one] == ["ProfileSource/crm@m1"] * 5
