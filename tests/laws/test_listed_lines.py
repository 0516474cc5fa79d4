"""A pass that sends only the lines of a list gives those of a pass over all, byte for byte, whoever checks the segments."""

import dataclasses
import hashlib
import pickle
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from functools import partial
from pathlib import Path
from typing import Any

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.duplicates import PLACE
from reconciler.bulk.scan.scan import find_superseded, scan
from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.scan.spool import Spools
from reconciler.bulk.sources import locations
from reconciler.errors import Interrupted
from tests.laws.test_spread import PACK, content, expectations, gathered, names, notes, segments_of, source

# What a list of lines changes of a scan.
OF_WHAT_IS_SENT = ("chunks", "sent", "bytes", "upserts", "deletes", "unchanged", "identifiers")


class Apart(Executor):
    """Does at once what it is asked for; what goes in and out has been pickled."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        done = Future[Any]()
        task, given, named = pickle.loads(pickle.dumps((fn, args, kwargs)))
        self.handed = pickle.dumps(task(*given, **named))
        done.set_result(pickle.loads(self.handed))
        return done


def write(root: Path, kind: str, data: st.DataObject) -> None:
    for index in range(data.draw(st.integers(1, 3))):
        if kind == "parquet":
            rows = data.draw(st.lists(st.tuples(names, notes), max_size=30))
            columns = {"id": [a for a, _ in rows], "note": [b for _, b in rows]}
            types = {"id": polars.String, "note": polars.String}
            polars.DataFrame(columns, types).write_parquet(root / f"x{index}.parquet")
        else:
            pack = data.draw(st.sampled_from(list(PACK)))
            (root / f"x{index}.{kind}{pack}").write_bytes(PACK[pack](data.draw(content(kind))))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["commands", "ndjson", "csv", "parquet"])
@settings(max_examples=40)
@given(st.data())
def test_lines_of_a_list(kind: str, data: st.DataObject) -> None:
    """Bytes, chunks, digests and rejected rows; with rows that a later one replaces, too."""
    plain = dataclasses.replace(
        source(kind, f"x*.{kind}*", data.draw(st.sampled_from([600, 1000, 5000]))),
        duplicates=data.draw(st.sampled_from(["off", "keep_last"])),
        expect=tuple(data.draw(expectations)),
    )
    contents = data.draw(st.booleans())
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write(root, kind, data)
        found = locations.find(root, plain)
        with segments_of(data.draw(st.sampled_from([80, 300, 1 << 20]))):
            if plain.duplicates == "keep_last":
                with (root / "replaced").open("w+b") as file:
                    find_superseded(root, plain, file)
                plain = dataclasses.replace(plain, superseded=str(root / "replaced"))
            lines: list[tuple[tuple[int, int], bytes]] = []

            def sent(path: str, before: int, made: bytes, numbers: Sequence[int]) -> None:
                places = [(found.index(path), before + n + 1) for n in numbers]
                lines.extend(zip(places, made.split(b"\n"), strict=False))

            whole = gathered(partial(scan, root, plain, on_sent=sent), tracked=False, contents=contents)
            share = data.draw(st.integers(0, 4))  # none of them, some, all
            wanted = [x for x in lines if share == 4 or (share and data.draw(st.integers(0, 3)) < share)]
            (root / "listed").write_bytes(b"".join(PLACE.pack(*place) for place, _ in wanted))
            definition = dataclasses.replace(plain, listed=str(root / "listed"))
            here, apart = (
                gathered(partial(scan, root, definition, workers=w), tracked=False, contents=contents)
                for w in (None, Apart())
            )
            pieces = [b"".join(chunk_pieces(root, found, definition, c)) for c in here.scan.chunks]
    assert apart == here
    assert here.rejects == whole.rejects
    assert b"".join(pieces) == b"".join(line + b"\n" for _, line in wanted)
    assert [c.sha256 for c in here.scan.chunks] == [hashlib.sha256(p).hexdigest() for p in pieces]
    assert here.scan.unchanged == len(lines) - len(wanted)
    of_all = {name: getattr(whole.scan, name) for name in OF_WHAT_IS_SENT}
    assert dataclasses.replace(here.scan, **of_all) == whole.scan


def test_lines_that_are_not_wanted_stay_where_they_are_checked(tmp_path: Path) -> None:
    """What a process hands over is as large as what is sent."""
    rows = "".join(f"u{n},{'z' * 90}\n" for n in range(5000))
    (tmp_path / "x.csv").write_text("id,note\n" + rows)
    (tmp_path / "listed").write_bytes(PLACE.pack(0, 7) + PLACE.pack(0, 4001))
    definition = dataclasses.replace(source("csv", "x.csv", 1_000_000), listed=str(tmp_path / "listed"))
    apart = Apart()
    made = scan(tmp_path, definition, workers=apart)
    assert (made.sent, made.unchanged) == (2, 4998)
    assert len(apart.handed) < 5000


def test_a_blank_line_before_rows_that_did_not_change_is_rejected(tmp_path: Path) -> None:
    """It is one at the end of its file only where no row follows, sent or not."""
    begins, ends = b'{"operation":"DELETE","email_hash":"', b'"}\n'
    row = begins + b"z" * (79 - len(begins + ends)) + ends  # so the blank line ends its segment
    (tmp_path / "x.ndjson").write_bytes(row + b"\n" + row)
    (tmp_path / "listed").write_bytes(PLACE.pack(0, 1))
    plain = source("commands", "x.ndjson", 1000)
    with segments_of(80):
        whole = scan(tmp_path, plain)
        made = scan(tmp_path, dataclasses.replace(plain, listed=str(tmp_path / "listed")))
    assert (made.rejected, made.blank, made.lines) == (whole.rejected, whole.blank, whole.lines) == (1, 0, 3)


def test_an_interrupted_run_does_not_look_for_replaced_lines_to_the_end(tmp_path: Path) -> None:
    plain = dataclasses.replace(source("ndjson", "x.ndjson", 1000), duplicates="keep_last")
    (tmp_path / "x.ndjson").write_text("{}\n" * 100)
    scans = Scans(tmp_path, lambda *_: None, spools=Spools(tmp_path / "spool", tmp_path, lambda *_: ""))
    scans.stop_when(lambda: True)
    for _ in range(2):  # nothing half-written is taken for the list
        with pytest.raises(Interrupted):
            scans.readable(plain)
