"""`export`, then `plan`: no change, for any organisation; and everything is declared, or remarked on with a reason."""

import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.desired import Desired
from reconciler.model.export import Export
from reconciler.model.listing import Listed
from reconciler.model.remote import Activation, Compartment, Datamart, Import, Observed
from reconciler.planning.config.removals import Pruning
from reconciler.planning.export.declared import export
from reconciler.planning.export.names import LONGEST, name_for
from reconciler.planning.plan.planner import plan_config
from reconciler.spec import exported
from reconciler.workflows.check import Checked, check

OWN = "1185"
odd = st.sampled_from(
    ["", " ", "no", "NULL", "12.10", "0x1F", "1e3", "~", "- a", "a: b # c", "{x}", "Loyalty", "loyalty", "LOYALTY", "🎉 fête",
     "tab\there", "line\nbreak", "\u2028", "\u202eabc", "\ufeff", "\x00\x1b[31m", "quote\"'", "back\\slash", "é", "e\u0301", "all", "rest",
     "default", "*", "&a", "!tag", "%", "@x", "`", "x" * 200, "=", "<<", "日本", "\ud800", "---", "...", "?"]
)  # fmt: skip
texts = odd | st.text(max_size=12)
numbers = st.integers(1, 30).map(str)
datamarts = st.lists(
    st.builds(
        Datamart, numbers, texts, st.sampled_from([OWN, OWN, OWN, "", "2000"]), st.sampled_from(["DATAMART", "DATAMART", "CROSS_DATAMART"]), st.sampled_from([False, False, True])
    ),
    max_size=6, unique_by=lambda d: d.id,
)  # fmt: skip
compartments = st.lists(
    st.builds(
        Compartment, numbers, st.sampled_from([OWN, OWN, OWN, "", "2000"]), st.none() | texts, texts, st.sampled_from([False, False, True])
    ),
    max_size=8, unique_by=lambda c: c.id,
)  # fmt: skip


@st.composite
def organisations(draw: st.DrawFn) -> Observed:
    marts = [Datamart("999", "kept", OWN, "DATAMART", False), *draw(datamarts)]
    rows = draw(compartments)
    active = {}
    for mart in marts:
        ids = draw(st.lists(st.sampled_from([r.id for r in rows] or ["77"]) | st.just("88"), max_size=5))
        active[mart.id] = Listed(
            tuple(Activation(f"{mart.id}{n:03d}", mart.id, c, draw(st.booleans())) for n, c in enumerate(ids))
        )
    foreign = Compartment("88", "2000", "far", "far", draw(st.booleans()))
    imports = {m.id: Listed((Import("1", draw(texts)),)) for m in marts}
    return Observed(Listed(tuple(marts)), Listed(tuple(rows)), active, imports, {"88": Listed((foreign,))})


def written(root: Path, found: Export, layout: exported.Layout) -> Checked:
    """The workspace after its files were written and read again."""
    (root / "specs").mkdir()
    (root / "reconciler.yaml").write_text(
        f'apiVersion: reconciler/v1\nkind: Workspace\nmetadata: {{name: w}}\nspec: {{organisation_id: "{OWN}"}}\n'
    )
    for path, text in exported.files(found, layout, lambda name: name, lambda p: root / "specs" / p).items():  # type: ignore[arg-type,return-value]
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text, "utf-8")
    return check(root, {}, {})


@given(organisations(), st.sampled_from(["per-compartment", "single-file"]))
def test_what_is_exported_plans_to_nothing(observed: Observed, layout: exported.Layout) -> None:
    found = export(observed, OWN, Desired())
    with tempfile.TemporaryDirectory() as folder:
        checked = written(Path(folder), found, layout)
        assert checked.ok, [d.message for d in checked.diagnostics]
        desired = checked.desired()
    # plan reads the pinned compartments one by one
    pins = {c.id: Listed(tuple(r for listing in (observed.compartments, observed.pinned["88"]) if isinstance(listing, Listed) for r in listing.rows if r.id == c.id)) for c in desired.compartments.values() if c.id}  # fmt: skip
    plan = plan_config(desired, replace(observed, pinned=pins), OWN, Pruning(frozenset(), lambda _: False))
    assert [c.address for c in plan.changes if c.change.actions != ("no-op",)] == []
    assert not plan.blocked
    assert not [d for d in plan.diagnostics if d.severity.value == "error"], plan.diagnostics
    # A second export of the same has nothing left to declare.
    again = export(observed, OWN, desired)
    assert not again.datamarts
    assert not again.compartments


@given(organisations())
def test_everything_is_declared_or_remarked_on(observed: Observed) -> None:
    found = export(observed, OWN, Desired())
    told = " ".join(r.about for r in found.remarks)
    assert isinstance(observed.datamarts, Listed)
    assert isinstance(observed.compartments, Listed)
    declared = {d.id for d in found.datamarts}
    for mart in observed.datamarts.rows:
        assert mart.id in declared or f"datamart {mart.id} " in told
    said = [(c.token, c.id) for c in found.compartments]
    for row in observed.compartments.rows:
        assert any(row.id == i or row.token == t for t, i in said) or f"compartment {row.id} " in told
    pairs = {(c.key, d) for c in found.compartments for d in c.datamarts}
    count = len({(m, r.compartment_id) for m in declared for r in observed.activations[m].require().rows})
    left = len({r.about for r in found.remarks if r.about.startswith("activation of")})
    assert len(pairs) + left == count
    archived = {r.id for r in observed.compartments.rows if r.archived}
    for remark in found.remarks:
        if remark.about.startswith("activation of") and remark.about.split()[3] in archived:
            assert remark.why == "no spec can declare this compartment: it is archived"


@given(st.lists(st.tuples(texts, numbers), max_size=20, unique_by=lambda p: p[1]))
def test_names_differ_and_fit(pairs: list[tuple[str, str]]) -> None:
    used: set[str] = set()
    for text, identity in pairs:
        name = name_for(text, identity, used, "datamart")
        assert name not in used
        assert name not in ("all", "rest")
        assert 0 < len(name) <= LONGEST
        used.add(name)


@given(texts)
def test_texts_are_read_back(text: str) -> None:
    if any("\ud800" <= c <= "\udfff" for c in text):
        return
    from reconciler.spec.documents import parse

    documents, findings = parse("x", f"a: {exported.scalar(text)}\n".encode())
    assert not findings
    assert documents[0].data == {"a": text}
