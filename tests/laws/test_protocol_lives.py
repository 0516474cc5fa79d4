"""Lives of several checkouts on one machine, each with a ledger of its own or a common one, played on a model of the platform with a
clock of the model: runs are killed, uploads outlive them, older ledgers come back, unrelated runs lie in between, somebody claims
names, a listing lags by time or by reads, and clocks on the wall jump.

What is real: the ledger, the lock, the evidence of a run, the rule of absence, the decision, the steps, and the look at what came late.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.api.presence import Clock, direct, prove_absent_or_find
from reconciler.kinds.names import ChunkName, LoadKey, SealName
from reconciler.ledger.evidence import begin
from reconciler.ledger.lock import FileLock, Owner
from reconciler.ledger.sqlite import open_file
from reconciler.ledger.store import Ledger
from reconciler.model.absence import Absence
from reconciler.model.listing import Listed, Unlisted
from reconciler.model.remote import Execution, Import
from reconciler.planning.loads import protocol
from reconciler.planning.loads.generations import Content, Do, decide, generations, open_generations
from reconciler.planning.loads.late import late, watched
from reconciler.planning.loads.protocol import ChunkView, LoadView

pytestmark = pytest.mark.slow

SETTLE, LINES, CHUNKS = 60.0, 10, 3
FORMER = (("ws", "src"),)
KEY, CONFIG = "load:ws/src@1", "compartment:x"
# What becomes of a write: in bad weather, where nothing happens, and where the run will not live long. Who is stopped ends in order,
# but does not know what became of it.
BAD = (
    *("done",) * 6, "lost", "late", "late", "killed before", "killed after", "killed after", "killed late", "stopped after",
)  # fmt: skip
CALM, CUT_OFF = ("done",), ("done", "done", "killed after", "stopped after")
IN_FLIGHT = ("done", "killed late")


class Killed(Exception):
    """The process ends here."""


class Stopped(Exception):
    """The load stops here; the run ends in order. `known` says whether its writes are."""

    def __init__(self, *, known: bool) -> None:
        super().__init__()
        self.known = known


@dataclass
class Row:
    """Something on the platform: listings show it from an instant on, after so many that did not."""

    id: str
    name: str
    since: float
    hidden: int


@dataclass
class World:
    """The platform, the machine's lock, and the time."""

    data: st.DataObject
    folder: Path
    flight: float  # the longest time between the end of a sender and the effect of its write
    now: float = 1000.0
    jump: float = 0.0
    counter: int = 0
    imports: list[Row] = field(default_factory=list)
    executions: list[Row] = field(default_factory=list)
    coming: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    reported: set[str] = field(default_factory=set)
    normalises: bool = False

    def __post_init__(self) -> None:
        owner = Owner("1", "me", "here", 1, 0.0)
        self.lock = FileLock([self.folder / "lock"], [], [(self.folder / "lock").open("w+")], owner, None)
        self.clock = Clock(lambda: self.now, self.sleep, lambda: self.now + self.jump)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        due = [act for at, act in self.coming if at <= self.now]
        self.coming = [(at, act) for at, act in self.coming if at > self.now]
        for act in due:
            act()

    def effect(self, rows: list[Row], name: str, *, came_late: bool = False) -> Callable[[], None]:
        """What a write does when it arrives. A list lags behind it by time, or by reads; what came late has used up the time."""

        def act() -> None:
            self.counter += 1
            hidden = 0 if came_late else self.data.draw(st.integers(0, 4))
            rows.append(Row(str(self.counter), name, self.now, hidden))

        return act

    def listing(self, rows: list[Row], name: str | None = None) -> list[Row]:
        self.sleep(0.1)
        shown = []
        for row in rows:
            if name is not None and row.name != name:
                continue
            if row.hidden:
                row.hidden -= 1
            else:
                shown.append(row)
        return shown

    def list_imports(self) -> Listed[Import]:
        return Listed(tuple(Import(r.id, r.name) for r in self.listing(self.imports)))

    def list_executions(self, name: str) -> Listed[Execution]:
        rows = self.listing(self.executions, name)
        return Listed(tuple(Execution(r.id, "SUCCEEDED", total_success=LINES, total_failure=0) for r in rows))


def see(world: World, fetch: Callable[[], Listed], find: Callable, absence: Absence):  # type: ignore[no-untyped-def, type-arg]
    found = prove_absent_or_find(
        direct(fetch, world.clock), lambda listing: find(listing.rows), absence, world.clock
    )
    assert not isinstance(found, Unlisted)
    return found


@dataclass
class Apply:
    """One run of one checkout."""

    world: World
    ledger: Ledger
    digest: str
    fates: Sequence[str]
    reload: bool = False

    def unrelated(self, seconds: Sequence[float]) -> None:
        """It changes a compartment, and lasts one of these times; perhaps longer than a listing may lag."""
        evidence = begin(self.ledger, self.world.lock, os.urandom(4).hex(), "", "{}", "{}", "")
        locked = self.world.now
        evidence.intend({CONFIG})
        self.world.sleep(self.world.data.draw(st.sampled_from(seconds)))
        evidence.close({CONFIG}, {CONFIG}, set(), outlived=self.world.now >= locked + SETTLE)
        evidence.end("finished")

    def load(self) -> bool:
        """True if the load was finished, by this run or before it."""
        evidence = begin(self.ledger, self.world.lock, os.urandom(4).hex(), "", "{}", "{}", "")
        locked = self.world.now
        evidence.intend({KEY})
        self.settle = SETTLE if evidence.concern({KEY}) else 0.0
        self.locked = locked
        done, known = False, True
        try:
            done = self.steps()
        except Stopped as e:
            known = e.known
        in_flight = set() if known else {KEY}
        through = {KEY} if done else set()
        evidence.close(through, {KEY} - in_flight, in_flight, outlived=self.world.now >= locked + SETTLE)
        evidence.end("finished" if done else "ended" if known else "unsettled")
        return done

    def steps(self) -> bool:
        world, seen = self.world, dict[str, Import]()
        self.twice: set[str] = set()  # chunks of which two executions were there before the seal

        def keep(rows: tuple[Import, ...]) -> None:
            seen.update({r.id: r for r in rows})

        see(world, world.list_imports, keep, Absence(self.locked, self.settle))
        content = Content(self.digest, CHUNKS * LINES)
        found = generations(seen.values(), FORMER, content=content)
        names = {str(n) for g in open_generations(found) for n in g.chunks}
        executions = {n: self.executions(n, Absence(self.locked, self.settle)) for n in sorted(names)}
        executed = {g.key for g in found if any(executions.get(str(n)) for n in g.chunks)}
        decision = decide(found, executed, LoadKey("ws", "src", 1, ""), content=content, reload=self.reload)
        if decision.do is Do.NOTHING:
            return True
        if decision.key is None:  # two contents under one number, both named; --reload goes on
            world.reported |= names
            raise Stopped(known=True)
        self.key = decision.key
        mine = next((g for g in found if g.key == self.key), None)
        there = {str(n) for n in mine.chunks} if mine else set()
        chunks = tuple(
            ChunkView(i, LINES, 1, self.name(i) in there, executions.get(self.name(i), ()))
            for i in range(1, CHUNKS + 1)
        )
        view = LoadView(chunks)
        for _ in range(50):
            step = protocol.next_step(view)
            if isinstance(step, protocol.Finish):
                world.reported |= {self.name(c.index) for c in view.chunks if len(c.executions) > 1}
                assert not view.sealed or self.twice <= world.reported, (
                    "what was there before the seal is not told"
                )
                if not view.sealed:
                    raise Stopped(known=not any(c.unclear for c in view.chunks))
                return True
            view = self.perform(step, view)
        raise AssertionError("the steps do not end")

    def perform(self, step: protocol.Step, view: LoadView) -> LoadView:
        world = self.world
        match step:
            case protocol.Create(indices=indices):
                for i in indices:
                    ok = self.write(world.imports, self.name(i), self.find_import)
                    view = self.put(view, i, **({"seen": True} if ok else {"unclear": True}))
            case protocol.SeeManifest():
                view = replace(view, manifest_seen=True)
            case protocol.AwaitEarlier():
                view = replace(view, earlier_terminal=True)
            case protocol.Send(indices=indices):
                for i in indices:
                    rows = self.write(world.executions, self.name(i), self.find_execution)
                    view = self.put(view, i, **({"executions": rows} if rows else {"unclear": True}))
                world.sleep(
                    world.data.draw(st.sampled_from([0.0, SETTLE / 10, SETTLE]))
                )  # until they have ended
            case protocol.LookAgain(indices=indices):
                for i in indices:
                    rows = (*view.chunks[i - 1].executions, *world.list_executions(self.name(i)).rows)
                    view = self.put(view, i, executions=tuple({e.id: e for e in rows}.values()))
                view = replace(view, looked_again=True)
            case protocol.Seal(ok=ok, failed=failed):
                there = [r.name for r in world.executions if r.since < world.now - 1 and not r.hidden]
                self.twice = {n for n in map(self.name, range(1, CHUNKS + 1)) if there.count(n) > 1}
                if not self.write(world.imports, str(SealName(self.key, ok, failed)), self.find_import):
                    raise Stopped(known=False)
                view = replace(view, sealed=True)
        return view

    def executions(self, name: str, absence: Absence) -> tuple[Execution, ...]:
        found = see(self.world, lambda: self.world.list_executions(name), lambda rows: rows or None, absence)
        return found or ()

    def name(self, index: int) -> str:
        return str(ChunkName(self.key, 1000, index, CHUNKS, f"{index:012x}", 1))

    def put(self, view: LoadView, index: int, **fields: object) -> LoadView:
        rows = list(view.chunks)
        rows[index - 1] = replace(rows[index - 1], **fields)  # type: ignore[arg-type]
        return replace(view, chunks=tuple(rows))

    def find_import(self, name: str, since: float):  # type: ignore[no-untyped-def]
        return see(
            self.world, self.world.list_imports, lambda rows: [r for r in rows if r.name == name] or None, Absence(since, SETTLE)
        )  # fmt: skip

    def find_execution(self, name: str, since: float) -> tuple[Execution, ...]:
        return self.executions(name, Absence(since, SETTLE))

    def write(self, rows: list[Row], name: str, find: Callable):  # type: ignore[no-untyped-def, type-arg]
        """What a listing shows of it in the end; nothing if it is not to be found out."""
        world, data = self.world, self.world.data
        for _ in range(3):
            in_flight = self.fates is IN_FLIGHT and rows is world.imports  # that is about executions
            fate = data.draw(st.sampled_from(CALM if in_flight else self.fates))
            if fate == "killed before":
                raise Killed
            if fate in ("late", "killed late"):
                world.coming.append(
                    (
                        world.now + data.draw(st.floats(0, world.flight)),
                        world.effect(rows, name, came_late=True),
                    )
                )
            if fate in ("done", "killed after", "stopped after"):
                kept = name.upper() if world.normalises and rows is world.imports else name
                world.effect(rows, kept)()
                if kept != name:
                    raise Stopped(known=True)
            if fate.startswith("killed"):
                raise Killed
            if fate == "stopped after":
                raise Stopped(known=False)
            if found := find(name, world.now):
                return found
        return ()


def look(world: World) -> None:
    """At every finished load, as applies do whose ledger knows of it."""
    rows = tuple(Import(r.id, r.name) for r in world.imports)
    found = watched(generations(rows, FORMER), (), {g.number for g in generations(rows, FORMER)})
    by_import = {
        i: world.list_executions(str(n)).rows for g in found for n, ids in g.chunks.items() for i in ids
    }
    by_id = {r.id: r.name for r in world.executions}
    world.reported |= {by_id[e] for x in late(found, by_import) for e in x.executions}


CLAIMS = (
    "rcl1.ws.src.g{next}.cccccccccccc.b1000.1-1.bbbbbbbbbbbb.a1", "rcl1.ws.src.g{next}.aaaaaaaaaaaa.sealed.5-0",
    "rcl1.ws.src.g{last}.dddddddddddd.sealed.30-0", "rcl1.ws.src.g99999999999999999999.aaaaaaaaaaaa.sealed.30-0",
    "RCL1.WS.SRC.G1.AAAAAAAAAAAA.SEALED.30-0", "rcl1.other.src.g{next}.aaaaaaaaaaaa.sealed.30-0", "rcl1.", "",
)  # fmt: skip


@dataclass
class Life:
    """What happens, one thing after another."""

    world: World
    content: int = 1

    def __post_init__(self) -> None:
        folder = self.world.folder
        self.places = {"a": folder / "a.db", "b": folder / "b.db", "common": folder / "a.db"}

    @contextlib.contextmanager
    def applying(self, who: str, fates: Sequence[str] = BAD, *, reload: bool = False) -> Iterator[Apply]:
        database = open_file(self.places[who])
        try:
            ledger = Ledger(database, "https://x", "1", "here", self.world.clock.wall)
            yield Apply(self.world, ledger, f"{self.content:012x}", fates, reload)
        finally:
            database.close()

    def load(self, who: str, fates: Sequence[str] = BAD, *, reload: bool = False) -> bool:
        with self.applying(who, fates, reload=reload) as run, contextlib.suppress(Killed):
            return run.load()
        return False

    def unrelated(self, who: str, seconds: Sequence[float] = (1.0, SETTLE + 1)) -> None:
        with self.applying(who) as run:
            run.unrelated(seconds)

    def left_alone(self, who: str) -> None:
        """A load is cut off; nobody looks at it, while other runs come, last long, and go; then it is applied, perhaps elsewhere."""
        other = self.world.data.draw(st.sampled_from([who, who, *sorted(self.places)]))
        if self.world.data.draw(st.booleans()):
            self.load(self.world.data.draw(st.sampled_from([who, other])), CALM)
            self.new_content(other)
        self.load(who, CUT_OFF)
        for _ in range(self.world.data.draw(st.integers(0, 3))):
            self.unrelated(other, (1.0, SETTLE + 1, SETTLE + 1, SETTLE + 1))
        self.load(other, CALM)

    def overtaken(self, who: str) -> None:
        """A run is cut off while something of it is in flight; another one begins, perhaps with newer content."""
        self.load(who, IN_FLIGHT)
        if self.world.data.draw(st.booleans()):
            self.new_content(who)
        self.load(self.world.data.draw(st.sampled_from(sorted(self.places))), CALM)

    def new_content(self, _: str) -> None:
        self.content += 1

    def kept(self, who: str) -> Path:
        return self.places[who].with_suffix(".kept")

    def keep(self, who: str) -> None:
        if self.places[who].exists():
            shutil.copy(self.places[who], self.kept(who))

    def put_back(self, who: str) -> None:
        if self.kept(who).exists():
            self.forget(who)
            shutil.copy(self.kept(who), self.places[who])

    def forget(self, who: str) -> None:
        for file in self.world.folder.glob(f"{self.places[who].name}*"):
            file.unlink()

    def claim(self, _: str) -> None:
        rows = [Import(r.id, r.name) for r in self.world.imports]
        last = max((g.number for g in generations(rows, FORMER)), default=1)
        name = self.world.data.draw(st.sampled_from(CLAIMS)).format(last=last, next=last + 1)
        if name not in {r.name for r in rows}:
            self.world.effect(self.world.imports, name)()

    def time(self, _: str) -> None:
        self.world.sleep(self.world.data.draw(st.sampled_from([1.0, SETTLE / 2, SETTLE * 2])))

    def clock(self, _: str) -> None:
        self.world.jump = self.world.data.draw(st.sampled_from([-86400.0, 0.0, 86400.0]))

    def normalised(self, who: str) -> None:
        self.world.normalises = True
        self.load(who)
        self.world.normalises = False

    def live(self) -> str:
        """Whatever happens, and then calm; the digest of the newest content."""
        data = self.world.data
        events = (
            *(self.load,) * 4,
            self.left_alone, self.overtaken, self.unrelated, self.unrelated, self.new_content, self.keep, self.put_back, self.forget, self.claim,
            self.time, self.clock, self.normalised,
        )  # fmt: skip
        for _ in range(data.draw(st.integers(1, 12))):
            data.draw(st.sampled_from(events))(data.draw(st.sampled_from(sorted(self.places))))
        return self.calm()

    def short(self) -> str:
        """The same of the two ways in which a load is cut off, one after the other."""
        for event in self.world.data.draw(st.permutations([self.left_alone, self.overtaken])):
            event(self.world.data.draw(st.sampled_from(sorted(self.places))))
        return self.calm()

    def calm(self) -> str:
        """Everything has arrived, and runs are undisturbed; the digest of the newest content."""
        self.world.sleep(self.world.flight)
        done = [self.load("a", CALM) for _ in range(3)]
        if not done[-1] and self.world.flight > SETTLE:
            done.append(self.load("a", CALM, reload=True))
        assert done[-1], "undisturbed runs do not end"
        self.world.sleep(SETTLE)
        look(self.world)
        return f"{self.content:012x}"


@contextlib.contextmanager
def world_of(data: st.DataObject, flight: float) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as folder:
        world = World(data, Path(folder), flight)
        try:
            yield world
        finally:
            world.lock.release()


def sent(world: World) -> dict[str, int]:
    """Executions by the name of their import."""
    return {n: sum(r.name == n for r in world.executions) for n in {r.name for r in world.executions}}


LIVES = settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    max_examples=int(os.environ.get("RECONCILER_LIVES", "40")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="RECONCILER_LIVES" not in os.environ,
)


@pytest.mark.parametrize("life", [Life.live, Life.short])
@LIVES
@given(data=st.data())
def test_where_nothing_is_in_flight_longer_than_settle_nothing_is_sent_twice_and_nothing_is_lost(
    life: Callable[[Life], str], data: st.DataObject
) -> None:
    with world_of(data, SETTLE * 0.9) as world:
        digest = life(Life(world))
        assert {n: c for n, c in sent(world).items() if c > 1} == {}
        names = [r.name for r in world.imports if r.name.startswith("rcl1.ws.")]
        assert len(names) == len(set(names)), world.imports
        whole(world, digest)


@pytest.mark.parametrize("life", [Life.live, Life.short])
@LIVES
@given(data=st.data())
def test_what_was_sent_twice_or_came_late_because_it_was_in_flight_longer_is_reported(
    life: Callable[[Life], str], data: st.DataObject
) -> None:
    with world_of(data, SETTLE * 5) as world:
        digest = life(Life(world))
        assert {n for n, c in sent(world).items() if c > 1} <= world.reported
        assert older_after_newer(world) <= world.reported
        whole(world, digest)


def older_after_newer(world: World) -> set[str]:
    """Chunks of contents that the newest load superseded, and that came when it had begun."""
    found = generations([Import(r.id, r.name) for r in world.imports], FORMER)
    before, newest = [g.number for g in found if g.seal][-2:-1], [g for g in found if g.seal][-1]
    mine = {str(c) for c in newest.chunks}
    begun = min((int(r.id) for r in world.executions if r.name in mine), default=0)
    superseded = {
        str(c)
        for g in found
        if not g.seal and g.chunks and [g.number] > before and g.number <= newest.number
        for c in g.chunks
    }
    return {r.name for r in world.executions if r.name in superseded and 0 < begun < int(r.id)}


def whole(world: World, digest: str) -> None:
    """The newest content is there: each of its chunks was sent, and it is sealed."""
    found = generations([Import(r.id, r.name) for r in world.imports], FORMER)
    mine = [g for g in found if g.key.load12 == digest and g.seal]
    assert mine
    assert all(sent(world).get(str(n)) for n in mine[-1].chunks)
    assert len(mine[-1].chunks) == CHUNKS
