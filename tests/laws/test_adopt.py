"""`adopt`: whatever exists and however the specs are written, once written a plan is empty and every comment is still there."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.model.listing import Listed
from reconciler.model.remote import Activation, Compartment, Datamart, Observed
from reconciler.planning.export.bound import adoption
from reconciler.spec.adopting import edits
from reconciler.spec.edits import comments
from reconciler.workflows.adopt import _texts, write_specs
from reconciler.workflows.check import Checked, check
from reconciler.workflows.export import differences
from tests.support.yaml_styles import render

OWN = "1185"
MARTS = {"retail-fr": "1", "retail-de": "2", "retail-ch": "3", "retail-it": "4"}
LABELS = {"retail-fr": "eu", "retail-de": "eu", "retail-ch": "other", "retail-it": "eu"}
KEYS = ["loyalty", "crm", "web"]
names = st.sampled_from(["Loyalty", "no", "a # b", "it's", "é", "🎉 fête", "null"])
members = st.sets(st.sampled_from(sorted(MARTS)), max_size=4)
sets = (
    st.sampled_from(["all", *MARTS])
    | st.lists(st.sampled_from(sorted(MARTS)), min_size=1, max_size=4, unique=True)
    | st.just({"region": "eu"})
    | st.builds(lambda inner, out: {"datamarts": inner, "except": out}, st.just("all") | st.just({"region": ["eu"]}), st.just(["retail-it"]) | st.just("retail-de"))
)  # fmt: skip
words = st.sampled_from(["why", "not: this", "[x]", "- item", "it's"])


@st.composite
def organisations(draw: st.DrawFn) -> Observed:
    ids = {key: str(10 + i) for i, key in enumerate(KEYS)}
    odd = draw(st.none() | st.just("crm"))  # twice
    there = [key for key in KEYS if draw(st.integers(0, 5))]
    rows = [Compartment(ids[k], OWN, draw(st.none() | names), k, False) for k in there]
    rows += [Compartment("99", OWN, "second", odd, False)] if odd and draw(st.booleans()) else []
    rows.append(Compartment("50", OWN, draw(names), "unmanaged", False))
    active: dict[str, list[Activation]] = {i: [] for i in MARTS.values()}
    for row in rows:
        for mart in draw(members):
            i = MARTS[mart]
            active[i].append(Activation(f"{i}{row.id}", i, row.id, False))
    for i, found in active.items():
        if found and draw(st.booleans()):
            active[i] = [Activation(found[0].id, i, found[0].compartment_id, True), *found[1:]]
    marts = tuple(Datamart(i, n, OWN, "DATAMART", False) for n, i in MARTS.items())
    return Observed(Listed(marts), Listed(tuple(rows)), {i: Listed(tuple(a)) for i, a in active.items()})


def document(draw: st.DrawFn, kind: str, name: str, spec: dict[str, object]) -> str:
    text = "".join(
        [
            f"# {draw(words)}\n" if draw(st.booleans()) else "",
            f"apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {name}}}  # {draw(words)}\n",
        ]
    )
    return f"{text}spec:{render(draw, words, spec, 1, False)}\n"


@st.composite
def files(draw: st.DrawFn) -> dict[str, str]:
    """Hand-written specs: names, sets and defaults drawn at random."""
    table: dict[str, object] = {}
    for name, identity in MARTS.items():
        entry: dict[str, object] = {"id": identity, "labels": {"region": LABELS[name]}}
        if draw(st.booleans()):
            entry["default_compartment"] = draw(st.sampled_from(KEYS))
        table[name] = entry
    texts = {"specs/datamarts.yaml": document(draw, "Datamarts", "markets", table)}
    documents = []
    for key in KEYS:
        spec: dict[str, object] = {"token": key}
        if draw(st.booleans()):
            spec["name"] = draw(names)
        if draw(st.booleans()):
            spec["activations"] = draw(sets)
        documents.append(
            document(draw, "Compartment", key, {k: spec[k] for k in draw(st.permutations(list(spec)))})
        )
    if draw(st.booleans()):
        texts["specs/all.yaml"] = "---\n".join(documents)
    else:
        texts |= {f"specs/{key}.yaml": text for key, text in zip(KEYS, documents, strict=True)}
    return texts


def workspace(root: Path, texts: dict[str, str]) -> Checked:
    (root / "specs").mkdir()
    (root / "reconciler.yaml").write_text(
        f'apiVersion: reconciler/v1\nkind: Workspace\nmetadata: {{name: w}}\nspec: {{organisation_id: "{OWN}"}}\n'
    )
    for name, text in texts.items():
        (root / name).write_text(text, "utf-8")
    return check(root, {}, {})


@pytest.mark.slow
@settings(max_examples=settings.default.max_examples // 3)  # each reads a workspace from the disk, twice
@given(organisations(), files())
def test_once_adopted_a_plan_is_empty_and_every_comment_is_there(
    observed: Observed, texts: dict[str, str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        checked = workspace(root, texts)
        assume(checked.ok)  # a default outside of the activations, a label that nothing has
        found = adoption(checked.desired(), observed, OWN, {})
        tokens = [r.token for r in observed.compartments.require().rows]
        assert {b.key for b in found.bound} == {k for k in KEYS if tokens.count(k) == 1}
        assert set(found.missing) == {f"Compartment/{k}" for k in KEYS if k not in tokens}
        assert found.ambiguous == ({"Compartment/crm": ("11", "99")} if tokens.count("crm") > 1 else {})
        wanted = edits(checked.specs, found)
        changes, by_hand = _texts(checked, wanted)
        assert not by_hand
        if found.ambiguous:
            return
        after = write_specs(root, changes, lambda: check(root, {}, {}))
        assert after.ok, [d.message for d in after.diagnostics]
        assert differences(after, observed, {}, found.missing) == ()
        for name, text in texts.items():
            now = (root / name).read_text("utf-8")
            assert sorted(comments(now)) == sorted(comments(text))
            if not any(e.file == name for e in wanted):
                assert now == text
        # Nothing is left to adopt, whatever was in the way.
        again = adoption(after.desired(), observed, OWN, {})
        left = [e for e in edits(after.specs, again) if not set(e.addresses) & {f"Activation/{m.partition('/')[2]}@{d}" for m in found.missing for d in MARTS}]  # fmt: skip
        assert not left


@settings(max_examples=settings.default.max_examples // 5)
@given(organisations(), files(), st.data())
def test_only_what_is_accepted_is_edited(
    observed: Observed, texts: dict[str, str], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        checked = workspace(Path(folder), texts)
        assume(checked.ok)
        found = adoption(checked.desired(), observed, OWN, {})
        every = sorted({a for e in edits(checked.specs, found) for a in e.addresses})
        accepted = set(data.draw(st.lists(st.sampled_from(every), unique=True))) if every else set()
        some = edits(checked.specs, replace(found), accepted.__contains__)
        assert {a for e in some for a in e.addresses} == accepted
