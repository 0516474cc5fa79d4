"""`upload_rate`, as the platform sees it: bytes counted over time on the line before the sandbox, whoever sends them.

Limits are counted with a wide margin above; below, only that a load takes at least as long as its bytes need.
"""

import importlib.util
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.api.answers import Verdict
from reconciler.api.uploads import SLOWEST
from reconciler.bulk.upload.commit_gate import CommitGate
from reconciler.bulk.upload.job import upload
from reconciler.bulk.upload.rate import Share, UploadRate
from tests.support.emulator import Emulator
from tests.support.line import Line
from tests.support.workspace import CUSTOMERS, Workspace
from tests.workflows.test_dask import once, workers
from tests.workflows.test_sender import Sink, job, sink

__all__ = ["sink"]  # a fixture
MB = 1_000_000
RATE, AT_ONCE = 2 * MB, 4
ROWS, MARK = (
    20_000,
    "x" * 150,
)  # commands of 320 bytes: more than threads of the coordinator send by themselves
COMMANDS = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: customers}
spec:
  files: ["data/*.ndjson"]
  format: commands
  datamarts: retail-fr
"""
MARGIN = 2 * MB  # of a loaded machine: bytes that waited in buffers arrive together


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    made = Emulator(tmp_path / "emulator", profiles="counted")
    yield made
    made.stop()


@pytest.fixture
def line(emulator: Emulator) -> Iterator[Line]:
    made = Line(emulator.url)
    yield made
    made.close()


def workspace(folder: Path, line: Line, *, verbatim: bool = False, dask: bool = False) -> Workspace:
    made = Workspace(folder, line.url)
    made.customers(ROWS, max_bytes=1 * MB, mark=MARK, source=COMMANDS if verbatim else CUSTOMERS)
    if verbatim:
        row = (
            '{"operation":"UPSERT","user_account_id":"c%06d","force_replace":true,'
            '"user_profile":{"$user_account_id":"c%06d","mark":"%s"}}\n'
        )
        (made.root / "data/customers.csv").unlink()
        made.write("data/c.ndjson", "".join(row % (n, n, MARK) for n in range(ROWS)))
    file = made.root / "reconciler.yaml"
    file.write_text(
        file.read_text()
        + f"  upload_rate: {RATE}\n"
        + "  engine: {dask: {scheduler: local, workers: 2}}\n" * dask
    )
    return made


def applied(made: Workspace, emulator: Emulator, line: Line) -> None:
    begun = time.monotonic()
    done = made.run("apply", "--auto-approve", "--parallelism", str(AT_ONCE))
    took = time.monotonic() - begun
    assert done.code == 0, done
    assert f"{ROWS:,} succeeded + 0 failed" in done.err
    found = emulator.executions("1509")
    assert once({n: [e["sha256"] for e in rows] for n, rows in found.items()})
    burst = UploadRate(RATE, AT_ONCE).burst
    print(
        f"{line.total():,} bytes in {took:.1f} s; {line.most_above(RATE):,.0f} above {RATE:,} B/s; burst {burst:,}"
    )
    assert line.most_above(RATE) < burst + MARGIN
    assert took > (line.total() - burst - MARGIN) / RATE


@pytest.mark.parametrize("verbatim", [True, False], ids=["threads", "processes"])
def test_all_uploads_of_a_machine_stay_below_it(
    tmp_path: Path, emulator: Emulator, line: Line, *, verbatim: bool
) -> None:
    applied(workspace(tmp_path / "ws", line, verbatim=verbatim), emulator, line)


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="needs dask")
def test_all_workers_of_a_cluster_stay_below_it_together(
    tmp_path: Path, emulator: Emulator, line: Line
) -> None:
    applied(workspace(tmp_path / "ws", line, dask=True), emulator, line)


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="needs dask")
def test_a_worker_that_is_lost_takes_no_part_of_it_along(
    tmp_path: Path, emulator: Emulator, line: Line
) -> None:
    made = workspace(tmp_path / "ws", line, dask=True)
    process = made.start("apply", "--auto-approve", "--parallelism", str(AT_ONCE))
    while line.total() < 1 * MB and process.poll() is None:
        time.sleep(0.01)
    os.kill(workers(process.pid)[0], signal.SIGKILL)
    out, err = process.communicate()
    assert process.returncode == 0, out + err
    found = emulator.executions("1509")
    assert once({n: [e["sha256"] for e in rows] for n, rows in found.items()})
    burst = UploadRate(RATE, AT_ONCE).burst
    assert line.most_above(RATE) < burst + MARGIN


def test_a_flag_a_variable_and_the_workspace_say_it_in_this_order(
    tmp_path: Path, emulator: Emulator, line: Line
) -> None:
    made = workspace(tmp_path / "ws", line)
    for args, env, value in (
        ((), {}, "2MB"),
        ((), {"RECONCILER_UPLOAD_RATE": "1.5GB"}, "1500MB"),
        (("--upload-rate", "3.25MB"), {"RECONCILER_UPLOAD_RATE": "1GB"}, "3.25MB"),
    ):
        shown = made.run("config", "show", "--origin", *args, **env).out
        row = next(r.split() for r in shown.splitlines() if r.startswith("upload_rate"))
        assert row[1] == value
        assert row[2] == (args[0] if args else next(iter(env), "reconciler.yaml:10:16"))


@pytest.mark.parametrize(
    "text", ["", "0MB", "999kB", "50", "50 MB", "50MB/s", "1e3MB", "0.5MB", "-1MB", "01MB"]
)
def test_what_is_no_rate_ends_the_command_before_anything_is_sent(
    text: str, tmp_path: Path, emulator: Emulator, line: Line
) -> None:
    made = workspace(tmp_path / "ws", line)
    done = made.run("apply", "--auto-approve", "--upload-rate", text)
    assert done.code == 64, done
    assert "must be bytes a second, at least 1MB" in done.err
    assert not emulator.writes()


def test_waits_for_the_rate_are_no_part_of_a_time_limit(tmp_path: Path, sink: Sink) -> None:
    """Ten chunks of 64 MB at 1 MB/s take eleven minutes, each of them; nothing is wrong with that. Here: 3 s of waits, a limit of 2 s."""
    task = job(tmp_path, sink, 20_000)
    task = replace(task, timeout=2.0 - task.chunk.size / SLOWEST, limited=True)
    gate = CommitGate(lambda _: True, lambda: Share(1 * MB, 1.0))
    answer = upload(task, gate.may_commit, gate.next_share)
    gate.close()
    assert answer.verdict is Verdict.DONE, answer


def test_a_slow_line_is_no_reason_to_give_up(tmp_path: Path, emulator: Emulator) -> None:
    """6.4 MB at 2 MB/s; buffers of this machine hold some of it."""
    slow = Line(emulator.url, slow=2 * MB)
    made = Workspace(tmp_path / "ws", slow.url)
    made.customers(ROWS, mark=MARK, source=CUSTOMERS)
    file = made.root / "reconciler.yaml"
    file.write_text(file.read_text() + "  write_timeout: 200ms\n")
    done = made.run("apply", "--auto-approve")
    slow.close()
    assert done.code == 0, done


def test_a_run_that_ends_gives_no_share_and_nothing_takes_effect(tmp_path: Path, sink: Sink) -> None:
    task = replace(job(tmp_path, sink, 20_000), limited=True)
    left = [Share(1 * MB, 0.0)]
    gate = CommitGate(lambda _: True, lambda: left.pop() if left else None)
    answer = upload(task, gate.may_commit, gate.next_share)
    gate.close()
    assert answer.verdict is Verdict.WITHHELD
    sink.thread.join(5)
    assert sink.received < sink.expected
