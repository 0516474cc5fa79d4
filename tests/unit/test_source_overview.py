"""A source that is read on many datamarts is one table: no number is lost, no line is too long."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.load import Chunk, Position, Reject, Scan
from reconciler.reports.source.overview import render
from reconciler.reports.source.reading import Reading
from reconciler.reports.style import PLAIN

EMPTY = Scan(
    source_digest="", files=("a.csv",), chunks=(), lines=0, sent=0, bytes=0, upserts=0, deletes=0, rejected=0,
    replay_safe=True,
)  # fmt: skip


def reading(n: int, sent: int, rejected: int, *, breaks: int = 0, safe: bool = True) -> Reading:
    scan = replace(
        EMPTY,
        lines=sent + rejected,
        sent=sent,
        rejected=rejected,
        bytes=100 * sent,
        chunks=(_CHUNK,) * (sent > 0),
        reasons={"line-type": rejected} if rejected else {},
        replay_safe=safe,
    )
    examples = {"line-type": [Reject("a.csv", n, "line-type", f"reason {n}")]} if rejected else {}
    return Reading(
        [f"ProfileSource/crm@market-{n:02d}"],
        scan,
        examples,
        64_000_000,
        expectations=[("tier in [1]", breaks)],
    )


_CHUNK = Chunk(index=0, start=Position(0, 0, 0), lines=1, size=1, sha256="")
READINGS = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=5, max_size=60)


def numbers(line: str) -> list[int]:
    """Rows, rows to send and rejected rows of a line of the table."""
    return [int(t.replace(",", "")) for t in re.findall(r"\s([\d,]+)", line)[:3]]


@given(READINGS, st.sampled_from([80, 100, 120]))
def test_each_datamart_has_a_line_and_the_last_is_their_sum(found: list[tuple[int, int]], width: int) -> None:
    text = render("crm", [reading(n, *x) for n, x in enumerate(found)], replace(PLAIN, width=width))
    assert max(map(len, text.splitlines())) <= width
    table = text.splitlines()[2 : 2 + len(found)]
    assert [numbers(line.partition("market-")[2]) for line in table] == [[s + r, s, r] for s, r in found]
    whole = text.splitlines()[2 + len(found)]
    assert numbers(whole) == [
        sum(s + r for s, r in found),
        sum(s for s, _ in found),
        sum(r for _, r in found),
    ]


def test_a_narrow_terminal_has_room_for_it() -> None:
    text = render("crm", [reading(n, 9_000_000, 9) for n in range(40)], replace(PLAIN, width=60))
    assert max(map(len, text.splitlines())) <= 60


@pytest.mark.parametrize("breaks", [0, 1, 3])
def test_what_is_said_of_all_is_said_once(breaks: int) -> None:
    every = [reading(n, 1000, n % 2, breaks=int(n < breaks), safe=n != 7) for n in range(40)]
    text = render("crm", every, PLAIN)
    assert text.count("tier in [1]") == 1
    words = {0: "holds", 1: "1 row breaks it, in 1 reading", 3: "3 rows break it, in 3 readings"}
    assert f"tier in [1]: {words[breaks]}" in text
    assert "20  line-type" in text
    assert text.count("reason ") == 3
    assert "safe: a failed chunk is sent again by apply (39 of them)" in text
    assert "not safe: a failed chunk is sent again only with --resend (1 of them)" in text
    assert len(text.splitlines()) < 40 + 15


def test_a_reading_of_several_datamarts_says_of_how_many() -> None:
    shared = reading(1, 5, 0)._replace(addresses=[f"ProfileSource/crm@m{n}" for n in range(3)])
    assert "m0 and 2 more" in render("crm", [shared] * 5, PLAIN)
