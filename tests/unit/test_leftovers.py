"""Which rows on disk a load may still need: a table by what the ledger and the specs say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.planning.loads.leftovers import Attempt, Need, need

HERE = {"load": {"p"}}
ELSEWHERE = {"load": {"q"}}


def tried(*runs: tuple[str | None, str], retry: bool = False) -> list[Attempt]:
    """Attempts of one load, the newest first: how each ended, and where its rows lay."""
    return [Attempt(len(runs) - n, "load", s, frozenset({p}), retry) for n, (s, p) in enumerate(runs)]


@pytest.mark.parametrize(
    ("attempts", "declared", "expected"),
    [
        (tried(("succeeded", "p")), HERE, Need.FINISHED),
        (tried(("partial", "p")), HERE, Need.FINISHED),
        (tried(("unchanged", "p"), (None, "p")), HERE, Need.FINISHED),
        (tried((None, "p")), HERE, Need.OPEN),
        (tried(("unknown", "p")), HERE, Need.OPEN),
        (tried(("sent", "p")), HERE, Need.OPEN),
        (tried(("failed", "p")), None, Need.OPEN),
        (tried(("failed", "p")), {}, Need.ABANDONED),  # its source was removed
        (tried((None, "p")), ELSEWHERE, Need.ABANDONED),  # its query was edited
        (tried(("succeeded", "q"), (None, "p")), ELSEWHERE, Need.FINISHED),  # and then loaded
        (tried((None, "q"), (None, "p")), ELSEWHERE, Need.ABANDONED),
        (tried((None, "q"), (None, "p")), None, Need.OPEN),
        (tried((None, "p"), retry=True), ELSEWHERE, Need.OPEN),  # a retry is declared with its load
        (tried((None, "p"), retry=True), {}, Need.ABANDONED),
        ([], HERE, Need.OPEN),  # the ledger was lost; a load may have begun
        ([], ELSEWHERE, Need.UNKNOWN),
        ([], None, Need.UNKNOWN),
    ],
)
def test_table(attempts: list[Attempt], declared: dict[str, set[str]] | None, expected: Need) -> None:
    assert need("p", attempts, declared).need is expected


states = st.sampled_from([None, "succeeded", "partial", "unchanged", "sent", "failed", "unknown", "skipped"])
attempts = st.lists(
    st.tuples(st.sampled_from("ab"), states, st.sampled_from("pq")).map(
        lambda x: Attempt(0, x[0], x[1], frozenset({x[2]}))
    ),
    max_size=6,
)


@given(attempts, st.dictionaries(st.sampled_from("ab"), st.sets(st.sampled_from("pq"))))
def test_what_is_finished_without_the_specs_is_so_with_them(
    made: list[Attempt], declared: dict[str, set[str]]
) -> None:
    """Apply, which asks without the specs, removes no more than `clean`; and no load whose last attempt is open is finished."""
    without, with_ = need("p", made, None).need, need("p", made, declared).need
    assert (without is Need.FINISHED) <= (with_ is Need.FINISHED)
    last = {a.address: a for a in reversed(made)}
    using = {a.address for a in made if "p" in a.places}
    open_ = any(last[a].state not in ("succeeded", "partial", "unchanged") for a in using)
    assert (without is Need.FINISHED) == (bool(using) and not open_)
