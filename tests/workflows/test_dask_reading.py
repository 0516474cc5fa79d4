"""`engine: dask` reads sources by workers: what comes out is what this machine finds by itself, whatever becomes of the workers."""

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import polars
import pytest

from reconciler.api.answers import Verdict
from reconciler.bulk.scan import source_scans
from reconciler.bulk.scan.scan import scan, scan_elsewhere
from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.scan.spread import Spread
from reconciler.bulk.scan.worker_frames import frame
from reconciler.bulk.scan.worker_parts import Pass, Place, state
from reconciler.bulk.sent.difference import entries
from reconciler.bulk.sent.digests import SourceRows
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.bulk.sent.store import Folder
from reconciler.bulk.sources import locations
from reconciler.errors import ReconcilerError
from reconciler.kinds.names import LoadKey, SealName
from reconciler.model.load import Scan
from reconciler.model.source import Expectation, SourceDefinition
from tests.laws.test_spread import PACK, source

pytest.importorskip("distributed")

from reconciler.cli.wiring import cluster_worker, command_end
from reconciler.cli.wiring.cluster_connection import Connection, connection
from reconciler.cli.wiring.cluster_readers import Readers
from reconciler.cli.wiring.sent import IndexKey
from reconciler.settings import Dask

ROWS = 60_000
SECRET = "a-value-of-a-row"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    yield connection(Dask(scheduler="local", workers=2), tmp_path_factory.mktemp("workspace"))
    command_end.end()


def test_a_cluster_of_this_machine_tells_other_users_nothing(cluster: Connection) -> None:
    ports = [cluster._cluster.scheduler.http_server.port]
    ports += cluster.client.run(lambda dask_worker: dask_worker.http_server.port).values()
    assert len(ports) == 3
    for port in ports:
        for path in (
            "info",
            "info/main/workers.html",
            "metrics",
            "health",
            "statistics.json",
            "json/counts.json",
        ):
            with pytest.raises(HTTPError) as e:
                urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10)
            e.value.close()
            assert e.value.code == 404


class Watch:
    """Kills a worker in the middle."""

    def __init__(self, cluster: Connection, kills: int) -> None:
        self.cluster, self.kills = cluster, kills

    def __call__(self, _lines: int) -> None:
        found = self.cluster.client.run(os.getpid, on_error="ignore") if self.kills else {}
        for process in [p for p in found.values() if isinstance(p, int)][:1]:
            self.kills -= 1
            os.kill(process, signal.SIGKILL)


def elsewhere(cluster: Connection, root: Path, definition: SourceDefinition, kills: int = 0) -> Scan:
    names = locations.find(root, definition)
    spread = Spread(Readers(cluster, lambda: False), root, names, definition)
    try:
        return scan_elsewhere(spread, names, definition, Watch(cluster, kills))
    finally:
        spread.close()


def note(n: int) -> str:
    return f"{n:06d}" * 20


def written(root: Path, kind: str, pack: str) -> str:
    """Two files of a format; the pattern that names them."""
    for part in range(2):
        rows = range(part * ROWS, part * ROWS + ROWS)
        name = root / f"x{part}.{'csv' if kind == 'csv' else kind}{pack}"
        if kind == "parquet":
            frame = polars.DataFrame({"id": [f"c{n}" for n in rows], "note": [note(n) for n in rows]})
            frame.write_parquet(name, row_group_size=7_000)
            continue
        if kind == "csv":
            made = "id,note\n" + "".join(f"c{n},{note(n)}\n" for n in rows)
        else:
            made = "".join(json.dumps({"id": f"c{n}", "note": note(n)}) + "\n" for n in rows)
        data = (made + "{ bad,,\n").encode()
        name.write_bytes(PACK[pack](data))
    return f"x*.{kind}{pack}"


@pytest.mark.parametrize(
    ("kind", "pack", "kills"),
    [
        ("csv", "", 0),
        ("csv", "", 1),
        ("ndjson", "", 1),
        ("ndjson", ".gz", 1),
        ("csv", ".zst", 0),
        ("parquet", "", 1),
    ],
)
def test_workers_find_what_this_machine_finds(
    cluster: Connection, tmp_path: Path, kind: str, pack: str, kills: int
) -> None:
    definition = source(kind, written(tmp_path, kind, pack), 3_000_000)
    assert elsewhere(cluster, tmp_path, definition, kills) == scan(tmp_path, definition)


def test_a_worker_with_other_code_does_nothing_and_is_named(
    cluster: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_worker, "own_code", lambda: "of another version")
    with pytest.raises(ReconcilerError, match=r"on the worker tls://.*: it has another version of") as e:
        Readers(cluster, lambda: False).give(len, ()).result()
    assert "install on every worker the version" in str(e.value.help)
    monkeypatch.undo()
    sent = cluster_worker.send("of another version", b"what other code has written")
    assert sent.answer.verdict is Verdict.SITUATION
    assert "another version" in sent.answer.message


def test_what_a_worker_finds_wrong_is_said_as_here(cluster: Connection, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("other,note\na,b\n")
    with pytest.raises(ReconcilerError) as here:
        scan(tmp_path, source("csv", "x.csv", 1000))
    with pytest.raises(ReconcilerError) as there:
        elsewhere(cluster, tmp_path, source("csv", "x.csv", 1000))
    assert (str(there.value), there.value.help) == (str(here.value), here.value.help)


def test_a_worker_that_sees_another_file_is_named(cluster: Connection, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("id,note\na,b\n")
    place = Place(0, "x.csv", state(tmp_path, "x.csv"))
    task = Pass(key="k", root=str(tmp_path), source=source("csv", "x.csv", 1000), schemas=(), salt=b"")
    file.write_text("id,note\nc,dd\n")
    with pytest.raises(ReconcilerError, match=r"on the worker tls://.*: x\.csv is another file there") as e:
        Readers(cluster, lambda: False).give(frame, task, (place,), 0).result()
    assert "storage that all of them share" in str(e.value.help)
    file.unlink()
    with pytest.raises(ReconcilerError, match=r"on the worker tls://.*: cannot read x\.csv"):
        Readers(cluster, lambda: False).give(frame, task, (place,), 0).result()


def nights(root: Path, workers: Readers | None) -> Iterator[object]:
    """Two of them: the files of rejected rows, the index of the first, and how the second differs from it."""
    rejects = list[str]()
    scans = Scans(
        root, lambda *_: None, workers=nullcontext, rejects=rejects.append, cluster=lambda _: workers
    )
    key, folder = IndexKey("", root / "index.key"), root / ("there" if workers else "here")
    indexes = SentIndexes(scans, Folder(folder), key, "https://x", "1185", tempfile.TemporaryDirectory)
    unique = Expectation(check="unique", field="note", severity="warn")
    definition = replace(
        source("csv", "x.csv", 100_000), expect=(unique,), duplicates="refuse", send="changed"
    )
    for changed in (0, 5):
        lines = "".join(f"c{n},{'new' if n < changed else note(n)}\n" for n in range(9_000))
        (root / "x.csv").write_text(f"id,note\n{lines}c1,{SECRET},\n")
        yield scans.get(definition), scans.get(replace(definition, max_bytes=50_000))
        yield rejects
        yield indexes.look(definition, "1509")
        with closing(indexes), indexes.rows(definition, make_key=True) as (scan, found):
            seal = SealName(LoadKey("w", "s", 1, "0123456789ab"), scan.sent, 0)
            name = indexes.keep(definition, scan, seal, {}, partial(entries, found, []), 0, "1509")
        yield name, (folder / name).read_bytes()


def test_two_nights_of_a_delta_are_those_of_this_machine(
    cluster: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_scans, "SHARED_FROM", 0)
    here = list(nights(tmp_path, None))
    assert str(here[1]).count(SECRET) == 2  # once a night, however often it is read
    assert list(nights(tmp_path, Readers(cluster, lambda: False))) == here


def test_a_worker_without_the_key_of_the_index_is_named(
    cluster: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_scans, "SHARED_FROM", 0)
    (tmp_path / "x.csv").write_text("id,note\na,b\n")
    workers = Readers(cluster, lambda: False)
    scans = Scans(tmp_path, lambda *_: None, workers=nullcontext, cluster=lambda _: workers)
    missing, other = IndexKey("A_KEY_OF_TESTS", tmp_path), IndexKey("", tmp_path / "index.key")
    monkeypatch.setenv("A_KEY_OF_TESTS", "x" * 40)  # workers were started before
    other.file.write_text("y" * 64)
    changing = SourceRows(other)
    other.file.write_text("z" * 64)
    for rows, words in ((SourceRows(missing), "is not there"), (changing, "is another one there")):
        with closing(rows), pytest.raises(ReconcilerError, match=rf"on the worker tls://.*: .* {words}") as e:
            scans.read(source("csv", "x.csv", 1000), tracker=rows)
        assert "index_key in their environment" in str(e.value.help)
