"""`engine: dask`: the same names and bytes as the local engine, whichever of them begins, continues, or loses its processes."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.api.answers import Verdict
from reconciler.cli.wiring.cluster import refuse_short_settle
from reconciler.cli.wiring.cluster_worker import Errand, upload_on_worker
from reconciler.cli.wiring.destination import Credential
from reconciler.errors import Refused
from reconciler.settings import Dask, resolve
from tests.support.emulator import Emulator
from tests.support.workspace import TOKEN, Workspace, kill
from tests.workflows.test_sender import Sink, job

pytest.importorskip("distributed")

ENGINE = "  engine: {dask: {scheduler: local, workers: 2}}\n"
PLANTED = "planted-value-of-a-profile"
ROWS, MAX_BYTES = 16_000, 400_000  # more than a thread of the coordinator sends by itself


def workspace(folder: Path, emulator: Emulator, *, dask: bool) -> Workspace:
    made = Workspace(folder, emulator.url)
    made.customers(ROWS, max_bytes=MAX_BYTES, mark=PLANTED)
    engine(made, dask=dask)
    return made


def engine(made: Workspace, *, dask: bool) -> None:
    file = made.root / "reconciler.yaml"
    file.write_text(file.read_text().replace(ENGINE, "") + ENGINE * dask)


def digests(emulator: Emulator) -> dict[str, list[str]]:
    return {n: [e["sha256"] for e in rows] for n, rows in emulator.executions("1509").items()}


def once(found: dict[str, list[str]]) -> bool:
    return all(len(rows) == 1 for name, rows in found.items() if "sealed" not in name)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    folder = tmp_path_factory.mktemp("local")
    emulator = Emulator(folder / "emulator", profiles="counted")
    assert workspace(folder / "ws", emulator, dask=False).run("apply", "--auto-approve").code == 0
    return digests(emulator)


def workers(coordinator: int) -> list[int]:
    """Processes that Dask started for it."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == coordinator and b"spawn_main" in (each / "cmdline").read_bytes():
                found.append(int(each.name))
    return found


def test_workers_that_are_killed_change_nothing(tmp_path: Path, undisturbed: dict[str, list[str]]) -> None:
    emulator = Emulator(tmp_path / "emulator", profiles="counted")
    made = workspace(tmp_path / "ws", emulator, dask=True)
    process, killed = made.start("apply", "--auto-approve", "--parallelism", "4"), 0
    while process.poll() is None:
        if killed < 2 and sum(map(len, digests(emulator).values())) > 2 * killed:
            os.kill(workers(process.pid)[0], signal.SIGKILL)
            killed += 1
        time.sleep(0.01)
    out, err = process.communicate()
    assert (process.returncode, killed) == (0, 2), out + err
    assert TOKEN not in out + err
    assert digests(emulator) == undisturbed
    assert once(undisturbed)


@pytest.mark.parametrize("first", [True, False])
def test_what_one_engine_began_the_other_one_finishes(
    tmp_path: Path, undisturbed: dict[str, list[str]], *, first: bool
) -> None:
    emulator = Emulator(tmp_path / "emulator", profiles="counted")
    made = workspace(tmp_path / "ws", emulator, dask=first)
    process = made.start("apply", "--auto-approve", "--parallelism", "2")
    while not any(digests(emulator).values()) and process.poll() is None:
        time.sleep(0.01)
    assert kill(process, group=False, after=0), process
    engine(made, dask=not first)
    done = made.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert digests(emulator) == undisturbed


@pytest.mark.parametrize(
    ("scheduler", "settle", "code", "words"),
    [
        ("tcp://127.0.0.1:1", "0", 4, "settle is 0 s"),
        ("tls://127.0.0.1:1", "2s", 4, "do not fit together"),
        ("tcp://127.0.0.1:1", "2s", 1, "cannot use the Dask scheduler tcp://127.0.0.1:1"),
    ],
)
def test_a_cluster_that_cannot_be_used_ends_the_run_before_anything_is_written(
    tmp_path: Path, scheduler: str, settle: str, code: int, words: str
) -> None:
    emulator = Emulator(tmp_path / "emulator")
    made = Workspace(tmp_path / "ws", emulator.url, settle=settle)
    made.customers(1)
    file = made.root / "reconciler.yaml"
    file.write_text(file.read_text() + f"  engine: {{dask: {{scheduler: '{scheduler}'}}}}\n")
    done = made.run("apply", "--auto-approve")
    assert done.code == code, done
    assert words in done.err
    assert not emulator.imports("1509")
    assert "loyalty" not in {c["token"] for c in emulator.compartments()}


@pytest.mark.parametrize(
    ("endpoint", "words"), [("sandbox:", "sandbox serve"), ("http://127.0.0.1:9", "set settle")]
)
def test_a_settle_that_is_too_short_is_told_with_what_can_be_changed(endpoint: str, words: str) -> None:
    document = {
        "metadata": {"name": "shop"},
        "spec": {
            "organisation_id": "1",
            "endpoint": endpoint,
            "settle": "30s" if words != "set settle" else "1s",
        },
    }
    with pytest.raises(Refused) as refused:
        refuse_short_settle(resolve({}, {}, document), Dask(scheduler="tls://127.0.0.1:1"))
    assert words in str(refused.value.help)


class Nowhere(Sink):
    """Nobody listens there: a request would be an unclear answer, or a refused connection."""

    def __init__(self) -> None:
        self.url = "http://127.0.0.1:9"


def test_a_worker_without_a_token_sends_nothing_and_says_what_is_missing(tmp_path: Path) -> None:
    reference = Credential({"env": "NO_SUCH_VARIABLE_HERE"}, (), None, any_token=False)
    errand = Errand(job=job(tmp_path, Nowhere(), 1), credential=reference, run="r", ticket="t", limit=1.0)
    sent = upload_on_worker(errand)
    assert sent.answer.verdict is Verdict.SITUATION
    assert "NO_SUCH_VARIABLE_HERE" in sent.answer.message


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A scheduler and a worker that log all they can; the scheduler's address and process."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address, program = f"tcp://127.0.0.1:{port}", str(Path(sys.executable).parent / "dask")
    quiet = {k: v for k, v in os.environ.items() if not k.startswith("RECONCILER_")}
    loud = {**quiet, "DASK_LOGGING__DISTRIBUTED": "debug"}
    with (folder / "scheduler.log").open("wb") as one, (folder / "worker.log").open("wb") as two:
        scheduler = subprocess.Popen(
            [program, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"],
            env=loud, stdout=one, stderr=one,
        )  # fmt: skip
        worker = subprocess.Popen(
            [program, "worker", address, "--nthreads", "2", "--no-dashboard", "--no-nanny"],
            env={**loud, "RECONCILER_TOKEN": TOKEN}, stdout=two, stderr=two,
        )  # fmt: skip
        try:
            yield address, scheduler
        finally:
            for each in (worker, scheduler):
                each.kill()
                each.wait()


def test_a_scheduler_that_is_killed_costs_a_run_and_its_logs_hold_nothing_secret(
    tmp_path: Path, undisturbed: dict[str, list[str]]
) -> None:
    emulator = Emulator(tmp_path / "emulator", profiles="counted")
    made = Workspace(tmp_path / "ws", emulator.url, settle="2s")
    made.customers(ROWS, max_bytes=MAX_BYTES, mark=PLANTED)
    file = made.root / "reconciler.yaml"
    plain = file.read_text()
    with cluster(tmp_path) as (address, scheduler):
        file.write_text(plain + f"  engine: {{dask: {{scheduler: '{address}'}}}}\n")
        process = made.start("apply", "--auto-approve", "--parallelism", "2")
        while not any(digests(emulator).values()) and process.poll() is None:
            time.sleep(0.01)
        assert process.poll() is None, process.communicate()
        scheduler.kill()
        out, err = process.communicate()
    assert process.returncode == 3, out + err
    assert TOKEN not in out + err
    assert "distributed" not in err
    logs = [(tmp_path / name).read_text() for name in ("scheduler.log", "worker.log")]
    assert "upload-" in logs[0]
    assert not any(secret in log for log in logs for secret in (TOKEN, "c000007", PLANTED))
    file.write_text(plain)
    done = made.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert digests(emulator) == undisturbed


def test_doctor_tells_how_the_cluster_is(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path / "emulator")
    made = Workspace(tmp_path / "ws", emulator.url, settle="2s")
    file = made.root / "reconciler.yaml"
    plain = file.read_text()

    def line() -> str:
        (found,) = [each for each in made.run("doctor").out.splitlines() if " engine " in each]
        return found

    def until(words: str) -> str:
        deadline = time.monotonic() + 60
        while words not in (found := line()):
            assert time.monotonic() < deadline, found
        return found

    engine(made, dask=True)
    assert line().startswith("good")
    with cluster(tmp_path) as (address, scheduler):
        file.write_text(plain + f"  engine: {{dask: {{scheduler: '{address}'}}}}\n")
        assert until("1 worker, each with this version").startswith("good")
        old = subprocess.Popen(
            [sys.executable, "-c", OLD_WORKER, address], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            assert until("another version").startswith("failed")
            old.send_signal(signal.SIGSTOP)
            assert until("no answer from").startswith("warning")
        finally:
            old.kill()
            old.wait()
        scheduler.kill()
        scheduler.wait()
        assert line().startswith("failed")
    assert TOKEN not in line()


OLD_WORKER = """
import asyncio, sys
from distributed import Worker
from reconciler.cli.wiring import cluster_worker
cluster_worker.own_code = lambda: "another"

async def main():
    async with Worker(sys.argv[1], nthreads=1) as worker:
        await worker.finished()

asyncio.run(main())
"""
