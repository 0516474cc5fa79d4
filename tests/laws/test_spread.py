"""A pass by workers elsewhere gives what a pass in one process gives, byte for byte, however often workers are lost."""

import dataclasses
import gzip
import json
import pickle
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.bulk.scan import identifiers, worker_frames, worker_tasks
from reconciler.bulk.scan.duplicates import PLACE, ListedLines
from reconciler.bulk.scan.scan import find_superseded, scan, scan_elsewhere, superseded
from reconciler.bulk.scan.spread import Spread, divisible
from reconciler.bulk.sent.digests import SourceRows, key_of_text
from reconciler.bulk.sources import locations, parquet, segments
from reconciler.errors import ReconcilerError
from reconciler.model.load import Reject, Scan
from reconciler.model.source import Dialect, Expectation, Identifier, Removals, SourceDefinition, Update

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PACK: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstd.compress}
pytestmark = pytest.mark.slow  # each law cuts sources in many ways, as several workers do
WHO = "someone-of-the-source"


class Task:
    """Done when it is asked for; what goes in and out has been pickled."""

    def __init__(self, workers: "LosingWorkers", task: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._workers, self._job = workers, workers.pickled((task, args))
        self.worker, self._made = "", b""

    def done(self) -> bool:
        return bool(self._made) or self._workers.chance.random() < 0.5

    def result(self) -> Any:
        if not self._made:
            self._made = self._workers.do(self._job)
            self.worker = self._workers.chance.choice(["one", "two"])
        return pickle.loads(self._made)

    def cancel(self) -> None:
        """Nothing is on its way."""


class LosingWorkers:
    """Workers that do tasks in this process, some of them twice; now and then one is lost, with all it had in memory."""

    def __init__(self, chance: random.Random, at_once: int) -> None:
        self.chance, self.at_once, self.seen = chance, at_once, list[bytes]()

    def give(self, task: Callable[..., Any], *args: Any, near: str = "", first: bool = False) -> Any:
        return Task(self, task, args)

    def names(self) -> list[str]:
        return ["one", "two"][: self.at_once]

    def tell(self, task: Callable[..., None], *args: Any) -> None:
        task(*args)

    def pickled(self, value: Any) -> bytes:
        self.seen.append(pickle.dumps(value))
        return self.seen[-1]

    def do(self, job: bytes) -> bytes:
        task, args = pickle.loads(job)
        if self.chance.random() < 0.2:
            task(*args)  # of this one nobody hears
        if self.chance.random() < 0.2:
            worker_tasks.forget(args[0].key)
        return self.pickled(task(*args))


def source(kind: str, files: str, max_bytes: int) -> SourceDefinition:
    plain = SourceDefinition(
        workspace="w", source="s", files=(files,), format=kind, compression="suffix", allow="100%", max_bytes=max_bytes,
    )  # fmt: skip
    if kind == "commands":
        return plain
    who = Identifier(kind="user_account_id", column="id", compartment="c")
    return dataclasses.replace(
        plain, update=Update(force_replace=True), compartments={"c": "7"}, identify_by=(who,)
    )


@contextmanager
def segments_of(size: int) -> Iterator[None]:
    before, rows = segments.segments.__defaults__, (parquet.BATCH, worker_frames.ROWS, identifiers.FOLDED)
    asked, worker_tasks.ENDS_ASKED_FROM = worker_tasks.ENDS_ASKED_FROM, 1000
    segments.segments.__defaults__ = (*(before or ())[:-1], size)
    parquet.BATCH, worker_frames.ROWS = max(1, size // 40), 2 * max(1, size // 40)
    identifiers.FOLDED = 15
    try:
        yield
    finally:
        segments.segments.__defaults__ = before
        parquet.BATCH, worker_frames.ROWS, identifiers.FOLDED = rows
        worker_tasks.ENDS_ASKED_FROM = asked


names = st.sampled_from(["u1", "u2", "U2", "u10", "0u2", WHO, "", " ", "null", "a@b.c", "é"])
notes = st.sampled_from(["x", "", "yy", "a,b", 'q"q', "two\nlines", "z" * 40, "z" * 400])


@st.composite
def content(draw: st.DrawFn, kind: str) -> bytes:
    rows = draw(st.lists(st.tuples(names, notes), max_size=25))
    if kind == "csv":
        cells = "".join('{},"{}"\n'.format(a, b.replace('"', '""')) for a, b in rows)
        return f"id,note\n{cells}".encode() + draw(st.sampled_from([b"", b"\n\n", b"a,b,c\n", b'u3,"open']))
    odd = st.sampled_from([b"", b"{", b"\xff", b"[]", b"x" * 700])
    made = []
    for name, note in rows:
        if kind == "commands":
            made.append(json.dumps({"operation": "DELETE", "email_hash": name + note}).encode())
        else:
            made.append(json.dumps({"id": name, "note": note}, ensure_ascii=False).encode())
        if draw(st.integers(0, 9)) == 0:
            made.append(draw(odd))
    return b"\n".join(made) + draw(st.sampled_from([b"\n", b"", b"\n\n \n"]))


def both(root: Path, definition: SourceDefinition, workers: LosingWorkers, size: int) -> tuple[Scan, Scan]:
    with segments_of(size):
        return scan(root, definition), elsewhere(root, definition, workers)


def elsewhere(root: Path, definition: SourceDefinition, workers: LosingWorkers, **asked: Any) -> Scan:
    found = locations.find(root, definition)
    with spread_of(root, definition, workers) as spread:
        return scan_elsewhere(spread, found, definition, **asked)


@contextmanager
def spread_of(root: Path, definition: SourceDefinition, workers: LosingWorkers) -> Iterator[Spread]:
    with ExitStack() as stack:
        lists = [
            ListedLines(stack.enter_context(Path(p).open("rb"))) if p else None
            for p in (definition.superseded, definition.listed)
        ]
        names = locations.find(root, definition)
        yield stack.enter_context(closing(Spread(workers, root, names, definition, (), *lists)))


def index_key(_make: bool) -> bytes:
    return key_of_text("a key of tests, long enough for them")


class Gathered(NamedTuple):
    """All that comes of a pass."""

    scan: Scan
    rejects: list[tuple[Reject, object]]
    rows: list[bytes]
    unsent: list[bytes]
    unreadable: int


def gathered(read: Callable[..., Scan], *, tracked: bool, contents: bool) -> Gathered:
    tracker, rejects = SourceRows(index_key, 7) if tracked else None, list[tuple[Reject, object]]()
    made = read(on_reject=lambda *r: rejects.append(r), contents=contents, tracker=tracker)
    if tracker is None:
        return Gathered(made, rejects, [], [], 0)
    with closing(tracker):
        return Gathered(made, rejects, list(tracker), list(tracker.rejected), tracker.unreadable)


@pytest.mark.parametrize("kind", ["commands", "ndjson", "csv"])
@settings(max_examples=40)
@given(st.data())
def test_text(kind: str, data: st.DataObject) -> None:
    files = data.draw(st.lists(st.tuples(content(kind), st.sampled_from(list(PACK))), min_size=1, max_size=4))
    suffix = "csv" if kind == "csv" else "ndjson"
    definition = source(kind, f"x*.{suffix}*", data.draw(st.sampled_from([600, 1000, 5000])))
    workers = LosingWorkers(random.Random(data.draw(st.integers(0, 99))), data.draw(st.integers(1, 3)))
    with tempfile.TemporaryDirectory() as folder:
        for index, (body, packed) in enumerate(files):
            (Path(folder) / f"x{index}.{suffix}{packed}").write_bytes(PACK[packed](body))
        expected, found = both(
            Path(folder), definition, workers, data.draw(st.sampled_from([80, 300, 1 << 20]))
        )
    assert found == expected


expectations = st.lists(
    st.sampled_from(
        [
            Expectation(check="not_null", field="note"),
            Expectation(check="unique", field="note"),
            Expectation(check="unique", field="user_account_id", severity="warn"),
            Expectation(check="in", field="note", value=["x", "yy"]),
            Expectation(check="matches", field="note", value="[a-z]+"),
            Expectation(check="min_rows", value=3),
        ]
    ),
    max_size=3,
)


@pytest.mark.parametrize("kind", ["commands", "ndjson", "csv", "parquet"])
@settings(max_examples=40)
@given(st.data())
def test_what_is_gathered_of_all_rows(kind: str, data: st.DataObject) -> None:
    """Rows for the sent index, duplicates, expectations, and rejected rows with their contents."""
    definition = dataclasses.replace(
        source(kind, f"x*.{kind}*", data.draw(st.sampled_from([600, 1000, 5000]))),
        duplicates=data.draw(st.sampled_from(["off", "warn", "refuse"])),
        expect=tuple(data.draw(expectations)),
        gone=data.draw(st.sampled_from(["keep", "delete"])),
    )
    tracked, contents = data.draw(st.booleans()), data.draw(st.booleans())
    packs = [""] if contents or kind == "parquet" else list(PACK)
    workers = LosingWorkers(random.Random(data.draw(st.integers(0, 99))), data.draw(st.integers(1, 3)))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for index in range(data.draw(st.integers(1, 3))):
            pack = data.draw(st.sampled_from(packs))
            name = root / f"x{index}.{kind}{pack}"
            if kind == "parquet":
                rows = data.draw(st.lists(st.tuples(names, notes), max_size=30))
                polars.DataFrame(
                    {"id": [a for a, _ in rows], "note": [b for _, b in rows]},
                    {"id": polars.String, "note": polars.String},
                ).write_parquet(name)
            else:
                name.write_bytes(PACK[pack](data.draw(content(kind))))
        with segments_of(data.draw(st.sampled_from([80, 300, 1 << 20]))):
            here = gathered(partial(scan, root, definition), tracked=tracked, contents=contents)
            there = gathered(
                partial(elsewhere, root, definition, workers), tracked=tracked, contents=contents
            )
    assert there == here
    assert index_key(False) not in b"".join(workers.seen)


@pytest.mark.parametrize("kind", ["commands", "ndjson", "csv"])
@settings(max_examples=40)
@given(st.data())
def test_lines_that_lists_name(kind: str, data: st.DataObject) -> None:
    """Of each identity the last row, and of these some: what a delta of a source with `keep_last` is."""
    plain = dataclasses.replace(
        source(kind, f"x*.{kind}", data.draw(st.sampled_from([600, 1000, 5000]))),
        duplicates=data.draw(st.sampled_from(["off", "refuse", "keep_last"])),
        expect=tuple(data.draw(expectations)),
    )
    workers = LosingWorkers(random.Random(data.draw(st.integers(0, 99))), data.draw(st.integers(1, 3)))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for index in range(data.draw(st.integers(1, 3))):
            (root / f"x{index}.{kind}").write_bytes(data.draw(content(kind)))
        with segments_of(data.draw(st.sampled_from([80, 300, 1 << 20]))):
            definition, places = plain, list[tuple[int, int]]()
            if plain.duplicates == "keep_last":
                with (root / "here").open("w+b") as here, (root / "there").open("w+b") as there:
                    find_superseded(root, plain, here)
                    with spread_of(root, plain, workers) as spread:
                        superseded(spread, locations.find(root, plain), plain, there)
                assert (root / "there").read_bytes() == (root / "here").read_bytes()
                definition = dataclasses.replace(plain, superseded=str(root / "here"))
            found = locations.find(root, definition)

            def sent(path: str, before: int, _data: bytes, numbers: Sequence[int]) -> None:
                places.extend((found.index(path), before + n + 1) for n in numbers)

            contents = data.draw(
                st.booleans()
            )  # of rejected rows, those that a later one replaces among them
            assert gathered(
                partial(elsewhere, root, definition, workers), tracked=True, contents=contents
            ) == gathered(partial(scan, root, definition, on_sent=sent), tracked=True, contents=contents)
            wanted = sorted(x for x in places if data.draw(st.booleans()))
            (root / "listed").write_bytes(b"".join(PLACE.pack(*x) for x in wanted))
            definition = dataclasses.replace(definition, listed=str(root / "listed"))
            expected, made = scan(root, definition), elsewhere(root, definition, workers)
    assert made == expected
    assert made.sent == len(wanted)


@settings(max_examples=20)
@given(st.data())
def test_parquet(data: st.DataObject) -> None:
    rows = st.lists(st.tuples(names, notes), max_size=40)
    files: Sequence[Any] = data.draw(st.lists(rows, min_size=1, max_size=3))
    workers = LosingWorkers(random.Random(data.draw(st.integers(0, 99))), 2)
    with tempfile.TemporaryDirectory() as folder:
        for index, part in enumerate(files):
            frame = polars.DataFrame({"id": [a for a, _ in part], "note": [b for _, b in part]}, {"id": polars.String, "note": polars.String})  # fmt: skip
            frame.write_parquet(
                Path(folder) / f"x{index}.parquet", row_group_size=data.draw(st.integers(1, 30))
            )
        expected, found = both(Path(folder), source("parquet", "x*.parquet", 1000), workers, data.draw(st.sampled_from([80, 300])))  # fmt: skip
    assert found == expected


class Asking(LosingWorkers):
    """Notes who is asked to check how many bytes, and what was asked for and is not there yet."""

    def __init__(self, count: int) -> None:
        super().__init__(random.Random(1), 2 * count)
        self.asked, self.waiting, self.idle = dict.fromkeys(self.names(), 0), list[str](), 0

    def names(self) -> list[str]:
        return [f"w{n}" for n in range(self.at_once // 2)]

    def do(self, job: bytes) -> bytes:
        return self.pickled(pickle.loads(job)[0](*pickle.loads(job)[1]))

    def give(self, task: Callable[..., Any], *args: Any, near: str = "", first: bool = False) -> Any:
        given = Task(self, task, args)
        if task is worker_tasks.look:
            self.asked[near or "w0"] += sum(p.size for p in args[2].segments)
            self.waiting.append(near or "w0")
            made, given.result = given.result, lambda: self.taken(made)  # type: ignore[method-assign]
        return given

    def taken(self, made: Callable[[], Any]) -> Any:
        self.idle += len(self.asked.keys() - set(self.waiting))
        del self.waiting[0]
        return made()


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("max_bytes", [600, 2_400, 4_000, 20_000])
def test_every_worker_has_its_share(tmp_path: Path, count: int, max_bytes: int) -> None:
    """Whatever a chunk's size: each checks as much as another one, but for a chunk, and none waits while there is more to check."""
    (tmp_path / "x.csv").write_text("id,note\n" + "".join(f"u{n},{n:030}\n" for n in range(8_000)))
    workers = Asking(count)
    with segments_of(300):
        elsewhere(tmp_path, source("csv", "x.csv", max_bytes), workers)
    stretch = worker_frames.STRETCH * 400
    most, least = max(workers.asked.values()), min(workers.asked.values())
    assert most - least <= max(max_bytes, 2 * stretch)
    begin_and_end = 4 * count * (1 + max_bytes // stretch) * count
    assert workers.idle <= begin_and_end, workers.idle


def test_a_map_and_another_encoding_are_read_from_the_beginning(tmp_path: Path) -> None:
    workers = LosingWorkers(random.Random(1), 2)
    (tmp_path / "x.csv").write_bytes(
        "id,note\n{}".format("".join(f"ü{n},é\n" for n in range(60))).encode("utf-16")
    )
    text = dataclasses.replace(source("csv", "x.csv", 1000), csv=Dialect(encoding="utf-16"))
    assert len(set(map(repr, both(tmp_path, text, workers, 300)))) == 1
    maps = polars.DataFrame(
        {"id": ["a", "b"], "note": [[{"key": "k", "value": 1}], []]},
        {"id": polars.String, "note": polars.Map(polars.String, polars.Int64)},
    )
    maps.write_parquet(tmp_path / "x.parquet")
    assert len(set(map(repr, both(tmp_path, source("parquet", "x.parquet", 1000), workers, 80)))) == 1


def test_nothing_of_a_profile_leaves_a_worker(tmp_path: Path) -> None:
    for kind in ("csv", "ndjson"):
        body = [{"id": WHO, "note": f"private-{n}"} for n in range(30)]
        made = "id,note\n" + "".join(f"{r['id']},{r['note']}\n" for r in body)
        (tmp_path / "x.csv").write_text(made + "a,b,private-c\n")
        (tmp_path / "x.ndjson").write_text("".join(json.dumps(r) + "\n" for r in body) + "private {")
        workers = LosingWorkers(random.Random(2), 2)
        unique = Expectation(check="unique", field="note")
        asked = dataclasses.replace(
            source(kind, f"x.{kind}", 1000), duplicates="warn", expect=(unique,), gone="delete"
        )
        with segments_of(200):
            here = gathered(partial(scan, tmp_path, asked), tracked=True, contents=True)
            found = gathered(partial(elsewhere, tmp_path, asked, workers), tracked=True, contents=True)
        assert found == here
        assert "private" in str(found.rejects)
        said = b"".join(workers.seen)
        assert WHO.encode() not in said
        assert b"private" not in said


def test_a_file_that_is_another_one_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,note\na,b\n")
    definition = source("csv", "x.csv", 1000)

    class Changing(LosingWorkers):
        def do(self, job: bytes) -> bytes:
            (tmp_path / "x.csv").write_text("id,note\na,bb\n")
            return super().do(job)

    with pytest.raises(ReconcilerError, match=r"x\.csv is another file there"):
        elsewhere(tmp_path, definition, Changing(random.Random(1), 2))


def test_what_is_divided() -> None:
    plain = source("csv", "x.csv", 1000)
    assert divisible(plain, ["x.csv"])
    assert divisible(dataclasses.replace(plain, listed="a"), ["x.csv"])
    assert not divisible(dataclasses.replace(plain, listed="a"), ["x.csv", "y.csv.gz"])
    assert not divisible(dataclasses.replace(plain, removals=Removals(path="a", key=b"")), ["x.csv"])
