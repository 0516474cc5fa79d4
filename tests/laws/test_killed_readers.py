"""Processes that read for a command may be killed at any moment, or not begin: what is read is the same, and it is no bug."""

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.scan import reading
from reconciler.bulk.scan.batch import Batch
from reconciler.bulk.scan.scan import scan
from reconciler.bulk.sources.segments import Segment, segments
from reconciler.cli.wiring.processes import readers
from reconciler.model.source import SourceDefinition
from reconciler.spec import files as spec_files
from reconciler.spec.find import SpecFile, find

SOURCE = SourceDefinition(workspace="w", source="s", files=("x",), format="commands", allow="100%")


class Killed(Executor):
    """Processes that answer a few tasks; then some are lost on their way, and then none is taken."""

    def __init__(self, answered: int, lost: int) -> None:
        self.answered, self.lost = answered, lost

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.answered > 0:
            self.answered -= 1
            future.set_result(fn(*args, **kwargs))
        elif self.lost > 0:
            self.lost -= 1
            future.set_exception(BrokenProcessPool("a process was terminated abruptly"))
        else:
            raise BrokenProcessPool("not usable any more")
        return future


def line(number: int) -> str:
    user = number % 37
    return f'{{"operation":"UPSERT","user_account_id":"u{user}","force_replace":true,"user_profile":{{"n":{number}}}}}'


@given(
    answered=st.integers(0, 30),
    lost=st.integers(0, 7),
    bad=st.sets(st.integers(0, 199)),
    duplicates=st.sampled_from(["off", "keep_last", "warn"]),
    contents=st.booleans(),
)
def test_what_is_read_is_the_same(
    answered: int, lost: int, bad: set[int], duplicates: str, contents: bool
) -> None:
    lines = ["{" if n in bad else line(n) for n in range(200)]
    source = replace(SOURCE, duplicates=duplicates, compartment="c", compartments={"c": "7"})
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(reading, "segments", partial(segments, size=900))
        root = Path(folder)
        (root / "x").write_text("\n".join(lines))

        def found(workers: Executor | None) -> tuple[object, list[object]]:
            rejected: list[object] = []
            told = lambda reject, data: rejected.append((reject, data))  # noqa: E731
            return scan(root, source, on_reject=told, workers=workers, contents=contents), rejected

        assert found(Killed(answered, lost)) == found(None)


READ, WORK = spec_files.read, reading.work


def killed_reading(file: SpecFile) -> spec_files.Read:
    if multiprocessing.parent_process() is not None and file.shown.endswith("350.yaml"):
        os.kill(os.getpid(), signal.SIGKILL)
    return READ(file)


def test_specs_that_a_killed_process_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(600):
        (tmp_path / f"{n:03d}.yaml").write_text(f"kind: Compartment\nmetadata: {{name: c{n}}}\n")
    files, _ = find(tmp_path, ["."])
    alone = [spec_files.read(f) for f in files]
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(spec_files, "read", killed_reading)
    together = spec_files.read_all(files)
    assert len(together) == 600
    assert [r.findings for r in together] == [r.findings for r in alone]


def killed_work(source: SourceDefinition, segment: Segment, *rest: Any) -> Batch:
    if segment.offset > 20_000:
        os.kill(os.getpid(), signal.SIGKILL)
    return WORK(source, segment, *rest)


def test_rows_that_a_killed_process_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_text("\n".join(line(n) for n in range(1000)))
    monkeypatch.setattr(reading, "segments", partial(segments, size=900))
    alone = scan(tmp_path, SOURCE)
    monkeypatch.setattr(reading, "work", killed_work)
    with readers() as pool:
        assert scan(tmp_path, SOURCE, workers=pool) == alone
    assert "a process that read the source was killed" in capfd.readouterr().err
