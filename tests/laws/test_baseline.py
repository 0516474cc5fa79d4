"""What `drift` compares with is what the platform showed, never what a document says (G12): entries that were made up, and entries that were left out."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.baseline import Left
from reconciler.model.listing import Listed
from reconciler.model.remote import Activation, Compartment, Observed
from reconciler.planning.digests import plan_digest
from reconciler.planning.plan.baseline import activation, as_shown, compartment
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

IDS, MARTS, TOKENS = ("1", "2", "3"), ("fr", "de"), ("a", "b", "c")
identities = st.sampled_from(
    [None, "", "x", *map(compartment, IDS), *(activation(m, i) for m in MARTS for i in IDS)]
)
shapes = st.one_of(
    st.none(),
    st.just({}),
    st.fixed_dictionaries({"token": st.sampled_from(TOKENS), "name": st.sampled_from([None, "n", "forged"])}),
    st.fixed_dictionaries({"default": st.booleans()}),
)
addresses = st.sampled_from(["Compartment/a", "Compartment#9", "Activation/a@fr", "Activation/b@de", "x"])
lefts = st.lists(st.builds(Left, addresses, identities, shapes), max_size=6)


@st.composite
def platforms(draw: st.DrawFn) -> Observed:
    rows = draw(st.dictionaries(st.sampled_from(IDS), st.sampled_from(TOKENS)))
    active = {m: draw(st.dictionaries(st.sampled_from(IDS), st.booleans())) for m in MARTS}
    return Observed(
        Listed(()),
        Listed(tuple(Compartment(i, "7", "n", token, False) for i, token in rows.items())),
        {m: Listed(tuple(Activation(f"r{i}", m, i, d) for i, d in on.items())) for m, on in active.items()},
    )


def shown_by(seen: Observed) -> dict[str, dict[str, Any]]:
    assert isinstance(seen.compartments, Listed)
    found: dict[str, dict[str, Any]] = {
        compartment(c.id): {"token": c.token, "name": c.name} for c in seen.compartments.rows
    }
    for mart, listing in seen.activations.items():
        found |= {activation(mart, a.compartment_id): {"default": a.default} for a in listing.require().rows}
    return found


@given(lefts, lefts, platforms())
def test_nothing_is_kept_but_what_is_shown(said: list[Left], recorded: list[Left], seen: Observed) -> None:
    shown = shown_by(seen)
    before = {row.address: row for row in recorded}
    kept = {row.address: row for row in as_shown(said, list(before.values()), seen)}
    for address, row in kept.items():
        if row == before.get(address) and row.identity in shown:
            continue  # on record, and still there
        if row.shape is None:
            assert row.identity is not None
            assert row.identity not in shown
        elif not row.unknown:
            assert row.identity is not None
            assert row.shape.items() <= shown[row.identity].items()
    identities_kept = {row.identity for row in kept.values()}
    for row in before.values():  # what a document leaves out is not forgotten while it is there
        assert row.identity not in shown or row.address in kept or row.identity in identities_kept


def test_a_forged_plan_leaves_no_mark_on_later_drift(workspace: Workspace, emulator: Emulator) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    file = workspace.root / "plan.json"
    assert workspace.run("plan", "--out", str(file)).code == 0
    document = json.loads(file.read_text())
    there = {"kind": "Compartment", "compartment_id": "66", "token": "made-up", "name": "Made up"}
    document |= {"created_at": "8000-01-01T00:00:00+00:00", "unmanaged": [there]}
    file.write_text(json.dumps({**document, "plan_digest": plan_digest(document)}))
    assert workspace.run("apply", str(file)).code == 0
    calm = workspace.run("drift", "--detailed-exitcode")
    assert (calm.code, "No drift." in calm.out) == (0, True), calm
    loyalty = next(c for c in emulator.compartments() if c["token"] == "loyalty")
    emulator.store.update("compartment", loyalty["id"], {"name": "By hand"})
    moved = workspace.run("drift", "--detailed-exitcode")
    assert (moved.code, '"Loyalty programme" -> "By hand"' in moved.out) == (2, True), moved
    assert workspace.run("apply", "--auto-approve").code == 0  # a time that is to come does not outlast it
    assert workspace.run("drift", "--detailed-exitcode").code == 0
