"""A plan may say anything; what it does is what the specs declare (G12).

One field of a plan with every kind of action is changed, and the digest made to fit: the plan is refused, or what changed is a
decision, a word, or what the plan says of the platform (looked at again before anything is written), and it does the same as before.
"""

import functools
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.scan.source_scans import Scans
from reconciler.errors import Refused
from reconciler.kinds.names import ChunkName, LoadKey, SealName
from reconciler.model.asked import Overrides
from reconciler.model.desired import Desired
from reconciler.model.listing import Listed
from reconciler.model.plan import Plan
from reconciler.model.remote import Activation, Compartment, Datamart, Import, Observed
from reconciler.model.unchanged import NOTHING, resources
from reconciler.planning.config.removals import Pruning
from reconciler.planning.digests import plan_digest
from reconciler.planning.loads.changes import RemoteLoads, decide_load, plan_load, plan_unread
from reconciler.planning.loads.failed_rows import failed_rows
from reconciler.planning.loads.retention import superseded_imports
from reconciler.planning.plan.authority import refusals
from reconciler.planning.plan.document import decode, encode, full
from reconciler.planning.plan.planner import (
    Occasion,
    acting_addresses,
    assemble,
    plan_config,
    prune_requires,
)
from reconciler.settings import Guards
from reconciler.workflows.check import check

FILES = {
    "reconciler.yaml": """\
apiVersion: reconciler/v1
kind: Workspace
metadata: {name: shop}
spec: {organisation_id: "1185", endpoint: "https://example.org", guards: {from: 1000}}
""",
    "specs/all.yaml": """\
apiVersion: reconciler/v1
kind: Datamarts
metadata: {name: markets}
spec:
  fr: {id: "1509", default_compartment: vip}
  de: {id: "1510"}
---
apiVersion: reconciler/v1
kind: Compartment
metadata: {name: loyalty}
spec: {name: Loyalty, token: loyalty, activations: all}
---
apiVersion: reconciler/v1
kind: Compartment
metadata: {name: vip}
spec: {name: Very important, token: vip, activations: all}
---
apiVersion: reconciler/v1
kind: Compartment
metadata: {name: old}
spec: {token: old, deactivations: all}
---
apiVersion: reconciler/v1
kind: Compartment
metadata: {name: pinned}
spec: {id: "77", activations: fr}
---
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: customers}
spec:
  files: ["data/*.csv"]
  datamarts: fr
  identify_by: {compartment: loyalty, user_account_id: id}
  keep_generations: 1
---
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: orders}
spec:
  sql: {url: {env: URL}, query: select id from orders}
  datamarts: de
  identify_by: {compartment: vip, user_account_id: id}
---
apiVersion: reconciler/v1
kind: Rollout
metadata: {name: default}
spec:
  waves:
    - {name: canary, datamarts: fr, soak: 1m, gates: {max_failed_lines: 3, command: {run: ["true", x], env: [A]}}}
    - {name: everyone, datamarts: rest}
""",
    "data/a.csv": "id,tier\n1,x\n2,y\n",
}


def named(generation: int) -> list[Import]:
    key = LoadKey("shop", "customers", generation, f"{generation:012x}")
    return [
        Import(f"{generation}1", str(ChunkName(key, 1000, 1, 1, "a" * 12, 1))),
        Import(f"{generation}2", str(SealName(key, 5, 0))),
    ]


IMPORTS = Listed(tuple(named(1) + named(2)))
SEEN = Observed(
    Listed(tuple(Datamart(i, "", "1185", "DATAMART", False) for i in ("1509", "1510"))),
    Listed(
        (
            Compartment("1001", "1185", "Important", "vip", False),
            Compartment("1002", "1185", "Old", "old", False),
            Compartment("77", "1185", "Pinned", "pin", False),
        )
    ),
    {
        "1509": Listed((Activation("11", "1509", "1001", False), Activation("12", "1509", "1002", False))),
        "1510": Listed((Activation("13", "1510", "1001", False), Activation("14", "1510", "77", False))),
    },
    {"1509": IMPORTS, "1510": Listed(())},
)


@functools.cache
def made() -> tuple[Plan, Desired]:
    """A plan with every kind of action, and what it is from."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in FILES.items():
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(text)
        checked = check(root, {}, {})
        desired = checked.desired()
        config = plan_config(desired, SEEN, "1185", Pruning(frozenset({"Activation@de"})))
        customers, orders = (
            desired.loads[a] for a in ("ProfileSource/customers@fr", "ProfileSource/orders@de")
        )
        scan = Scans(root, lambda *_: None).get(customers.definition)
        ids = {k: config.ids[k] for k in customers.definition.compartments}
        remote = RemoteLoads(IMPORTS)
        decided = decide_load(replace(customers.definition, compartments=ids), scan, remote, Overrides())
        change, _ = plan_load(customers, decided, scan, remote, Overrides())
        definition = orders.definition
        query = msgspec.json.decode(msgspec.json.encode(definition)) | {"compartments": {"vip": "1001"}}
        query["sql"]["digest"] = "d" * 64
        unread = plan_unread(orders, msgspec.convert(query, type(definition)), Listed(()), Overrides())
        loads = [change, msgspec.structs.replace(unread, tokens={"vip": "vip"})]
        changes = [*config.changes, *superseded_imports(customers, IMPORTS.rows)]
        kept, kept_loads = prune_requires(changes, loads, acting_addresses(changes))
        plan = assemble(
            kept, kept_loads, [], checked.settings, "s",
            Occasion(created_at="2026-01-02T03:04:05.678+00:00", prune=("Activation@de",), unchanged=config.same.made()),
            errored=False, complete=True, rollout=desired.rollout,
        )  # fmt: skip
        return decode(encode(plan).encode(), "p"), desired  # as it comes back from a file


@functools.cache
def document(*, in_full: bool = False) -> dict[str, Any]:
    plan = made()[0]
    return json.loads(encode(full(plan) if in_full else plan))


forms = st.booleans().map(lambda in_full: document(in_full=in_full))


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(p for k, v in inner for p in paths(v, (*here, k)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def read(text: dict[str, Any]) -> Plan:
    return decode(json.dumps({**text, "plan_digest": plan_digest(text)}).encode(), "p")


def acts(plan: Plan) -> set[str]:
    """What a plan does where, whatever it says that the platform was."""
    found = set()
    for c in plan.resource_changes:
        if c.change.actions != ("no-op",):
            where = (c.change.before or c.change.after or {}).get("datamart_id")
            found.add(
                repr(
                    (
                        c.address,
                        c.kind,
                        c.change.actions,
                        where,
                        c.requires,
                        c.wave,
                        sorted((c.change.after or {}).items()),
                    )
                )
            )
    for x in plan.loads:
        source = dict(x.definition)
        source["sql"] = source.get("sql") and {**source["sql"], "digest": ""}
        found.add(repr((x.address, x.datamart_id, x.requires, x.wave, sorted(source.items(), key=str))))
    if plan.rollout is not None:
        found.add(repr((plan.rollout.waves, plan.rollout.on_failure, plan.rollout.paused)))
    return found


# Of another workspace: `check_plan` compares these.
PLACE = {"workspace", "organisation_id", "endpoint", "environment", "format_version", "tool_version"}
VALUES = st.one_of(
    st.sampled_from([None, True, False, 0, 1, 7, "", "x", "fr", "de", "1509", "1510", "77", "1001", "/etc/passwd", [], ["x"], {}]),
    st.text(max_size=5),
    st.integers(0, 10**6),
)  # fmt: skip


def test_the_plan_has_every_kind_of_action_and_is_declared() -> None:
    plan, desired = made()
    kinds = {(c.kind, c.change.actions[0]) for c in resources(plan)}
    assert kinds >= {
        ("Compartment", "create"), ("Compartment", "update"), ("Compartment", "no-op"), ("Activation", "create"),
        ("Activation", "update"), ("Activation", "delete"), ("DocumentImport", "delete"),
    }  # fmt: skip
    assert {x.unread for x in plan.loads} == {True, False}
    assert refusals(plan, desired, Guards()) == []
    assert plan.unchanged.compartments
    assert plan.unchanged.activations
    for in_full in (False, True):
        assert refusals(read(document(in_full=in_full)), desired, Guards()) == []


@given(st.data())
def test_one_changed_field_is_refused_or_changes_nothing_that_is_done(data: st.DataObject) -> None:
    plan, desired = made()
    original = data.draw(forms)
    path = data.draw(st.sampled_from([p for p in paths(original) if p and p[0] not in PLACE]))
    text = changed(original, path, data.draw(VALUES))
    try:
        forged = read(text)
    except (Refused, UnicodeError, msgspec.ValidationError):
        return
    assert refusals(forged, desired, Guards()) or acts(forged) == acts(plan), path


@given(st.data())
def test_one_added_or_removed_field_is_refused_or_changes_nothing_that_is_done(data: st.DataObject) -> None:
    """What is left out of a plan is not done; nothing else changes by that."""
    plan, desired = made()
    original = data.draw(forms)
    inner = [p for p in paths(original) if p and p[0] not in PLACE]
    path = data.draw(st.sampled_from(inner))
    parent: Any = original
    for key in path[:-1]:
        parent = parent[key]
    less = [v for i, v in enumerate(parent) if i != path[-1]] if isinstance(parent, list) else {k: v for k, v in parent.items() if k != path[-1]}  # fmt: skip
    more = [*parent, data.draw(VALUES)] if isinstance(parent, list) else {**parent, "default": True}
    for new in (less, more):
        try:
            forged = read(changed(original, path[:-1], new))
        except (Refused, UnicodeError, msgspec.ValidationError):
            continue
        assert refusals(forged, desired, Guards()) or acts(forged) <= acts(plan), path


@given(st.data())
def test_two_entries_that_change_places_are_refused(data: st.DataObject) -> None:
    """What one action does, under another one's address."""
    plan, desired = made()
    original = data.draw(forms)
    entries = original["resource_changes"]
    one, other = data.draw(st.permutations(range(len(entries))).map(lambda p: p[:2]))
    swapped = [dict(e) for e in entries]
    swapped[one]["change"], swapped[other]["change"] = entries[other]["change"], entries[one]["change"]
    try:
        forged = read({**original, "resource_changes": swapped})
    except Refused:
        return
    assert refusals(forged, desired, Guards()) or acts(forged) == acts(plan)


def test_a_retry_takes_its_rows_from_the_spool_alone() -> None:
    plan, desired = made()
    load = next(x for x in plan.loads if not x.unread)
    own = ".reconciler/spool/customers-1509-3.1/0000.ndjson"
    definition = desired.loads[load.address].definition
    for place, good in [
        (own, True),
        ("data/a.csv", False),
        (".reconciler/spool/customers-1509-3.1/../../x", False),
        (".reconciler/spool/other-1509-3.1/0000.ndjson", False),
        (own.replace("1509", "1510"), False),
        (own.replace("3.1", "3.2"), False),
        (f"../{own}", False),
    ]:
        made_of = msgspec.to_builtins(failed_rows(definition, place))
        again = msgspec.structs.replace(
            load,
            retry=1,
            generation=3,
            definition=made_of,
            requires=(),
            tokens={},
            wave=None,
            after_unknown={},
        )
        only = msgspec.structs.replace(
            plan, resource_changes=(), unchanged=NOTHING, loads=(again,), rollout=None
        )
        assert (refusals(only, desired, Guards()) == []) is good, place
