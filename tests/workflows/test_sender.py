"""The withheld last block, and what becomes of senders without a coordinator (design 6, "Sending")."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from reconciler.api.answers import Verdict
from reconciler.bulk.scan.scan import scan
from reconciler.bulk.upload.commit_gate import Channels, CommitChannel, CommitGate
from reconciler.bulk.upload.job import Job, upload
from reconciler.errors import LockHeld
from reconciler.ledger.lock import Owner, acquire
from reconciler.model.source import SourceDefinition
from reconciler.origin import Origin

LINE = b'{"operation":"UPSERT","user_account_id":"u","force_replace":true,"user_profile":{"$user_account_id":"u"}}\n'
SOURCE = SourceDefinition(workspace="w", source="s", files=("a.ndjson",), format="commands")
OWNER = Owner("1", "ada", "here", 1, 0.0)
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n{"status":"ok","data":{"id":"1"}}'


class Sink:
    """Accepts one request, counts its body, answers if it is whole."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.expected = self.received = -1
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection:
            head, _, body = connection.recv(65536).partition(b"\r\n\r\n")
            self.expected = int(
                next(r.split(b":")[1] for r in head.split(b"\r\n") if r.lower().startswith(b"content-length"))
            )
            self.received = len(body)
            while self.received < self.expected and (block := connection.recv(65536)):
                self.received += len(block)
            if self.received == self.expected:
                connection.sendall(ANSWER)


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.thread.join(5)
    made.listener.close()


def job(root: Path, sink: Sink, lines: int, timeout: float = 60) -> Job:
    (root / "a.ndjson").write_bytes(LINE * lines)
    found = scan(root, SOURCE)
    return Job(
        name="n",
        origin=Origin.parse(sink.url),
        path="/x",
        token="t",
        root=str(root),
        files=found.files,
        source=SOURCE,
        chunk=found.chunks[0],
        timeout=timeout,
    )


@pytest.mark.parametrize("lines", [1, 20_000])
def test_with_leave_every_byte_is_sent(lines: int, tmp_path: Path, sink: Sink) -> None:
    asked: list[str] = []
    gate = CommitGate(lambda name: asked.append(name) is None)
    answer = upload(job(tmp_path, sink, lines), gate.may_commit, gate.next_share)
    gate.close()
    assert (answer.verdict, asked) == (Verdict.DONE, ["n"])
    sink.thread.join(5)
    assert sink.received == sink.expected == len(LINE) * lines


@pytest.mark.parametrize("lines", [1, 20_000])
@pytest.mark.parametrize("why", ["denied", "nobody there", "source changed", "deadline"])
def test_without_leave_the_body_stays_incomplete(why: str, lines: int, tmp_path: Path, sink: Sink) -> None:
    gate = CommitGate(lambda _: why != "denied")
    task = job(tmp_path, sink, lines, timeout=-1000 if why == "deadline" else 60)
    if why == "nobody there":
        gate.close()
    if why == "source changed":
        (tmp_path / "a.ndjson").write_bytes(LINE.replace(b'"u"', b'"v"') * lines)
    answer = upload(task, gate.may_commit, gate.next_share)
    if why != "nobody there":
        gate.close()
    assert answer.verdict is Verdict.WITHHELD
    sink.thread.join(5)
    assert sink.received < sink.expected


COORDINATOR = """
import sys, time
from pathlib import Path
from reconciler.bulk.upload.commit_gate import CommitGate
from reconciler.cli.wiring.processes import Senders
from reconciler.ledger.lock import acquire
from tests.workflows.test_sender import OWNER, busy
lock = acquire(Path(sys.argv[1]), "origin", "1185", timeout=0, owner=OWNER, now=time.monotonic, sleep=time.sleep)
if __name__ == "__main__":
    senders = Senders(1, lock)
    future = senders.get(CommitGate(lambda _: True)).submit(busy, sys.argv[2])
    time.sleep(60)
"""


def busy(path: str) -> None:
    """A sender that is in the middle of something for long."""
    Path(path).write_text(str(os.getpid()))
    time.sleep(60)


def test_a_sender_ends_with_its_coordinator_and_no_run_begins_before(tmp_path: Path) -> None:
    script, pid_file, ledger = tmp_path / "coordinator.py", tmp_path / "pid", tmp_path / "l" / "ledger.db"
    script.write_text(
        "if __name__ == '__main__':\n" + "".join(f"    {line}\n" for line in COORDINATOR.strip().splitlines())
    )
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, str(script), str(ledger), str(pid_file)], env={**os.environ, "PYTHONPATH": str(root)}
    )
    while not (pid_file.exists() and pid_file.read_text()):
        assert process.poll() is None
        time.sleep(0.02)
    with pytest.raises(LockHeld, match="another run"):
        take(ledger)
    sender = int(pid_file.read_text())
    os.kill(sender, signal.SIGSTOP)
    while Path(f"/proc/{sender}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.002)  # a signal is not at once; from here on it cannot notice anything
    process.kill()
    process.wait()
    with pytest.raises(LockHeld, match="a sending process"):
        take(ledger)
    os.kill(sender, signal.SIGCONT)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{sender}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{sender}").exists(), "an orphaned sender lives on"
    take(ledger).release()


def take(ledger: Path):  # type: ignore[no-untyped-def]
    return acquire(ledger, "origin", "1185", timeout=0, owner=OWNER, now=time.monotonic, sleep=time.sleep)


def ask_from_process(gate: CommitGate, timeout: float) -> "tuple[ProcessPoolExecutor, Callable[[str], bool]]":
    context = multiprocessing.get_context("forkserver")
    pool = ProcessPoolExecutor(1, mp_context=context, initializer=begin, initargs=(gate.channels(1), timeout))
    return pool, lambda name: pool.submit(ask, name).result(30)


_channels: list[CommitChannel] = []


def begin(channels: Channels, timeout: float) -> None:
    _channels.append(CommitChannel(channels, timeout))


def ask(name: str) -> bool:
    return _channels[0].may_commit(name)


def test_a_process_asks_through_what_it_was_started_with_and_takes_no_late_answer() -> None:
    asked: list[str] = []
    slow = threading.Event()

    def grant(name: str) -> bool:
        asked.append(name)
        if name == "slow":
            slow.wait(10)
        return name != "no"

    gate = CommitGate(grant)
    pool, may_commit = ask_from_process(gate, 0.5)
    with pool:
        assert may_commit("yes")
        assert not may_commit("no")
        assert not may_commit("slow")  # no answer in time
        slow.set()
        assert not may_commit("no")  # and the late yes is not taken for this one
        assert may_commit("yes")  # nor is the no before it taken for this one
        gate.close()
        assert not may_commit("yes")
    assert asked == ["yes", "no", "slow", "no", "yes"]


def test_each_of_many_processes_has_a_channel_of_its_own() -> None:
    gate = CommitGate(lambda name: name.startswith("yes"))
    channels = gate.channels(40)
    clients = [CommitChannel(channels, 5) for _ in range(40)]
    with ThreadPoolExecutor(40) as threads:
        wanted = [f"{'yes' if n % 3 else 'no'}-{n}" for n in range(40)]
        found = list(threads.map(lambda pair: pair[0].may_commit(pair[1]), zip(clients, wanted, strict=True)))
    gate.close()
    assert found == [name.startswith("yes") for name in wanted]


def test_the_commit_gate_listens_nowhere_and_closes_at_once() -> None:
    for _ in range(50):
        gate = CommitGate(lambda _: True)
        channel = CommitChannel(gate.channels(1), 5)
        assert channel.may_commit("chunk")
        listening = [s for s in gate._given if s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)]
        assert listening == []
        begun = time.monotonic()
        gate.close()
        assert time.monotonic() - begun < 1
        assert not gate.may_commit("chunk")


INTERRUPTED = """
import sys, threading
from reconciler.cli.wiring import interruption
interruption.INTERRUPT_TIMEOUT_S = 0.3
with interruption.Interrupt(lambda words: print(words, flush=True)).installed():
    print("ready", flush=True)
    threading.Event().wait(30)  # a request that gets no answer
"""


def test_an_interrupted_run_ends_within_seconds_though_a_request_gets_no_answer() -> None:
    process = subprocess.Popen([sys.executable, "-c", INTERRUPTED], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "did not end within 0.3 s" in out
    assert "run the same command again" in out
