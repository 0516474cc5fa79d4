"""Text from specs and platform in a comment: it links nowhere, shows no image, notifies nobody and ends no cell."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.load import Reject
from reconciler.model.outcome import Outcome, Status
from reconciler.model.plan import Plan
from reconciler.reports.markdown import LIMIT, cell, code, fitted
from reconciler.reports.result import markdown
from reconciler.reports.result.text import line
from reconciler.reports.runs.html import fates
from reconciler.reports.style import PLAIN
from tests.tables import test_plan_decision

NASTY = [
    "[a](b)",
    "![a](b)",
    "@team",
    "#12",
    "<img src=x>",
    "a | b",
    "`x`",
    "https://evil.example",
    "www.evil.example",
    "GH-7",
    "$x$",
    ":octocat:",
    "!12 %3 $4",
    "WWW.evil.example",
    "0123456789abcdef0123456789abcdef01234567",
    "_a_ __b__",
]
LIVE = re.compile(
    # a link, an image, a cell, code, a tag, a mention, a reference, an address, a formula, an emoji, a commit, emphasis
    r"(?<!\\)[\[\]|`]|<|@\w|(?<!&)#\d|://|www\.|\bGH-\d|[!%]\d|\$|:(?=[\w+-]*[a-z+])[\w+-]+:|(?<!\d):\d+:|\b[0-9a-f]{40}\b|(?<![\\0-9A-Za-z])_|(?<!\\)_(?![0-9A-Za-z])",
    re.IGNORECASE,
)


@pytest.mark.parametrize("text", NASTY)
def test_nothing_of_it_is_markdown(text: str) -> None:
    assert not LIVE.search(cell(text))


def test_what_is_text_already_stays_as_it_is() -> None:
    for text in ("datamart_id", "at 12:30:45", "1 %, 5 of 7 rows", "c1@", "GHI-7", "key: value", "50 %!"):
        assert cell(text).replace("@\u200b", "@") == text, text


PARTS = st.sampled_from(
    [*"ab[]()!@#1<>|`\\&*~:/wGH-$%_+. \n", "GH-", "www.", "://", ":a:", "0123456789abcdef" * 2 + "01234567"]
)


@given(st.lists(PARTS, max_size=20).map("".join))
def test_nothing_of_any_text_is_markdown(text: str) -> None:
    # A backslash that is one stands between its neighbours: "!" and "1" around it are no reference.
    assert not LIVE.search(cell(text).replace("\\\\", "·"))
    assert "\n" not in cell(text)
    assert not re.search(r"`|(?<!\\)\||\n", code(text))


@pytest.mark.parametrize(
    ("exit_code", "status", "head"),
    [
        (0, Status.SUCCEEDED, "## Applied. 1 succeeded."),
        (3, Status.FAILED, "## Applied in part. It is safe to run it again. 1 failed."),
        (4, Status.FAILED, "## Refused. Nothing was written. 1 failed."),
        (5, Status.FAILED, "## Another run holds the lock. 1 failed."),
        (1, Status.FAILED, "## Failed. 1 failed."),
        (130, Status.SKIPPED, "## Interrupted. `resume` continues the run. 1 skipped."),
    ],
)
def test_a_result_begins_with_what_happened(exit_code: int, status: Status, head: str) -> None:
    outcome = Outcome("Compartment/vip", status, "create", "because of <b>")
    text = markdown.render([outcome], exit_code, made(), "")
    assert text.startswith(head + "\n")
    assert ("| create | `Compartment/vip` |" in text) == (status is Status.SUCCEEDED)
    assert ("because of &lt;b>" in text) == (status is not Status.SUCCEEDED)


def test_a_result_without_outcomes_says_why() -> None:
    assert markdown.render([], 0, made(), "Nothing to apply: no changes.").startswith(
        "## Nothing to apply: no changes."
    )


COUNTS = st.fixed_dictionaries({k: st.integers(0, 9) for k in ("rejected", "succeeded", "failed", "unknown")})


@given(COUNTS, st.integers(0, 9))
def test_every_format_counts_each_row_that_was_read_once(found: dict[str, int], open_: int) -> None:
    """What was not processed holds the rejected rows in the counts, and is told without them."""
    counts = {**found, "not_processed": found["rejected"] + open_}
    counts["read"] = sum(v for k, v in counts.items() if k != "rejected")
    outcome = Outcome("ProfileSource/a@fr", Status.PARTIAL, "execute", counts=counts)
    row = next(x for x in markdown.render([outcome], 3, made(), "").splitlines() if " | partial | " in x)
    read, *shares = map(int, row.strip("| ").split(" | ")[2:])
    assert read == sum(shares) == counts["read"]
    assert shares[-1] == fates(counts)["not sent or not processed"] == open_
    assert f" + {open_} not processed" in line(outcome, PLAIN)
    assert sum(fates(counts).values()) == read


def test_loads_are_counted_and_failed_rows_placed() -> None:
    counts = {"read": 10, "rejected": 1, "succeeded": 7, "failed": 2, "unknown": 0, "not_processed": 1}
    lines = (Reject("data/a.csv", 7, "x", "not @allowed"),)
    outcome = Outcome("ProfileSource/a@fr", Status.PARTIAL, "execute", counts=counts, failed_lines=lines)
    text = markdown.render([outcome], 3, made(), "")
    assert "| `ProfileSource/a@fr` | partial | 10 | 1 | 7 | 2 | 0 | 0 |" in text
    assert "| `ProfileSource/a@fr` | `data/a.csv:7` | not @\u200ballowed |" in text


def test_a_result_of_any_size_fits() -> None:
    every = [Outcome(f"Compartment/c{n}", Status.FAILED, "create", "x" * 400) for n in range(5000)]
    text = markdown.render(every, 3, made(), "")
    assert len(text) <= LIMIT
    assert "more, omitted to fit a comment" in text


def test_a_report_is_shortened_in_steps() -> None:
    asked = []

    def rendered(rows: int) -> str:
        asked.append(rows)
        return "x" * min(rows, 300) * 300

    assert len(fitted(rendered)) <= LIMIT
    assert asked == sorted(asked, reverse=True)


def made() -> Plan:
    return test_plan_decision.plan(1, 0, 0, errored=False)
