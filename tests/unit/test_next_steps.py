"""What is said at the end of a run: what can be undone, and what to run next."""

from typing import Any

import pytest

from reconciler.model.diagnostic import warning
from reconciler.reports.next_steps import End, next_steps
from reconciler.reports.plan.undo import lines

RESUME = "`reconciler resume` continues this plan; nothing is sent twice."
RESEND = (
    "No run sends chunks 1, 3 of ProfileSource/m@x again by itself: `reconciler plan` says why. "
    "`reconciler apply --resend 'ProfileSource/m@x#1' --resend 'ProfileSource/m@x#3'` does."
)
NAMED_BY_PLAN = "No run sends by itself what ProfileSource/m@x has left: `reconciler plan` says why, and which `--resend` does."
RETRY = "`reconciler source retry crm --failed-lines` sends the failed commands again, as they were; of corrected rows `reconciler apply` makes a new load."
CORRECTED = next_steps([End("ProfileSource/crm@x", "failed")])[-1]


@pytest.mark.parametrize(
    ("ends", "told"),
    [
        ([], []),
        ([("Compartment/a", "succeeded", 0), ("ProfileSource/crm@x", "sent", 0)], []),
        ([("ProfileSource/crm@x", "partial", 3), ("ProfileSource/crm@y", "partial", 1)], [RETRY]),
        ([("ProfileSource/crm@x", "partial", 0)], []),
        ([("ProfileSource/crm@x", "duplicated", 0)], []),
        ([("ProfileSource/crm@x", "partial", 3), ("Compartment/a", "skipped", 0)], [RETRY, RESUME]),
        ([("Compartment/a", None, 0)], [RESUME]),
        ([("ProfileSource/m@x", "failed", 2, None, (1, 3))], [RESEND]),
        ([("ProfileSource/m@x", "failed", 2, None, (1, 3)), ("Compartment/a", None, 0)], [RESUME, RESEND]),
        ([("ProfileSource/m@x", "failed", 0, None, ())], [NAMED_BY_PLAN]),
        ([("Compartment/a", "unknown", 0)], [RESUME]),
        ([("Compartment/a", "failed", 0)], [RESUME]),
        ([("ProfileSource/crm@x", "failed", 0)], [RESUME, CORRECTED]),
        ([("ProfileSource/crm@x", "failed", 0), ("ProfileSource/crm@y", "failed", 0)], [RESUME, CORRECTED]),
        ([("ProfileSource/crm@x", "unknown", 0)], [RESUME]),
    ],
)
def test_what_is_left_decides_what_to_run(ends: list[tuple[Any, ...]], told: list[str]) -> None:
    assert next_steps([End(*end) for end in ends]) == told
    numbered = [words.replace("resume`", "resume 7`") for words in told]
    assert next_steps([End(*end) for end in ends], "resume 7") == numbered


def test_what_has_to_be_corrected_is_planned_anew_but_a_rollout_keeps_its_plan() -> None:
    assert "then run `reconciler apply`" in CORRECTED
    assert next_steps([End("ProfileSource/crm@x", "failed")], "rollout resume") == [
        RESUME.replace("resume`", "rollout resume`")
    ]


def test_a_removal_that_the_platform_refused_is_not_continued() -> None:
    (told,) = next_steps([End("Activation/a@x", "failed", 0, 405)])
    assert told.startswith("The platform refused to remove Activation/a@x (405)")


def test_reasons_for_which_nothing_is_undone_are_said_once_each() -> None:
    lost = [warning("cannot-undo", f"Compartment/c{n} cannot be undone: no call") for n in range(300)]
    lost += [warning("cannot-undo", "ProfileSource/crm@x cannot be undone: merged")]
    other = warning("undo-uncertain", "Activation/a@x: the platform may refuse")
    assert lines([*lost, other]) == [
        "Compartment/c0, Compartment/c1, Compartment/c2 and 297 more cannot be undone: no call",
        "ProfileSource/crm@x cannot be undone: merged",
        "Activation/a@x: the platform may refuse",
    ]
