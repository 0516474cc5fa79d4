"""How a load is cut, and what is known of its chunks: one rule for plan, apply and the retry of failed rows."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.names import ChunkName, LoadKey, SealName
from reconciler.model.listing import Listed, Listing
from reconciler.model.load import Chunk, ManualVerdict, Position, Scan, UploadNotes
from reconciler.model.remote import Execution
from reconciler.model.source import SourceDefinition
from reconciler.planning.loads.cut import as_cut, cut_of, lacks_imports, load_view
from reconciler.planning.loads.failed_rows import unfit
from reconciler.planning.loads.generations import Content, Decision, Do, Generation, decide
from reconciler.planning.loads.protocol import ChunkState, LoadView, states

KEY = LoadKey("shop", "crm", 3, "0" * 12)
SOURCE = SourceDefinition(workspace="shop", source="crm", files=("a",), format="commands", max_bytes=100)
DONE = Execution("9", "SUCCEEDED", 10, 0)
PART = Execution("9", "SUCCEEDED", 7, 3)


def sha(index: int, max_bytes: int) -> str:
    return f"{max_bytes * 100 + index:064x}"[::-1]


def scan(count: int, max_bytes: int = 100) -> Scan:
    chunks = tuple(Chunk(i, Position(0, 0, 0), 10, 10, sha(i, max_bytes)) for i in range(1, count + 1))
    return Scan("d", ("a",), chunks, 10 * count, 10 * count, 10 * count, 10 * count, 0, 0, replay_safe=True)


def name(index: int, count: int, max_bytes: int = 100, attempt: int = 1, other: str = "") -> ChunkName:
    return ChunkName(KEY, max_bytes, index, count, other or sha(index, max_bytes)[:12], attempt)


def load(*names: ChunkName, seal: SealName | None = None) -> Generation:
    return Generation(KEY, seal, {n: (f"i{k}",) for k, n in enumerate(names)})


def executed(*imports: int, row: Execution = DONE) -> dict[str, Listing[Execution]]:
    return {f"i{k}": Listed((row,)) for k in imports}


CUTS = [
    ("nothing is there", None, (), (100, None, 0)),
    ("no import of a chunk", load(), (), (100, None, 0)),
    ("the spec's own cut", load(name(1, 2), name(2, 2)), (), (100, 2, 2)),
    ("a smaller cut, begun", load(name(1, 2, 50), name(1, 2)), (), (50, 2, 1)),
    ("the larger cut was sent", load(name(1, 2, 50), name(1, 2)), (1,), (100, 2, 1)),
    ("the smaller cut was sent", load(name(1, 2, 50), name(1, 2)), (0,), (50, 2, 1)),
    ("one max_bytes, two counts", load(name(1, 3), name(1, 2)), (0,), (100, 3, 1)),
    ("a later attempt belongs to its cut", load(name(1, 1), name(1, 1, attempt=2)), (1,), (100, 1, 2)),
]


@pytest.mark.parametrize(("_case", "there", "sent", "expected"), CUTS, ids=[c[0] for c in CUTS])
def test_the_cut_of_names(
    _case: str, there: Generation | None, sent: tuple[int, ...], expected: tuple[int, int | None, int]
) -> None:
    cut = cut_of(there, executed(*sent), SOURCE)
    assert (cut.max_bytes, cut.count, len(cut.imports)) == expected
    assert as_cut(SOURCE, cut).max_bytes == cut.max_bytes
    assert not cut.refused


def test_a_load_that_was_sent_in_two_cuts_is_refused() -> None:
    for names in (
        (name(1, 2, 50), name(1, 2)),
        (name(1, 3), name(1, 2)),
    ):
        cut = cut_of(load(*names), executed(0, 1), SOURCE)
        assert "two cuts" in cut.mismatch(KEY, scan(2))


MATCHES = [
    ("the same", load(name(1, 2), name(2, 2)), 2, True),
    ("a part of them", load(name(2, 2)), 2, True),
    ("one chunk too few", load(name(1, 2)), 1, False),
    ("one chunk too many", load(name(1, 2)), 3, False),
    ("other bytes", load(name(1, 2), name(2, 2, other="f" * 12)), 2, False),
    ("other bytes in a later attempt", load(name(1, 2), name(1, 2, attempt=2, other="f" * 12)), 2, False),
    ("nothing is there", None, 2, True),
]


@pytest.mark.parametrize(("_case", "there", "count", "fits"), MATCHES, ids=[c[0] for c in MATCHES])
def test_every_chunk_must_be_that_of_its_name(
    _case: str, there: Generation | None, count: int, fits: bool
) -> None:
    why = cut_of(there, {}, SOURCE).mismatch(KEY, scan(count))
    assert (not why) == fits
    assert fits or "--reload" in why


VIEWS = [
    ("no import", load(name(2, 2)), (), UploadNotes(), ChunkState.MISSING),
    ("no import, a sibling was sent", load(name(2, 2)), (0,), UploadNotes(), ChunkState.DELETED),
    ("not sent", load(name(1, 2), name(2, 2)), (), UploadNotes(), ChunkState.UNSENT),
    ("sent", load(name(1, 2), name(2, 2)), (0,), UploadNotes(), ChunkState.SUCCEEDED),
    (
        "its upload was refused",
        load(name(1, 2), name(2, 2)),
        (),
        UploadNotes(frozenset({str(name(1, 2))})),
        ChunkState.REFUSED,
    ),
    (
        "the upload of an earlier attempt was refused",
        load(name(1, 2), name(1, 2, attempt=2)),
        (),
        UploadNotes(frozenset({str(name(1, 2))})),
        ChunkState.UNSENT,
    ),
    (
        "the upload of another cut was refused",
        load(name(1, 2), name(2, 2)),
        (),
        UploadNotes(frozenset({str(name(1, 2, 50))})),
        ChunkState.UNSENT,
    ),
    (
        "a person says that it was sent",
        load(name(1, 2), name(2, 2)),
        (),
        UploadNotes(verdicts={(str(KEY), 1): ManualVerdict(1, sent=True)}),
        ChunkState.SUCCEEDED,
    ),
    (
        "a person says it of another load",
        load(name(1, 2), name(2, 2)),
        (),
        UploadNotes(verdicts={("other", 1): ManualVerdict(1, sent=True)}),
        ChunkState.UNSENT,
    ),
]


@pytest.mark.parametrize(("_case", "there", "sent", "notes", "expected"), VIEWS, ids=[c[0] for c in VIEWS])
def test_what_is_known_of_a_chunk(
    _case: str, there: Generation, sent: tuple[int, ...], notes: UploadNotes, expected: ChunkState
) -> None:
    executions = executed(*sent)
    view = load_view(KEY, cut_of(there, executions, SOURCE), scan(2), executions, notes)
    assert states(view)[1] is expected


def finished(seal: tuple[int, int], there: Generation, executions: dict[str, Listing[Execution]]) -> str:
    sealed = replace(there, seal=SealName(KEY, *seal))
    view = load_view(KEY, cut_of(sealed, executions, SOURCE), scan(2), executions, UploadNotes())
    return unfit(sealed, view)


BOTH = load(name(1, 2), name(2, 2))
FINISHED = [
    ("as the seal says", (17, 3), BOTH, executed(0) | executed(1, row=PART), ""),
    ("one upload was refused", (10, 10), BOTH, executed(0), ""),
    ("an import was deleted", (17, 3), load(name(1, 2)), executed(0, row=PART), "no longer exists"),
    ("a person said that a chunk was sent", (20, 0), BOTH, executed(0), "executions 10"),
    ("more failed than was sealed", (20, 0), BOTH, executed(0) | executed(1, row=PART), "executions 3"),
    ("fewer failed than was sealed", (17, 3), BOTH, executed(0, 1), "executions 0"),
]


@pytest.mark.parametrize(
    ("_case", "seal", "there", "rows", "expected"), FINISHED, ids=[c[0] for c in FINISHED]
)
def test_failed_rows_are_told_only_where_the_executions_are_those_that_were_sealed(
    _case: str,
    seal: tuple[int, int],
    there: Generation,
    rows: dict[str, Listing[Execution]],
    expected: str,
) -> None:
    why = finished(seal, there, rows)
    assert expected in why
    assert bool(expected) == bool(why)


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from([50, 100])), max_size=6), st.integers(0, 63))
def test_no_chunk_that_was_sent_is_ever_taken_as_not_sent(there: list[tuple[int, int]], sent: int) -> None:
    """Whatever names are there: what has an execution is seen under its cut, or the load is refused."""
    names = list(dict.fromkeys(name(i, 3, max_bytes) for i, max_bytes in there))
    executions = executed(*(k for k in range(len(names)) if sent >> k & 1))
    cut = cut_of(load(*names), executions, SOURCE)
    found = scan(3, cut.max_bytes)
    view = load_view(KEY, cut, found, executions, UploadNotes())
    seen = {(cut.max_bytes, i) for i, s in states(view).items() if s is ChunkState.SUCCEEDED}
    really = {(n.max_bytes, n.index) for k, n in enumerate(names) if f"i{k}" in executions}
    assert cut.mismatch(KEY, found) or seen == really


def test_a_reload_never_takes_a_number_whose_names_are_of_other_bytes() -> None:
    def of(number: int, *, mine: bool) -> Generation:
        key = replace(KEY, generation=number)
        chunk = sha(1, 100)[:12] if mine else "f" * 12
        return Generation(key, None, {ChunkName(key, 100, 1, 2, chunk, 1): ("i",)})

    content = Content(KEY.load12, 20, (100, (sha(1, 100)[:12], sha(2, 100)[:12])))
    for mine in itertools.product([True, False], repeat=3):
        found = [of(n, mine=m) for n, m in enumerate(mine, 1)]
        decision: Decision = decide(found, set(), KEY, content=content, reload=True)
        assert decision.do is Do.EXECUTE
        assert decision.key == replace(KEY, generation=next((n for n, m in enumerate(mine, 1) if m), 4))
        assert decide(found, set(), KEY, content=content).key == replace(KEY, generation=1)


def test_a_view_of_nothing_has_no_chunk() -> None:
    assert load_view(KEY, cut_of(None, {}, SOURCE), scan(0), {}, UploadNotes()) == LoadView(())


LACKING = [
    ("nothing was sent", load(name(1, 2)), (), False),
    ("all are there", load(name(1, 2), name(2, 2)), (0,), False),
    ("one is missing", load(name(1, 2)), (0,), True),
    ("a later attempt is no other chunk", load(name(1, 2), name(1, 2, attempt=2)), (0,), True),
    ("another cut was not begun", load(name(1, 1, 50), name(1, 2)), (0,), False),
]


@pytest.mark.parametrize(("_case", "there", "sent", "expected"), LACKING, ids=[c[0] for c in LACKING])
def test_imports_that_are_missing_of_a_load_that_was_begun(
    _case: str, there: Generation, sent: tuple[int, ...], expected: bool
) -> None:
    assert lacks_imports(there, executed(*sent)) is expected
