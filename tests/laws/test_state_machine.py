"""G1 to G11 as a state machine: specs change, somebody edits the remote, requests fail, runs are killed in several checkouts, uploads
outlive them, ledgers vanish or come back older; then it calms down, and everything is as the specs say, made once, nothing else
was touched, and where an upload took longer than `settle`, each chunk that was sent twice was reported.

The remote is `tests/support/stranger.py`, the model of what has to be there is below; neither knows the product's code.
RECONCILER_MACHINES sets how many are tried; 4 by default.
"""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.support.accounts import agree, report_agrees
from tests.support.stranger import Stranger
from tests.support.workspace import Done, Workspace, kill

pytestmark = pytest.mark.slow

KEYS = ("loyalty", "news", "shop")
SPEC = "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {{name: {key}}}\nspec: {{name: {name}, token: {key}, activations: {where}{rest}}}\n"
# Of a checkout: with a ledger of its own, or with that of the first one.
CHECKOUTS = ("first", "own", "common")
SETTLE, SLOW, TOO_SLOW = 1.0, 0.3, 2.5  # seconds
TWICE = re.compile(r"chunk (\d+)(?: has|:) \d+ executions")
# None of them make up a whole load: whoever can make that has loaded something, and what is here is newer content.
HOSTILE = (
    "rcl1.shop.customers.g{next}.cccccccccccc.b2000.1-1.bbbbbbbbbbbb.a1",
    "rcl1.shop.customers.g{next}.aaaaaaaaaaaa.sealed.5-0",
    "rcl1.shop.customers.g{last}.aaaaaaaaaaaa.sealed.5-0",
    "rcl1.shop.customers.g99999999999999999999.aaaaaaaaaaaa.b2000.1-1.bbbbbbbbbbbb.a1",
    "rcl1.shop.customers.g{last}.r1.aaaaaaaaaaaa.sealed.1-0",
    "rcl1.club.customers.g{next}.aaaaaaaaaaaa.b2000.1-1.bbbbbbbbbbbb.a1",
    "RCL1.SHOP.CUSTOMERS.G{next}.AAAAAAAAAAAA.SEALED.5-0",
    "rcl1.shop.customers.g{next}", "rcl1.", "\u202egnp.exe", "",
)  # fmt: skip
SETS = {"all": {"1509", "1510"}, "retail-fr": {"1509"}, "retail-de": {"1510"}}


class Machine(RuleBasedStateMachine):
    """One workspace and one remote."""

    @initialize(
        seed=st.integers(0, 10_000),
        paged=st.sampled_from([None, 1, 7]),
        slow=st.sampled_from([None, None, SLOW, TOO_SLOW]),
    )
    def begin(self, seed: int, paged: int | None, slow: float | None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.remote = Stranger(seed, storm=0.0, lag=0.0, paged=paged)
        self.slow, self.said, self.lost = slow, "", False
        self.checkouts = {
            name: Workspace(self.folder / name, self.remote.url, settle=f"{SETTLE}s" if slow else "0")
            for name in CHECKOUTS
        }
        self.workspace = self.checkouts["first"]
        common = self.checkouts["common"].root / "reconciler.yaml"
        common.write_text(common.read_text() + "  ledger: sqlite:../first/.reconciler/ledger.db\n")
        self.names: dict[str, str] = {}
        self.where: dict[str, set[str]] = {}
        self.gone: dict[str, set[str]] = {}
        self.by_hand: dict[str, int] = {}
        self.deleted = False
        self.contents = 0
        self.strangers = 0
        self.declare("loyalty", "First", "all", tombstone=False)
        self.load(40)

    @rule(
        key=st.sampled_from(KEYS),
        name=st.sampled_from(["First", "Second", "Third"]),
        where=st.sampled_from(list(SETS)),
        tombstone=st.booleans(),
    )
    def declare(self, key: str, name: str, where: str, *, tombstone: bool) -> None:
        """A spec is written, or changed; perhaps it says where the compartment must not be active, too."""
        where = "all" if key == "loyalty" else where  # the source needs it
        gone = next((d for d in ("retail-fr", "retail-de") if tombstone and not SETS[d] & SETS[where]), None)
        rest = f", deactivations: {gone}" if gone else ""
        self.workspace.write(f"specs/{key}.yaml", SPEC.format(key=key, name=name, where=where, rest=rest))
        self.names[key], self.where[key] = name, SETS[where]
        self.gone[key] = SETS[gone] if gone else set()

    @rule(lines=st.integers(1, 60))
    def load(self, lines: int) -> None:
        """The source has new contents."""
        self.contents += 1
        self.lines = lines
        self.workspace.customers(lines, max_bytes=2_000, mark=f"v{self.contents}")

    @rule(key=st.sampled_from(KEYS))
    def rename_by_hand(self, key: str) -> None:
        """Somebody renames a compartment in the console."""
        with self.remote.lock:
            for row in self.remote.compartments:
                if row["token"] == key:
                    row["name"] = "By hand"

    @rule(datamart=st.sampled_from(["1509", "1510"]))
    def activate_by_hand(self, datamart: str) -> None:
        """Somebody makes a compartment that no spec names, and activates it."""
        with self.remote.lock:
            self.strangers += 1
            row = self.remote.new({"organisation_id": 1185, "token": f"x{self.strangers}", "name": "X"})
            self.remote.compartments.append(row)
            active = self.remote.new({"compartment_id": row["id"], "default": False})
            self.remote.activations[datamart].append(active)
            self.by_hand[datamart] = self.by_hand.get(datamart, 0) + 1

    @rule(pick=st.integers(0, 20))
    def delete_an_import_by_hand(self, pick: int) -> None:
        """Somebody deletes an import, and with it what it loaded is not to be seen any more; others of its load are."""
        with self.remote.lock:
            loads: dict[str, list[Any]] = {}
            for row in self.remote.imports["1509"]:
                if ".sealed." not in row["name"]:
                    loads.setdefault(".".join(row["name"].split(".")[:5]), []).append(row)
            sent = {
                name: [r for r in rows if self.remote.executions.get(str(r["id"]))]
                for name, rows in loads.items()
            }
            found = [r for name, rows in loads.items() if len(sent[name]) > 1 for r in rows]
            if found:
                victim = found[pick % len(found)]
                self.remote.imports["1509"].remove(victim)
                self.remote.executions.pop(str(victim["id"]), None)
                self.deleted = True

    @rule()
    def forget(self) -> None:
        """The ledger is lost."""
        self.lost = True
        self.workspace.forget_ledger()

    @rule(pick=st.sampled_from(HOSTILE))
    def claim(self, pick: str) -> None:
        """Somebody makes an import under a name that looks like ours; nothing was sent under it."""
        with self.remote.lock:
            numbers = [re.match(r"rcl1\.shop\.customers\.g(\d{1,9})\.", n) for n in self.imports()]
            last = max((int(m[1]) for m in numbers if m), default=1)
            name = pick.format(last=last, next=last + 1)
            if name not in self.imports():
                self.remote.imports["1509"].append(self.remote.new({"name": name}))

    @rule(requests=st.integers(0, 40))
    def shrink(self, requests: int) -> None:
        """Somebody deletes a row at the beginning of a list, perhaps while it is read."""

        def act() -> None:
            rows = self.remote.imports["1509"]
            rows[:] = [r for r in rows if r is not row]

        with self.remote.lock:
            row = self.remote.new({"name": f"no name of ours {self.remote.next_id}"})
            self.remote.imports["1509"].insert(0, row)
            self.remote.meanwhile.append((requests, act))

    @rule(requests=st.integers(0, 40))
    def deactivate(self, requests: int) -> None:
        """Somebody takes from a load what it needs, perhaps right before it sends."""

        def act() -> None:
            ids = [c["id"] for c in self.remote.compartments if c["token"] == "loyalty"]
            rows = self.remote.activations["1509"]
            rows[:] = [r for r in rows if r["compartment_id"] not in ids]

        with self.remote.lock:
            self.remote.meanwhile.append((requests, act))

    def imports(self) -> list[str]:
        return [r["name"] for r in self.remote.imports["1509"]]

    def checkout(self, name: str) -> Workspace:
        """A checkout of the same commit."""
        found = self.checkouts[name]
        if name != "first":
            for part in ("specs", "data"):
                shutil.rmtree(found.root / part, ignore_errors=True)
                shutil.copytree(self.workspace.root / part, found.root / part)
        return found

    @rule(
        storm=st.sampled_from([0.0, 0.05, 0.15]),
        after=st.none() | st.floats(0.1, 1.5),
        group=st.booleans(),
        where=st.sampled_from(CHECKOUTS),
        slow=st.booleans(),
        upper=st.sampled_from([False, False, False, True]),
    )
    def apply(
        self, storm: float, after: float | None, *, group: bool, where: str, slow: bool, upper: bool
    ) -> None:
        """A run, in bad weather, perhaps killed, perhaps in another checkout; perhaps its uploads take longer than it lives."""
        self.remote.storm, self.remote.upper_names = storm, upper
        self.remote.slow = self.slow if slow else None
        self.run(where, after=after, group=group)
        self.remote.upper_names, self.remote.slow = False, None

    @rule(where=st.sampled_from(CHECKOUTS))
    def unrelated(self, where: str) -> None:
        """A run that has nothing to do with loads."""
        self.remote.storm = 0.0
        self.run(where, "--only", "config")

    def run(self, where: str, *flags: str, after: float | None = None, group: bool = True) -> None:
        """An apply, to its end or to its death; what it reports is what its events and the ledger have."""
        workspace, events = self.checkout(where), self.folder / "events.ndjson"
        events.unlink(missing_ok=True)
        process = workspace.start("apply", "--auto-approve", "-o", "json", "--events", str(events), *flags)
        if after is not None and kill(process, group=group, after=after):
            agree(workspace, events, None)
            return
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err
        assert "bug in reconciler" not in err, err
        assert process.returncode in (0, 1, 3, 4), err
        self.said += out + err
        agree(workspace, events, Done(process.returncode, out, err))

    @rule(where=st.sampled_from(CHECKOUTS))
    def resume(self, where: str) -> None:
        """The newest run is continued, if there is one that can be."""
        self.remote.storm = 0.0
        workspace = self.checkout(where)
        done = workspace.run("resume", "-o", "json")
        self.said += done.out + done.err
        assert done.code in (0, 1, 3, 4), done
        assert "bug in reconciler" not in done.err, done
        report_agrees(workspace, done)

    @rule(back=st.booleans(), where=st.sampled_from(["first", "own"]))
    def older_ledger(self, *, back: bool, where: str) -> None:
        """The ledger is kept aside, or an older copy of it is put back."""
        kept, ledger = self.folder / f"kept-{where}", self.checkouts[where].root / ".reconciler"
        self.lost = self.lost or back
        here, there = (kept, ledger) if back else (ledger, kept)
        if here.exists():
            shutil.rmtree(there, ignore_errors=True)
            shutil.copytree(here, there)

    @rule()
    def look(self) -> None:
        """Reading changes nothing."""
        self.remote.arrived()
        self.remote.storm, self.remote.meanwhile = 0.0, []
        before = self.everything()
        assert self.workspace.run("plan").code == 0
        assert self.workspace.run("drift").code == 0
        assert self.everything() == before

    def everything(self) -> Any:
        with self.remote.lock:
            return (
                [(r["id"], r["name"]) for r in self.remote.compartments],
                {d: [(r["id"], r["default"]) for r in rows] for d, rows in self.remote.activations.items()},
                len(self.remote.imports["1509"]),
                len(self.remote.bodies),
            )

    @invariant()
    def nothing_is_there_twice_and_nothing_foreign_was_touched(self) -> None:
        if not hasattr(self, "remote"):
            return
        with self.remote.lock:
            tokens = [r["token"] for r in self.remote.compartments]
            assert len(tokens) == len(set(tokens))
            for datamart, rows in self.remote.activations.items():
                tokens_ = {r["id"]: r["token"] for r in self.remote.compartments}
                foreign = [r for r in rows if tokens_[r["compartment_id"]].startswith("x")]
                assert len(foreign) == self.by_hand.get(datamart, 0)
                owners = [r["compartment_id"] for r in rows]
                assert len(owners) == len(set(owners))
            # Names as they were sent: what the platform renamed is nobody's.
            ours = [n for n in self.imports() if n.startswith("rcl1.")]
            assert len(ours) == len(set(ours))
            for row in self.remote.compartments:
                if row["token"].startswith("x"):
                    assert row["name"] == "X"
                assert row["token"] == "default" or row["token"] in KEYS or row["token"].startswith("x")
            if self.slow == TOO_SLOW:
                return  # no rule can prevent it; see the end
            assert all(len(rows) <= 1 for rows in self.remote.executions.values())
            sent = [line for body in self.remote.bodies for line in body.splitlines()]
            assert len(sent) == len(set(sent))

    def every_duplicate_was_reported(self) -> None:
        """Each chunk that was sent more than once is in the words of some run; where a ledger was lost, each of the newest load."""
        for name in CHECKOUTS[1:]:  # who loaded something looks at it once more
            done = self.checkout(name).run("apply", "--auto-approve")
            self.said += done.out + done.err
        told = {int(n) for n in TWICE.findall(self.said)}
        with self.remote.lock:
            names = {str(r["id"]): r["name"].split(".") for r in self.remote.imports["1509"]}
            sent = {i: rows for i, rows in self.remote.executions.items() if rows and i in names}
            newest = max((int(names[i][3][1:]) for i in sent), default=0)
            twice = [names[i] for i, rows in sent.items() if len(rows) > 1]
        if self.lost:
            twice = [n for n in twice if n[3] == f"g{newest}"]
        assert {int(n[6].partition("-")[0]) for n in twice} <= told, (twice, self.said)

    def settled(self) -> None:
        """Undisturbed runs: what an earlier one left unknown, and what came twice, is told once."""
        done = self.calm()
        for _ in range(2):
            if done.code == 3:
                done = self.calm()
        if self.deleted and done.code in (3, 4):  # what became of it nobody can say; newer contents go on
            self.load(7)
            done = self.calm()
        assert done.code == 0, done

    def calm(self) -> Done:
        done = self.workspace.run("apply", "--auto-approve")
        self.said += done.out + done.err
        return done

    def teardown(self) -> None:
        if not hasattr(self, "remote"):
            return
        try:
            self.remote.storm = 0.0
            self.remote.meanwhile = []
            self.remote.arrived()
            self.settled()
            self.every_duplicate_was_reported()
            assert self.workspace.run("plan", "--detailed-exitcode").code == 0
            found = {r["token"]: r for r in self.remote.compartments}
            for key, name in self.names.items():
                assert found[key]["name"] == name
                for datamart in self.where[key]:
                    rows = self.remote.activations[datamart]
                    assert any(r["compartment_id"] == found[key]["id"] for r in rows)
                for datamart in self.gone[key]:
                    rows = self.remote.activations[datamart]
                    assert not any(r["compartment_id"] == found[key]["id"] for r in rows)
            default = [r for r in self.remote.activations["1509"] if r["default"]]
            assert [r["compartment_id"] for r in default] == [found["loyalty"]["id"]]
            sent = {line for body in self.remote.bodies for line in body.splitlines()}
            assert sum(f'"v{self.contents}"'.encode() in line for line in sent) == self.lines
            self.nothing_is_there_twice_and_nothing_foreign_was_touched()
        finally:
            self.remote.stop()
            shutil.rmtree(self.folder, ignore_errors=True)


Machine.TestCase.settings = settings(
    max_examples=int(os.environ.get("RECONCILER_MACHINES", "4")),
    stateful_step_count=40 if "RECONCILER_MACHINES" in os.environ else 15,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a smaller life would take minutes to find
    derandomize="RECONCILER_MACHINES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
test_whatever_happens = Machine.TestCase
