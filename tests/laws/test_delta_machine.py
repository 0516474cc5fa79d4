"""G13 as a state machine: sources change, loads are interrupted, indexes are lost, put back or made with another key; after each
finished load the platform holds what loads of all rows would have left, and no row that did not change was sent. With `gone: delete`
it holds nobody who is known to have been sent and whom no row names, and never was somebody deleted whom a row may name.

The platform is a dictionary and a list of loads; what is compared, kept and decided is the product's own.
"""

import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.external_sort import SortedRecords
from reconciler.bulk.scan.removals import Left
from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.sent.compare import CHANGED, Compared, compare, known
from reconciler.bulk.sent.difference import entries
from reconciler.bulk.sent.digests import SIZE, Digester, key_of_text
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.bulk.sent.store import Folder
from reconciler.errors import ReconcilerError
from reconciler.kinds.names import ChunkName, LoadKey, SealName
from reconciler.model.source import Identifier, SourceDefinition, Update
from reconciler.planning.loads.changes import content_of
from reconciler.planning.loads.generations import Do, Generation, decide

pytestmark = pytest.mark.slow

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
    types={"v": "integer"},
    max_bytes=320,
    former=(("shop", "people"),),
)
ACCOUNTS = [f"u{n}" for n in range(9)]
DELETES = b'"operation":"DELETE"'
accounts = st.sets(st.sampled_from(ACCOUNTS), max_size=4)


@dataclass
class Load:
    """One load on the platform."""

    key: LoadKey
    chunks: dict[ChunkName, tuple[str, ...]] = field(default_factory=dict)
    executed: set[int] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    seal: SealName | None = None

    def listed(self) -> Generation:
        return Generation(self.key, self.seal, dict(self.chunks))


class Machine(RuleBasedStateMachine):
    @initialize(full_every=st.sampled_from([0, 0, 3]), gone=st.sampled_from(["keep", "delete", "delete"]))
    def begin(self, full_every: int, gone: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="delta-"))
        self.key, self.full_every = "first", full_every
        self.rows = dict.fromkeys(ACCOUNTS[:6], 0)
        self.stored: dict[str, bytes] = {}  # the platform
        self.meant: dict[str, bytes] = {}  # the same, had every load been one of all rows
        self.taken: dict[str, bytes | None] = {}  # None: nobody can say
        self.loads: list[Load] = []
        self.loaded_rows: dict[str, int] = {}
        self.gone, self.rejected, self.unreadable = gone, set[str](), False
        self.known: set[str] = set()  # who the index of the newest finished load is about
        self.index: tuple[str, dict[str, bytes]] | None = None  # its key and files, as they were written
        self.plain: set[LoadKey] = set()  # loads that were begun without knowing who left
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
            lines = "".join(f"{quote}{a}{quote},{'many' if a in self.rejected else v}\n" for a, v in part)
            lines += ",7\n" if self.unreadable and name == "people2.csv" else ""
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

    @rule(who=accounts, unreadable=st.booleans())
    def reject(self, who: set[str], *, unreadable: bool) -> None:
        """Rows that are rejected: of some it can be read whom they are about, of one it cannot."""
        self.rejected, self.unreadable = who, unreadable
        self.write()

    @rule()
    def correct(self) -> None:
        self.rejected, self.unreadable = set(), False
        self.write()

    @rule(gone=st.sampled_from(["keep", "delete"]))
    def say_otherwise(self, gone: str) -> None:
        self.gone = gone

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
        self.known, self.index, self.plain = set(), None, set()

    @rule(style=st.integers(0, 7))
    def write_otherwise(self, style: int) -> None:
        self.style = style
        self.write()

    @rule(
        how=st.sampled_from(
            [
                "delete",
                "keep a copy",
                "put the copy back",
                "other key",
                "damage",
                "delete identities",
                "tear identities",
                "identities of the copy",
            ]
        )
    )
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
            case "delete identities" | "tear identities" | "identities of the copy":
                old = [p.read_bytes() for p in copy.glob("*-identities")]
                for path in place.glob("*-identities"):
                    match how.partition(" ")[0]:
                        case "delete":
                            path.unlink()
                        case "tear":
                            path.write_bytes(path.read_bytes()[:-3])
                        case _:
                            path.write_bytes(old[0] if old else b"")
            case _:
                pass

    def usable(self) -> bool:
        """True if the index of the newest finished load is as it was written, and says whom it is about."""
        if self.index is None or self.index[0] != self.key:
            return False
        there = {p.name: p.read_bytes() for p in (self.folder / "index").glob("*")}
        files = self.index[1]
        return any(n.endswith("-identities") for n in files) and files.items() <= there.items()

    @rule(
        refused=st.sets(st.sampled_from(ACCOUNTS), max_size=2),
        opaque=st.booleans(),
        reload=st.sampled_from([False, False, False, True]),
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
    def load(self, refused: set[str], ends: str, *, opaque: bool, reload: bool) -> None:
        with closing(self.indexes()) as indexes:
            self.loaded(indexes, refused, opaque=opaque, ends=ends, reload=reload)

    def indexes(self) -> SentIndexes:
        return SentIndexes(
            self.scans,
            Folder(self.folder / "index"),
            lambda _: key_of_text(self.key),
            "https://x",
            "1185",
            tempfile.TemporaryDirectory,
        )

    def accepted(self) -> set[str]:
        return self.rows.keys() - self.rejected

    def loaded(
        self, indexes: SentIndexes, refused: set[str], *, opaque: bool, ends: str, reload: bool
    ) -> None:
        if not self.accepted():
            return  # a plan refuses a source without a row
        source = replace(SOURCE, full_every=self.full_every, gone=self.gone)
        found = [x.listed() for x in self.loads]
        executed = {x.key for x in self.loads if x.executed}
        compared = compare(indexes, source, self.scans.get(source), found, executed, "1509", reload=reload)
        content = content_of(compared.scan, compared.source)
        assert content is not None
        new = LoadKey("shop", "people", 1, "")
        decision = known(compared) or decide(found, executed, new, content=content, reload=reload)
        if decision.do is Do.NOTHING:
            assert not self.finished or self.stored == self.meant
            return
        assert decision.do in (Do.EXECUTE, Do.RESUME)
        assert decision.key is not None
        load = next((x for x in self.loads if x.key == decision.key), None)
        if load is None:
            load = Load(decision.key)
            self.loads.append(load)
        deleted = self.deleted(load, compared)
        usable = self.usable()
        self.finished = False
        not_taken = SortedRecords(SIZE, 5)
        with closing(not_taken):
            if self.send(load, compared, refused, not_taken, opaque=opaque, halfway=ends == "in between"):
                self.seal(load, compared, indexes, not_taken, ends)
        if not load.seal:
            return
        self.finished, self.loaded_rows = True, dict(self.rows)
        left = self.known - self.accepted() - (deleted - refused - load.failed - load.doubtful)
        self.known = self.accepted() | (left if usable and self.gone == "delete" else set())
        for account in deleted - refused - load.failed:
            self.meant.pop(account, None)
        # A row that was away, or rejected, and is back is a new one.
        self.taken = {a: line for a, line in self.taken.items() if a in self.accepted()}
        for line in self.lines():
            if (account := who(line)) not in refused | load.failed:
                self.meant[account] = line
        assert self.stored == self.meant

    def deleted(self, load: Load, compared: Compared) -> set[str]:
        """Whom the load deletes: all of whom the index is about and whom no row names, if it is certain that none does."""
        deleted = {who(x) for x in self.lines(compared.source) if DELETES in x}
        assert len(deleted) == compared.scan.removed
        certain = self.gone == "delete" and self.usable() and not self.unreadable
        if not certain:
            self.plain.add(load.key)  # it stays one that deletes nobody
        expected = self.known - self.rows.keys() if certain and load.key not in self.plain else set()
        assert deleted == expected
        return deleted

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
            delta = compared.delta is not None and not compared.delta.all_rows
            load.failed |= self.sent(load, lines, refused, not_taken, opaque=opaque, again=again, delta=delta)
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
            with indexes.rows(replace(SOURCE, gone=self.gone), make_key=True) as (scan, rows):
                assert scan.source_digest == compared.scan.source_digest
                since = compared.since_full
                kept = indexes.keep(
                    compared.source,
                    compared.scan,
                    seal,
                    names,
                    lambda: entries(rows, not_taken, Left(compared.left)),
                    since,
                    "1509",
                )
        if ends == "before the seal":
            return
        load.seal = seal
        self.index = None
        if kept is not None:
            self.index = (
                self.key,
                {p.name: p.read_bytes() for p in (self.folder / "index").glob(f"{kept}*")},
            )
        if kept is not None and ends != "before the removal":
            indexes.only(compared.source, "1509", kept)

    def sent(
        self,
        load: Load,
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
            if DELETES in line:
                assert account not in self.rows, "somebody was deleted whom a row names"
                assert not self.unreadable, "somebody was deleted whom a rejected row may name"
            if account not in bad and not again:
                self.happened(account, line)
            if again or account in bad or (bad and opaque):
                not_taken.add(digester.identity(line))
                self.taken[account] = None
                load.doubtful.add(account)
            else:
                self.taken[account] = line
        return bad

    def happened(self, account: str, line: bytes) -> None:
        """The platform took a command."""
        if DELETES in line:
            self.stored.pop(account, None)
            self.meant.pop(account, None)
        else:
            self.stored[account] = self.meant[account] = line

    def lines(self, source: SourceDefinition = SOURCE) -> list[bytes]:
        found = self.scans.get(source)
        return [
            line
            for chunk in found.chunks
            for line in b"".join(chunk_pieces(self.folder, found.files, source, chunk)).splitlines()
        ]


def test_a_source_that_changed_back_between_two_reads_is_not_finished() -> None:
    machine = Machine()
    machine.begin(0, "keep")
    try:
        machine.load(set(), "", opaque=False, reload=False)
        machine.add({ACCOUNTS[6]})
        load = machine.loads[-1]
        with closing(machine.indexes()) as indexes:
            scan = machine.scans.get(SOURCE)
            machine.undo()
            with pytest.raises(ReconcilerError, match=CHANGED):
                compare(indexes, SOURCE, scan, [load.listed()], {load.key}, "1509")
    finally:
        machine.teardown()


def who(line: bytes) -> str:
    return line.split(b'"user_account_id":"', 1)[1].split(b'"', 1)[0].decode()


TestDeltas = Machine.TestCase
TestDeltas.settings = settings(
    max_examples=max(12, settings.default.max_examples // 8), stateful_step_count=20, deadline=None
)
