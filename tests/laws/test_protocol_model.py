"""The state machine of a load against a model of the remote, with faults, kills and lost ledgers drawn at random.

The model is written from the design alone: it knows imports, executions, writes still on their way, and nothing else.
`run` plays one apply: it asks `next_step` and performs what it says on the model, badly.
"""

import contextlib
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.kinds.names import ChunkName, LoadKey, SealName
from reconciler.model.outcome import Status
from reconciler.model.remote import Execution, Import
from reconciler.planning.loads import protocol
from reconciler.planning.loads.generations import Content, Do, decide, generations
from reconciler.planning.loads.protocol import ChunkView, LoadView

FORMER = (("ws", "src"),)
LINES = 10


class Crash(Exception):
    """The process is killed here."""


@dataclass
class Remote:
    """Imports and executions; `late` holds writes that were sent and take effect when time passes."""

    imports: dict[str, str] = field(default_factory=dict)
    executions: dict[str, list[Execution]] = field(default_factory=dict)
    late: list[tuple[str, str]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    counter: int = 0

    def write(self, kind: str, name: str) -> None:
        self.counter += 1
        if kind == "import":
            assert name not in self.imports, f"{name} is created twice"
            self.imports[name] = str(self.counter)
        else:
            assert name in self.imports, "an execution needs its import"
            self.executions.setdefault(name, []).append(Execution(str(self.counter), "PENDING"))
        self.log.append(f"{kind} {name}")

    def settle(self) -> None:
        """What was on its way has arrived."""
        for kind, name in self.late:
            self.write(kind, name)
        self.late = []

    def finish(self, name: str, end: tuple[str, int]) -> None:
        status, failed = end
        rows = self.executions[name]
        rows[-1] = replace(rows[-1], status=status, total_success=LINES - failed, total_failure=failed)


@dataclass
class Client:
    """One apply."""

    remote: Remote
    data: st.DataObject
    digest: str
    chunks: int
    faulty: bool
    replay_safe: bool
    ends: tuple[tuple[str, int], ...]

    def fate(self) -> str:
        if not self.faulty:
            return "done"
        return self.data.draw(
            st.sampled_from(
                ["done"] * 6
                + ["lost", "unclear_done", "crash_before", "crash_after", "crash_late", "refused"]
            )
        )

    def run(self) -> Status:
        self.remote.settle()  # the rule of absence: writes of earlier runs have arrived before anything is concluded
        found = generations([Import(i, n) for n, i in self.remote.imports.items()], FORMER)
        executed = {g.key for g in found if any(str(n) in self.remote.executions for n in g.chunks)}
        decision = decide(
            found, executed, LoadKey("ws", "src", 1, ""), content=Content(self.digest, self.chunks * LINES)
        )
        if decision.do is Do.NOTHING:
            return Status.UNCHANGED
        assert decision.key is not None
        self.key = decision.key
        existing = next((g for g in found if g.key == self.key), None)
        views = []
        for index in range(1, self.chunks + 1):
            attempt = max(
                (n.attempt for n in (existing.chunks if existing else ()) if n.index == index), default=1
            )
            name = self.name(index, attempt)
            views.append(
                ChunkView(
                    index,
                    LINES,
                    attempt,
                    name in self.remote.imports,
                    tuple(self.remote.executions.get(name, ())),
                )
            )
        view = LoadView(tuple(views), strict=self.data.draw(st.booleans()))
        for index in protocol.retries(view, replay_safe=self.replay_safe, resend=frozenset()):
            chunk = view.chunks[index - 1]
            view = self.put(view, index, attempt=chunk.attempt + 1, seen=False, executions=())
        for _ in range(200):
            step = protocol.next_step(view)
            if isinstance(step, protocol.Finish):
                return protocol.status(view)
            view = self.perform(step, view)
        raise AssertionError("the steps do not end")

    def name(self, index: int, attempt: int) -> str:
        return str(ChunkName(self.key, 1000, index, self.chunks, f"{index:012x}", attempt))

    def put(self, view: LoadView, index: int, **fields: object) -> LoadView:
        rows = list(view.chunks)
        rows[index - 1] = replace(rows[index - 1], **fields)  # type: ignore[arg-type]
        return replace(view, chunks=tuple(rows))

    def attempt_write(self, kind: str, name: str) -> str:
        """Write with a drawn fate; what an observation afterwards proves: there, absent, or refused."""
        for _ in range(5):
            match self.fate():
                case "done" | "unclear_done":
                    self.remote.write(kind, name)
                    return "there"
                case "lost":
                    continue  # observed: proven absent, so it may be tried again
                case "crash_before":
                    raise Crash
                case "crash_after":
                    self.remote.write(kind, name)
                    raise Crash
                case "crash_late":
                    self.remote.late.append((kind, name))
                    raise Crash
                case "refused":
                    return "refused"
        return "unclear"

    def perform(self, step: protocol.Step, view: LoadView) -> LoadView:  # noqa: C901, PLR0912 - one case a step
        match step:
            case protocol.Create(indices=indices):
                for index in indices:
                    result = self.attempt_write("import", self.name(index, view.chunks[index - 1].attempt))
                    view = self.put(
                        view, index, **({"seen": True} if result == "there" else {"unclear": True})
                    )
                return view
            case protocol.SeeManifest():
                assert all(self.name(c.index, c.attempt) in self.remote.imports for c in view.chunks)
                return replace(view, manifest_seen=True)
            case protocol.AwaitEarlier():
                for name, rows in self.remote.executions.items():
                    if f".g{self.key.generation}." not in name and rows[-1].status == "PENDING":
                        self.remote.finish(name, ("SUCCEEDED", 0))
                return replace(view, earlier_terminal=True)
            case protocol.Send(indices=indices):
                assert view.manifest_seen, "nothing is sent before all imports were seen in one listing"
                assert view.earlier_terminal, "nothing is sent while an earlier generation runs"
                for index in indices:
                    name = self.name(index, view.chunks[index - 1].attempt)
                    result = self.attempt_write("execution", name)
                    if result == "there":
                        view = self.put(view, index, executions=tuple(self.remote.executions[name]))
                    else:
                        view = self.put(
                            view, index, **({"refused": True} if result == "refused" else {"unclear": True})
                        )
                return view
            case protocol.Follow(indices=indices):
                for index in indices:
                    name = self.name(index, view.chunks[index - 1].attempt)
                    if self.remote.executions[name][-1].status == "PENDING":
                        self.remote.finish(name, self.data.draw(st.sampled_from(self.ends)))
                    view = self.put(view, index, executions=tuple(self.remote.executions[name]))
                return view
            case protocol.LookAgain():
                return replace(view, looked_again=True)
            case protocol.Seal(ok=ok, failed=failed):
                assert ok + failed == self.chunks * LINES, "the seal accounts for every line"
                if self.attempt_write("import", str(SealName(self.key, ok, failed))) != "there":
                    raise Crash
                return replace(view, sealed=True)
            case protocol.Finish():
                return view


GOOD_ENDS = (("SUCCEEDED", 0),)
ALL_ENDS = (("SUCCEEDED", 0), ("SUCCESS", 0), ("SUCCEEDED", 3), ("FAILED", 0), ("LOST", 0), ("CANCELED", 0))


def play(
    data: st.DataObject, ends: tuple[tuple[str, int], ...], *, replay_safe: bool
) -> tuple[Remote, list[Status], int]:
    remote = Remote()
    chunks = data.draw(st.integers(1, 4))
    statuses = []
    for digest in data.draw(st.lists(st.sampled_from(["a" * 12, "b" * 12]), min_size=1, max_size=3)):
        for _ in range(data.draw(st.integers(0, 3))):
            with contextlib.suppress(Crash):
                Client(remote, data, digest, chunks, True, replay_safe, ends).run()
        # Undisturbed runs; the second lets FAILED chunks have their new attempt.
        statuses += [
            Client(remote, data, digest, chunks, False, replay_safe, GOOD_ENDS).run() for _ in range(3)
        ]
    return remote, statuses, chunks


@given(st.data())
def test_whatever_happens_no_chunk_is_sent_twice(data: st.DataObject) -> None:
    remote, _, _ = play(data, ALL_ENDS, replay_safe=data.draw(st.booleans()))
    assert {n: len(rows) for n, rows in remote.executions.items() if len(rows) != 1} == {}


@given(st.data())
def test_undisturbed_runs_end_sealed_with_every_chunk_executed_once(data: st.DataObject) -> None:
    remote, statuses, chunks = play(data, GOOD_ENDS, replay_safe=True)
    assert statuses[-1] is Status.UNCHANGED
    seals = [n for n in remote.imports if ".sealed." in n]
    last = max(int(n.split(".")[3][1:]) for n in seals)
    executed = [n for n in remote.executions if f".g{last}." in n]
    sealed_failed = int(next(n for n in seals if f".g{last}." in n).rsplit("-", 1)[1])
    assert len(executed) + sealed_failed // LINES == chunks  # a refused upload is accounted for in the seal


@given(st.data())
def test_a_failed_chunk_is_sent_again_only_if_a_replay_is_safe(data: st.DataObject) -> None:
    safe = data.draw(st.booleans())
    remote, _, _ = play(data, (("FAILED", 0),), replay_safe=safe)
    assert safe or not [n for n in remote.imports if n.endswith(".a2")]


@given(st.data())
def test_a_second_run_writes_nothing_once_the_first_ended_well(data: st.DataObject) -> None:
    remote = Remote()
    chunks = data.draw(st.integers(1, 4))
    assert Client(remote, data, "c" * 12, chunks, False, False, GOOD_ENDS).run() is Status.SUCCEEDED
    before = list(remote.log)
    assert Client(remote, data, "c" * 12, chunks, False, False, GOOD_ENDS).run() is Status.UNCHANGED
    assert remote.log == before
