"""The coverage matrix after a plan was carried out, as far as it was: cell × how its action ended -> what is there."""

import pytest

from reconciler.model.outcome import Outcome, Status
from reconciler.planning.plan.coverage import Cover, Coverage, after, shortened


def one(cover: Cover, wave: str | None = None) -> Coverage:
    return Coverage(("fr",), {"loyalty": (cover,)}, frozenset(), {"fr": wave} if wave else {})


def ended(status: Status | None) -> list[Outcome]:
    return [] if status is None else [Outcome("Activation/loyalty@fr", status, "create")]


@pytest.mark.parametrize(
    ("cover", "status", "wave", "passed", "expected"),
    [
        # what no action is about stays as it is
        (Cover.ACTIVE, None, None, (), Cover.ACTIVE),
        (Cover.DEFAULT, None, None, (), Cover.DEFAULT),
        (Cover.MISSING, None, None, (), Cover.MISSING),
        # made by this plan
        (Cover.NOW, Status.SUCCEEDED, None, (), Cover.ACTIVE),
        (Cover.NOW, Status.UNCHANGED, None, (), Cover.ACTIVE),
        (Cover.NOW, Status.FAILED, None, (), Cover.MISSING),
        (Cover.NOW, Status.UNKNOWN, None, (), Cover.MISSING),
        (Cover.NOW, Status.SKIPPED, None, (), Cover.MISSING),
        (Cover.NOW, Status.SKIPPED, "canary", (), Cover.LATER),
        (Cover.LATER, None, "canary", (), Cover.LATER),
        (Cover.LATER, None, "canary", ("canary",), Cover.ACTIVE),
        (Cover.LATER, Status.SUCCEEDED, "canary", (), Cover.ACTIVE),
        # removed by this plan
        (Cover.REMOVED, Status.SUCCEEDED, None, (), Cover.MISSING),
        (Cover.REMOVED, Status.FAILED, None, (), Cover.ACTIVE),
        (Cover.REMOVED, Status.SKIPPED, None, (), Cover.ACTIVE),
        (Cover.REMOVED, None, "canary", (), Cover.ACTIVE),
        (Cover.REMOVED, None, "canary", ("canary",), Cover.MISSING),
    ],
)
def test_after(
    cover: Cover, status: Status | None, wave: str | None, passed: tuple[str, ...], expected: Cover
) -> None:
    assert after(one(cover, wave), ended(status), passed).cells == {"loyalty": (expected,)}


@pytest.mark.parametrize(
    ("most", "kept", "left"),
    [
        (4, ["a", "b", "c", "d"], 0),
        (9, ["a", "b", "c", "d"], 0),
        (3, ["a", "b", "d"], 1),
        (2, ["b", "d"], 2),
        (1, ["b"], 3),
    ],
)
def test_shortened_keeps_what_changes(most: int, kept: list[str], left: int) -> None:
    covers = {"a": Cover.ACTIVE, "b": Cover.NOW, "c": Cover.DEFAULT, "d": Cover.REMOVED}
    whole = Coverage(("fr",), {k: (v,) for k, v in covers.items()}, frozenset(), {})
    short, count = shortened(whole, most)
    assert (list(short.cells), count) == (kept, left)
