"""`engine: dask` reads sources by workers: what comes out is what this machine finds by itself, whatever becomes of the workers."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import polars
import pytest

from reconciler.bulk.scan.scan import scan, scan_elsewhere
from reconciler.bulk.scan.spread import Spread
from reconciler.bulk.scan.worker_tasks import Pass, Place, frame, state
from reconciler.bulk.sources import locations
from reconciler.errors import ReconcilerError
from reconciler.model.load import Scan
from reconciler.model.source import SourceDefinition
from tests.laws.test_spread import PACK, source

pytest.importorskip("distributed")

from reconciler.cli.wiring import command_end
from reconciler.cli.wiring.cluster_connection import Connection, connection
from reconciler.cli.wiring.cluster_readers import Readers
from reconciler.settings import Dask

ROWS = 60_000


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    yield connection(Dask(scheduler="local", workers=2), tmp_path_factory.mktemp("workspace"))
    command_end.end()


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
