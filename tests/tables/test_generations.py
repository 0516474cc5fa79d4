"""Which generation comes next: the decision table of the module, row by row, and what does not count as a generation."""

import pytest

from reconciler.kinds.names import ChunkName, LoadKey, SealName
from reconciler.model.remote import Import
from reconciler.planning.loads.generations import (
    Content,
    Decision,
    Do,
    counted,
    decide,
    decide_retry,
    generations,
    last_attempt,
    open_generations,
    open_retries,
)

OURS = "a" * 12
OTHER = "b" * 12
THIRD = "c" * 12
FORMER = (("retail", "crm"), ("retail", "old-crm"))
NEW = LoadKey("retail", "crm", 1, "")
OUR_CONTENT = Content(OURS, 5)


def key(generation: int, digest: str = OURS, *, retry: int = 0, source: str = "crm") -> LoadKey:
    return LoadKey("retail", source, generation, digest, retry)


def chunk(load: LoadKey, index: int = 1, attempt: int = 1) -> str:
    return str(ChunkName(load, 1000, index, 2, "d" * 12, attempt))


def seal(load: LoadKey, failed: int = 0) -> str:
    return str(SealName(load, 5, failed))


def rows(*names: str) -> list[Import]:
    return [Import(str(n + 1), name) for n, name in enumerate(names)]


def sealed(load: LoadKey, failed: int = 0) -> list[str]:
    return [chunk(load), chunk(load, 2), seal(load, failed)]


def asked(names: list[str], executed: set[LoadKey], **flags: object) -> Decision:
    found = generations(rows(*names), FORMER)
    return decide(found, executed, NEW, content=OUR_CONTENT, **flags)  # type: ignore[arg-type]


G1, G2, G3 = key(1), key(2), key(3)
O1, O2 = key(1, OTHER), key(2, OTHER)


@pytest.mark.parametrize(
    ("names", "executed", "flags", "do", "generation", "superseded"),
    [
        ([], set(), {}, Do.EXECUTE, 1, None),
        # imports without any execution are no generation
        ([chunk(O1)], set(), {}, Do.EXECUTE, 1, None),
        ([*sealed(O1), chunk(G2)], set(), {}, Do.EXECUTE, 2, None),
        # the same digest
        (sealed(G1), set(), {}, Do.NOTHING, 1, None),
        ([chunk(G1)], {G1}, {}, Do.RESUME, 1, None),
        ([*sealed(O1), *sealed(G2)], set(), {}, Do.NOTHING, 2, None),
        ([*sealed(G1), *sealed(O2)], set(), {}, Do.EXECUTE, 3, None),  # A, B, A are three loads
        # another digest
        (sealed(O1), set(), {}, Do.EXECUTE, 2, None),
        ([chunk(O1)], {O1}, {}, Do.EXECUTE, 2, 1),
        ([chunk(O1)], {O1}, {"newer": "changes"}, Do.REFUSE, None, None),
        ([chunk(O1)], {O1}, {"newer": "changes", "supersede": True}, Do.EXECUTE, 2, 1),
        (sealed(O1), set(), {"newer": "changes"}, Do.EXECUTE, 2, None),
        # two digests under the highest number
        ([*sealed(G1), *sealed(O1)], set(), {}, Do.REFUSE, None, None),
        ([chunk(G1), chunk(O1)], {G1, O1}, {}, Do.REFUSE, None, None),
        ([chunk(G1), chunk(O1)], {G1}, {}, Do.RESUME, 1, None),  # the other one was never sent
        ([*sealed(G1), *sealed(O1), *sealed(G2)], set(), {}, Do.NOTHING, 2, None),
        # --reload
        (sealed(G1), set(), {"reload": True}, Do.EXECUTE, 2, None),
        ([chunk(G1)], {G1}, {"reload": True}, Do.EXECUTE, 2, 1),
        ([chunk(O1)], {O1}, {"reload": True, "newer": "changes"}, Do.EXECUTE, 2, 1),
        ([*sealed(G1), *sealed(O1)], set(), {"reload": True}, Do.EXECUTE, 2, None),
        # of two digests under one number, ours is the one that is replaced
        ([*sealed(O1), chunk(G1)], {G1}, {"reload": True}, Do.EXECUTE, 2, 1),
        ([chunk(O1), *sealed(G1)], {O1}, {"reload": True}, Do.EXECUTE, 2, None),
        ([], set(), {"reload": True}, Do.EXECUTE, 1, None),
        # names of other sources and sub-loads do not count; former names do
        (sealed(key(7, source="other")), set(), {}, Do.EXECUTE, 1, None),
        ([*sealed(G1), *sealed(key(1, OTHER, retry=1))], set(), {}, Do.NOTHING, 1, None),
        (sealed(key(4, source="old-crm")), set(), {}, Do.NOTHING, 4, None),
        (sealed(key(4, OTHER, source="old-crm")), set(), {}, Do.EXECUTE, 5, None),
    ],
)
def test_decide(
    names: list[str],
    executed: set[LoadKey],
    flags: dict[str, object],
    do: Do,
    generation: int | None,
    superseded: int | None,
) -> None:
    found = asked(names, executed, **flags)
    assert found.do is do, found.reason
    assert (found.key.generation if found.key else None) == generation
    assert (found.superseded.number if found.superseded else None) == superseded
    assert found.reason
    if do is Do.EXECUTE:
        assert found.key == LoadKey("retail", "crm", generation or 0, OURS)


@pytest.mark.parametrize(
    ("names", "commands", "believed"),
    [
        ([chunk(G1), chunk(G1, 2), seal(G1)], 5, True),
        ([chunk(G1), chunk(G1, 2), seal(G1, 3)], 8, True),
        ([chunk(G1), chunk(G1, 2, attempt=2), seal(G1)], 5, True),
        ([chunk(G1), chunk(G1, 2), seal(G1)], 6, False),
        ([chunk(G1), chunk(G1, 2), seal(G1)], 4, False),
        ([chunk(G1), chunk(G1, 2), seal(G1), seal(G1, 9)], 5, True),  # the one that fits is ours
        ([chunk(G1), seal(G1)], 5, True),  # an import was deleted since
        ([chunk(G1), seal(G1)], 6, False),
        ([seal(G1)], 5, False),
        ([str(SealName(G1, 0, 0))], 0, True),  # an empty source has no chunk
        ([chunk(O1), chunk(O1, 2), seal(O1)], 99, True),  # what another content held is not known
        ([seal(O1)], 99, False),
    ],
)
def test_a_seal_is_a_claim(names: list[str], commands: int, *, believed: bool) -> None:
    (found,) = generations(rows(*names), FORMER, content=Content(OURS, commands))
    assert bool(found.seal) is believed
    assert bool(found.doubt) is not believed


def test_a_compartment_still_to_be_created_makes_every_digest_another() -> None:
    found = decide(generations(rows(*sealed(G1)), FORMER), set(), NEW, content=None)
    assert (found.do, found.key) == (Do.EXECUTE, LoadKey("retail", "crm", 2, "0" * 12))


def test_failed_lines_of_a_loaded_generation_are_told() -> None:
    assert "3" in asked(sealed(G1, failed=3), set()).reason
    assert "failed" in asked(sealed(G1, failed=3), set()).reason
    assert "failed" not in asked(sealed(G1), set()).reason


R1, R2 = key(2, THIRD, retry=1), key(2, THIRD, retry=2)


@pytest.mark.parametrize(
    ("names", "executed", "wanted", "do"),
    [
        (sealed(G2), set(), R1, Do.EXECUTE),
        ([*sealed(G2), chunk(R1)], set(), R1, Do.RESUME),
        ([*sealed(G2), *sealed(R1)], set(), R1, Do.NOTHING),
        ([*sealed(G2), *sealed(R1)], set(), R2, Do.EXECUTE),
        (
            [*sealed(G2), *sealed(key(2, OTHER, retry=1))],
            set(),
            R1,
            Do.REFUSE,
        ),  # the number is taken by other lines
        ([*sealed(G2), *sealed(G3)], set(), R1, Do.REFUSE),  # a newer load came in between
        ([*sealed(G2), chunk(G3)], {G3}, R1, Do.REFUSE),
        ([*sealed(G2), chunk(G3)], set(), R1, Do.EXECUTE),
        (sealed(G1), set(), R1, Do.REFUSE),
        ([], set(), R1, Do.REFUSE),
        ([], set(), key(1, THIRD, retry=1), Do.REFUSE),
    ],
)
def test_decide_retry(names: list[str], executed: set[LoadKey], wanted: LoadKey, do: Do) -> None:
    listed = rows(*names)
    found = generations(listed, FORMER)
    decision = decide_retry(found, executed, generations(listed, FORMER, retries=True), wanted)
    assert decision.do is do, decision.reason
    assert decision.key == (None if do is Do.REFUSE else wanted)
    assert (decision.latest is not None) is (do in (Do.RESUME, Do.NOTHING))
    assert decision.reason


def test_what_has_to_be_looked_at() -> None:
    listed = rows(chunk(G1), *sealed(G2), chunk(G3), chunk(R1), chunk(key(1, THIRD, retry=1)), *sealed(R2))
    found = generations(listed, FORMER)
    assert [g.number for g in found] == [1, 2, 3]
    retries = generations(listed, FORMER, retries=True)
    assert [(g.number, g.key.retry) for g in retries] == [(1, 1), (2, 1), (2, 2)]
    assert [g.number for g in open_generations(found)] == [3]
    # those of the newest sealed generation are still open; those of older ones are over
    assert [(g.number, g.key.retry) for g in open_retries(found, retries)] == [(2, 1)]
    assert [g.number for g in counted(found, {G3})] == [3]
    assert [g.number for g in counted(found, set())] == [2]
    assert counted(generations(rows(chunk(G1)), FORMER), set()) == []


def test_ids_of_duplicate_names_are_in_order_and_the_last_attempt_counts() -> None:
    names = [chunk(G1, 1), chunk(G1, 2), chunk(G1, 1), chunk(G1, 1, attempt=2)]
    listed = [Import(i, n) for i, n in zip(("10", "5", "9", "11"), names, strict=True)]
    (found,) = generations(listed, FORMER)
    assert sorted(found.import_ids) == ["10", "11", "5", "9"]
    assert found.chunks[ChunkName(G1, 1000, 1, 2, "d" * 12, 1)] == ("9", "10")
    assert last_attempt(found.chunks, 1) == (2, ("11",))
    assert last_attempt(found.chunks, 2) == (1, ("5",))
    assert last_attempt(found.chunks, 3) == (1, ())


def test_without_any_seal_all_generations_are_open() -> None:
    assert [g.number for g in open_generations(generations(rows(chunk(G1), chunk(G2)), FORMER))] == [1, 2]


CUT = (1000, ("d" * 12, "d" * 12))


@pytest.mark.parametrize(
    ("names", "generation"),
    [
        ([], 2),
        ([chunk(G2)], 2),
        ([chunk(G2), chunk(G2, 2)], 2),
        ([str(ChunkName(G2, 1000, 1, 2, "e" * 12, 1))], 3),
    ],
)
def test_a_reload_takes_the_next_number_that_no_other_bytes_have(names: list[str], generation: int) -> None:
    content = Content(OURS, 5, CUT)
    found = generations(rows(*sealed(O1), *names), FORMER, content=content)
    decision = decide(found, set(), NEW, content=content, reload=True)
    assert decision.key == LoadKey("retail", "crm", generation, OURS)


@pytest.mark.parametrize(
    ("names", "executed", "cut", "do", "generation"),
    [
        (sealed(O1), set(), CUT, Do.NOTHING, 1),
        (sealed(O1), set(), (999, CUT[1]), Do.EXECUTE, 2),  # cut otherwise: it cannot be told
        (sealed(O1), set(), (1000, ("d" * 12, "e" * 12)), Do.EXECUTE, 2),
        (sealed(O1), set(), (1000, ("d" * 12,)), Do.EXECUTE, 2),
        (sealed(O1), set(), (1000, ("d" * 12,) * 3), Do.EXECUTE, 2),
        (sealed(O1), set(), (1000, ()), Do.EXECUTE, 2),
        ([chunk(O1), seal(O1)], set(), CUT, Do.EXECUTE, 2),  # an import was deleted
        ([str(SealName(O1, 0, 0))], set(), (1000, ()), Do.EXECUTE, 2),  # of nothing and nothing it cannot be told
        ([chunk(O1), chunk(O1, 2), chunk(O1, 2, attempt=2), seal(O1)], set(), CUT, Do.NOTHING, 1),
        ([chunk(O1), chunk(O1, 2)], {O1}, CUT, Do.RESUME, 1),
        ([chunk(O1), chunk(O1, 2)], set(), CUT, Do.EXECUTE, 1),  # nothing of it was sent
        ([*sealed(O1), *sealed(key(2, THIRD))[:1], chunk(key(2, THIRD), 2), seal(key(2, THIRD))], set(), CUT, Do.NOTHING, 2),
    ],
)  # fmt: skip
def test_the_same_bytes_to_send_are_the_same_load(
    names: list[str], executed: set[LoadKey], cut: tuple[int, tuple[str, ...]], do: Do, generation: int
) -> None:
    content = Content(OURS, 5, cut)
    found = decide(generations(rows(*names), FORMER, content=content), executed, NEW, content=content)
    assert (found.do, found.key and found.key.generation) == (do, generation)
