"""What became of a datamart in a wave: nothing waits and nothing is applied once the rollout is aborted."""

import pytest

from reconciler.ledger.rollouts import ACCEPTED, WaveRecord, with_acceptance
from reconciler.reports.rollout.text import state


@pytest.mark.parametrize(
    ("states", "wave", "aborted", "expected"),
    [
        ({}, None, False, "no changes"),
        ({}, "passed", True, "no changes"),
        ({"not begun": 2}, None, False, "waiting"),
        ({"not begun": 2}, None, True, "canceled"),
        ({"not begun": 2}, "applying", True, "canceled"),
        ({"succeeded": 2}, "passed", False, "done"),
        ({"succeeded": 2}, "passed", True, "done"),
        ({"succeeded": 1, "unchanged": 1}, "soaking", True, "done"),
        ({"succeeded": 1, "failed": 1}, "passed", False, "done"),
        ({"succeeded": 1, "not begun": 1}, "applying", False, "applying"),
        ({"succeeded": 1, "not begun": 1}, "applying", True, "partly done"),
        ({"succeeded": 1, "failed": 1}, "closed", False, "failed"),
        ({"succeeded": 1, "failed": 1}, "closed", True, "failed"),
        ({"succeeded": 1, "failed": 1}, "applying", True, "failed"),
    ],
)
def test_what_became_of_a_datamart(
    states: dict[str, int], wave: str | None, aborted: bool, expected: str
) -> None:
    assert state(states, wave, aborted=aborted) == expected


KEPT = f"2 commands failed{ACCEPTED}ann@host at 2026-01-02 03:04:05 UTC"


@pytest.mark.parametrize(
    ("recorded", "why", "shown", "acceptance"),
    [
        ("passed", "", "passed", ""),
        ("passed", "no changes", "passed", ""),
        ("passed", KEPT, "accepted", KEPT),
        ("accepted", KEPT, "accepted", KEPT),
        ("soaking", KEPT, "soaking", KEPT),
        ("closed", "2 commands failed", "closed", ""),
        ("closed after soak", with_acceptance("false ended with 1", KEPT), "closed after soak", KEPT),
        ("closed after soak", with_acceptance("false ended with 1", ""), "closed after soak", ""),
    ],
)
def test_what_somebody_accepted_is_kept(recorded: str, why: str, shown: str, acceptance: str) -> None:
    found = WaveRecord(recorded, 0.0, why)
    assert (found.shown, found.acceptance) == (shown, acceptance)
