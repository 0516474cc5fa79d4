"""The coverage matrix after a plan was carried out, as far as it was: cell × how its action ended -> what is there."""

import pytest

from reconciler.model.outcome import Outcome, Status
from reconciler.planning.plan.coverage import ALONE_MAX, Cover, Coverage, after, shortened
from reconciler.reports.coverage.html import matrix

ADDRESS = "Activation/loyalty@fr"


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
        # active, and made the default
        (Cover.PROMOTED, Status.SUCCEEDED, None, (), Cover.ACTIVE),
        (Cover.PROMOTED, Status.FAILED, None, (), Cover.ACTIVE),
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
    ("cover", "status", "earlier", "new", "former"),
    [
        (Cover.NOW, Status.SUCCEEDED, {}, Cover.DEFAULT, Cover.ACTIVE),
        (Cover.NOW, Status.FAILED, {}, Cover.MISSING, Cover.DEFAULT),
        (Cover.NOW, Status.SKIPPED, {}, Cover.LATER, Cover.DEFAULT),
        (Cover.NOW, Status.SKIPPED, {ADDRESS: True}, Cover.DEFAULT, Cover.ACTIVE),
        (Cover.NOW, None, {ADDRESS: False}, Cover.MISSING, Cover.DEFAULT),
        (Cover.NOW, Status.SUCCEEDED, {ADDRESS: False}, Cover.DEFAULT, Cover.ACTIVE),
        (Cover.LATER, None, {}, Cover.LATER, Cover.DEFAULT),
        (Cover.PROMOTED, Status.SUCCEEDED, {}, Cover.DEFAULT, Cover.ACTIVE),
        (Cover.PROMOTED, Status.FAILED, {}, Cover.ACTIVE, Cover.DEFAULT),
        (Cover.PROMOTED, None, {ADDRESS: True}, Cover.DEFAULT, Cover.ACTIVE),
    ],
)
def test_a_default_that_moves(
    cover: Cover, status: Status | None, earlier: dict[str, bool], new: Cover, former: Cover
) -> None:
    cells = {"loyalty": (cover,), "standard": (Cover.DEFAULT,)}
    found = Coverage(("fr",), cells, frozenset(), {"fr": "canary"}, frozenset({("loyalty", "fr")}))
    left = after(found, ended(status), (), earlier).cells
    assert left == {"loyalty": (new,), "standard": (former,)}


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


@pytest.mark.parametrize("alone", range(9))
def test_many_defaults_that_no_spec_declares_are_one_row(alone: int) -> None:
    """No cell of a declared compartment is hidden for them, and no default is lost."""
    marts = tuple(f"m{n}" for n in range(9))
    names = [f"default-{n} #{n}" for n in range(alone)]
    cells = {
        name: tuple(Cover.DEFAULT if m == n else Cover.MISSING for m in range(9))
        for n, name in enumerate(names)
    }
    declared = {f"zz-{n}": (Cover.ACTIVE,) * 9 for n in range(6)}
    whole = Coverage(marts, cells | declared, frozenset(), {}, frozenset(), frozenset(names))
    short, left = shortened(whole, 7)
    assert declared.keys() <= short.cells.keys()
    if alone > ALONE_MAX:
        assert (left, short.unmanaged) == (0, {f"{alone} others"})
        covers = short.cells[f"{alone} others"]
        assert covers == (Cover.DEFAULT,) * alone + (Cover.MISSING,) * (9 - alone)
    else:
        assert left == max(0, alone - 1)
    cards = dict(matrix(whole).cards)
    for name in cards.keys() - declared.keys():
        assert "not active" not in dict(cards[name])
