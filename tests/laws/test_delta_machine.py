"""G13 as a state machine: sources change, loads are interrupted, indexes are lost, put back or made with another key; after each
finished load the platform holds what loads of all rows would have left, and no row that did not change was sent.

The platform is a dictionary and a list of loads; what is compared, kept and decided is the product's own.
"""

import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from reconciler.bulk.scan.external_sort import SortedRecords
from reconciler.bulk.scan.scan import chunk_pieces
from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.sent.compare import Compared, compare, known
from reconciler.bulk.sent.difference import entries
from reconciler.bulk.sent.digests import SIZE, Digester, key_of_text
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.bulk.sent.store import Folder
from reconciler.kinds.names import ChunkName, LoadKey, SealName
from reconciler.model.source import Identifier, SourceDefinition, Update
from reconciler.planning.loads.changes import content_of
from reconciler.planning.loads.generations import Do, Generation, decide

SOURCE = SourceDefinition(
    workspace="shop",
    source="people",
    files=("people*.csv",),
    format="csv",
    identify_by=(Identifier(kind="user_account_id", column="id", compartment="loyalty"),),
    update=Update(force_replace=True),
    compartments={"loyalty": "7"},
    duplicates="refuse",
    send="changed",
    max_bytes=320,
    former=(("shop", "people"),),
)
ACCOUNTS = [f"u{n}" for n in range(9)]
accounts = st.sets(st.sampled_from(ACCOUNTS), max_size=4)


@dataclass
class Load:
    """One load on the platform."""

    key: LoadKey
    chunks: dict[ChunkName, tuple[str, ...]] = field(default_factory=dict)
    executed: set[int] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    seal: SealName | None = None

    def listed(self) -> Generation:
        return Generation(self.key, self.seal, dict(self.chunks))


class Machine(RuleBasedStateMachine):
    @initialize(full_every=st.sampled_from([0, 0, 3]))
    def begin(self, full_every: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="delta-"))
        self.key, self.full_every = "first", full_every
        self.rows = dict.fromkeys(ACCOUNTS[:6], 0)
        self.stored: dict[str, bytes] = {}  # the platform
        self.meant: dict[str, bytes] = {}  # the same, had every load been one of all rows
        self.taken: dict[str, bytes | None] = {}  # None: nobody can say
        self.loads: list[Load] = []
        self.loaded_rows: dict[str, int] = {}
        self.ids, self.finished = 0, True
        self.style = 0
        self.scans = Scans(self.folder, lambda *_: None)
        self.write()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def write(self) -> None:
        """The source, in one of the ways to write the same rows."""
        for old in self.folder.glob("people*.csv"):
            old.unlink()
        rows = list(self.rows.items())
        rows = rows[::-1] if self.style & 1 else rows
        quote = '"' if self.style & 2 else ""
        half = len(rows) // 2 if self.style & 4 else 0
        for name, part in (("people1.csv", rows[:half]), ("people2.csv", rows[half:])):
            lines = "".join(f"{quote}{a}{quote},{v}\n" for a, v in part)
            if part or name == "people2.csv":
                (self.folder / name).write_text("id,v\n" + lines)

    @rule(who=accounts, version=st.integers(0, 2))
    def change(self, who: set[str], version: int) -> None:
        for account in who & self.rows.keys():
            self.rows[account] = version
        self.write()

    @rule(who=accounts)
    def add(self, who: set[str]) -> None:
        for account in sorted(who):
            self.rows.setdefault(account, 0)
        self.write()

    @rule(who=accounts)
    def remove(self, who: set[str]) -> None:
        if len(self.rows) > len(who):
            for account in who:
                self.rows.pop(account, None)
            self.write()

    @rule()
    def undo(self) -> None:
        """The source is again what was loaded last."""
        if self.loaded_rows:
            self.rows = dict(self.loaded_rows)
            self.write()

    @rule()
    def reset_the_platform(self) -> None:
        """Nothing is there any more; numbers of loads begin anew, ids do not."""
        self.loads, self.stored, self.meant, self.taken = [], {}, {}, {}
        self.loaded_rows, self.finished = {}, True

    @rule(style=st.integers(0, 7))
    def write_otherwise(self, style: int) -> None:
        self.style = style
        self.write()

    @rule(how=st.sampled_from(["delete", "keep a copy", "put the copy back", "other key", "damage"]))
    def lose_the_index(self, how: str) -> None:
        place, copy = self.folder / "index", self.folder / "copy"
        match how:
            case "delete":
                shutil.rmtree(place, ignore_errors=True)
            case "keep a copy" if place.exists():
                shutil.rmtree(copy, ignore_errors=True)
                shutil.copytree(place, copy)
            case "put the copy back" if copy.exists():
                shutil.copytree(copy, place, dirs_exist_ok=True)
            case "other key":
                self.key = "second" if self.key == "first" else "first"
            case "damage":
                for path in place.glob("*"):
                    path.write_bytes(path.read_bytes()[:-1] + b"?")
            case _:
                pass

    @rule(
        refused=st.sets(st.sampled_from(ACCOUNTS), max_size=2),
        opaque=st.booleans(),
        ends=st.sampled_from(
            [
                "",
                "",
                "",
                "in between",
                "before the index",
                "before the seal",
                "before the removal",
                "without an index",
            ]
        ),
    )
    def load(self, refused: set[str], ends: str, *, opaque: bool) -> None:
        indexes = SentIndexes(
            self.scans, Folder(self.folder / "index"), lambda _: key_of_text(self.key), "https://x", "1185"
        )
        with closing(indexes):
            self.loaded(indexes, refused, opaque=opaque, ends=ends)

    def loaded(self, indexes: SentIndexes, refused: set[str], *, opaque: bool, ends: str) -> None:
        source = replace(SOURCE, full_every=self.full_every)
        found = [x.listed() for x in self.loads]
        executed = {x.key for x in self.loads if x.executed}
        compared = compare(indexes, source, self.scans.get(source), found, executed, "1509")
        content = content_of(compared.scan, compared.source)
        assert content is not None
        new = LoadKey("shop", "people", 1, "")
        decision = known(compared) or decide(found, executed, new, content=content)
        if decision.do is Do.NOTHING:
            assert not self.finished or self.stored == self.meant
            return
        assert decision.do in (Do.EXECUTE, Do.RESUME)
        assert decision.key is not None
        load = next((x for x in self.loads if x.key == decision.key), None)
        if load is None:
            load = Load(decision.key)
            self.loads.append(load)
        self.finished = False
        not_taken = SortedRecords(SIZE, 5)
        with closing(not_taken):
            if self.send(load, compared, refused, not_taken, opaque=opaque, halfway=ends == "in between"):
                self.seal(load, compared, indexes, not_taken, ends)
        if not load.seal:
            return
        self.finished, self.loaded_rows = True, dict(self.rows)
        # A row that was away and is back is a new one.
        self.taken = {a: line for a, line in self.taken.items() if a in self.rows}
        for line in self.lines():
            if (account := who(line)) not in refused | load.failed:
                self.meant[account] = line
        assert self.stored == self.meant

    def send(
        self,
        load: Load,
        compared: Compared,
        refused: set[str],
        not_taken: SortedRecords,
        *,
        opaque: bool,
        halfway: bool,
    ) -> bool:
        """Send what is not sent; False if the run ends before all is."""
        chunks = compared.scan.chunks
        for chunk in chunks:
            name = ChunkName(load.key, SOURCE.max_bytes, chunk.index, len(chunks), chunk.chunk12, 1)
            self.ids += name not in load.chunks
            load.chunks.setdefault(name, (str(self.ids),))
        assert len(load.chunks) == len(chunks), "a load was cut in two ways"
        for chunk in chunks:
            pieces = chunk_pieces(self.folder, compared.scan.files, compared.source, chunk)
            lines, again = b"".join(pieces).splitlines(), chunk.index in load.executed
            delta = compared.delta is not None
            load.failed |= self.sent(lines, refused, not_taken, opaque=opaque, again=again, delta=delta)
            load.executed.add(chunk.index)
            if halfway and chunk.index < len(chunks):
                return False
        return True

    def seal(
        self, load: Load, compared: Compared, indexes: SentIndexes, not_taken: SortedRecords, ends: str
    ) -> None:
        """Write the index, then the seal, then remove older indexes; the run may end before each."""
        failed, kept = len(load.failed), None
        seal = SealName(load.key, compared.scan.sent - failed, failed)
        if ends == "before the index":
            return
        if ends != "without an index":
            names = {str(n): ids for n, ids in load.chunks.items()}
            with indexes.rows(SOURCE) as (scan, rows):
                assert scan.source_digest == compared.scan.source_digest
                since = compared.since_full
                kept = indexes.keep(
                    compared.source,
                    compared.scan,
                    seal,
                    names,
                    lambda: entries(rows, not_taken),
                    since,
                    "1509",
                )
        if ends == "before the seal":
            return
        load.seal = seal
        if kept is not None and ends != "before the removal":
            indexes.only("people", "1509", kept)

    def sent(
        self,
        lines: list[bytes],
        refused: set[str],
        not_taken: SortedRecords,
        *,
        opaque: bool,
        again: bool,
        delta: bool,
    ) -> set[str]:
        """One chunk; of one that was executed before, nobody knows any more which of its rows failed."""
        digester = Digester(key_of_text(self.key))
        bad = set() if again else {who(x) for x in lines} & refused
        for line in lines:
            account = who(line)
            if delta and not again:
                assert self.taken.get(account) != line, "a row that did not change was sent"
            if account not in bad and not again:
                self.stored[account] = self.meant[account] = line
            if again or account in bad or (bad and opaque):
                not_taken.add(digester.identity(line))
                self.taken[account] = None
            else:
                self.taken[account] = line
        return bad

    def lines(self) -> list[bytes]:
        source = self.scans.get(SOURCE)
        return [
            line
            for chunk in source.chunks
            for line in b"".join(chunk_pieces(self.folder, source.files, SOURCE, chunk)).splitlines()
        ]


def who(line: bytes) -> str:
    return line.split(b'"user_account_id":"', 1)[1].split(b'"', 1)[0].decode()


TestDeltas = Machine.TestCase
TestDeltas.settings = settings(
    max_examples=max(12, settings.default.max_examples // 8), stateful_step_count=20, deadline=None
)
