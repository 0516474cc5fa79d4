"""Of profiles that are read back, each is as predicted, differs or was not verified: no row hides another one."""

import re
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.load.results.failed_lines import SentLine
from reconciler.bulk.load.results.verification import Expectation, verify
from reconciler.errors import ReadFailed

RIGHT, WRONG, UNREADABLE, NONE = "right", "wrong", "unreadable", "none"
PROFILE = {"$compartment_id": "7", "tier": "gold"}


class _Platform:
    """Answers by what each account is after so many looks at it; the clock of who waits."""

    def __init__(self, states: list[list[str]]) -> None:
        self.states, self.looks, self.time = states, [0] * len(states), 0.0

    def get(self, path: str) -> dict[str, Any]:
        found = re.search(r"(?:user_account_id=|user_points/)u(\d+)", path)
        assert found is not None
        number = int(found[1])
        if "user_identifiers" in path:
            return {"data": [{"type": "USER_POINT", "user_point_id": f"u{number}"}]}
        state = self.states[number][min(self.looks[number], len(self.states[number]) - 1)]
        self.looks[number] += 1
        if state == UNREADABLE:
            raise ReadFailed("403")
        profile = PROFILE | {"$user_account_id": f"u{number}", "tier": "gold" if state == RIGHT else "tin"}
        return {"data": [] if state == NONE else [profile]}

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float, _what: str) -> None:
        self.time += seconds


STATES = st.lists(st.sampled_from([RIGHT, WRONG, UNREADABLE, NONE]), min_size=1, max_size=4)


@given(st.lists(st.tuples(st.integers(1, 3), STATES), max_size=6))
def test_each_row_is_counted_once_by_what_is_stored_in_the_end(rows: list[tuple[int, list[str]]]) -> None:
    """Each row lies in a file of its own, so several may have one number."""
    platform = _Platform([states for _, states in rows])
    profiles = [PROFILE | {"$user_account_id": f"u{n}"} for n in range(len(rows))]
    expected = [
        Expectation(
            1,
            SentLine(n + 1, b"", f"{n}.csv", line),
            {
                "operation": "UPSERT",
                "compartment_id": "7",
                "user_account_id": f"u{n}",
                "user_profile": profile,
            },
            profile,
        )
        for n, ((line, _), profile) in enumerate(zip(rows, profiles, strict=True))
    ]
    context: Any = SimpleNamespace(clock=platform, settle=0.0, writer=platform, stopping=lambda: False)
    found = verify(context, "1", expected, None)
    ends = [RIGHT if RIGHT in states else states[-1] for _, states in rows]
    assert found.matching == ends.count(RIGHT)
    assert found.not_verified == ends.count(UNREADABLE)
    assert sorted(x.path for x in found.differing) == [
        f"{n}.csv" for n, end in enumerate(ends) if end in (WRONG, NONE)
    ]
