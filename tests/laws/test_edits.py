"""Edits of spec files: just the value changes, and every comment is still there, however the file is written."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.spec.documents import parse
from reconciler.spec.edits import Edit, comments, edited
from tests.support.yaml_styles import render

NAMES = ["retail-fr", "retail-de", "ch", "no", "x y"]
texts = st.sampled_from(["Loyalty", "no", "a # b", "it's", 'q"q', "é", "1.0", "[x", "a: b", "null", "🎉"])


@st.composite
def files(draw: st.DrawFn) -> tuple[str, list[dict[str, object]]]:
    comment = st.sampled_from(["why", "do not touch: x", "{a: b}", "- item", "it's", '"q'])
    parts, data = [], []
    for _ in range(draw(st.integers(1, 3))):
        spec: dict[str, object] = {"token": draw(texts), "name": draw(texts)}
        spec["activations"] = draw(
            st.sampled_from(["all", *NAMES])
            | st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)
            | st.fixed_dictionaries(
                {
                    "datamarts": st.just("all"),
                    "except": st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
                }
            )
            | st.fixed_dictionaries(
                {"country": st.lists(st.sampled_from(["fr", "de"]), min_size=1, max_size=2, unique=True)}
            )
        )
        order = draw(st.permutations(list(spec)))
        spec = {k: spec[k] for k in order}
        whole: dict[str, object] = {"kind": "Compartment", "spec": spec}
        data.append(whole)
        parts.append(render_document(draw, comment, whole))
    end = draw(st.sampled_from(["\n", "", "\n# the end\n"]))
    text = "---\n".join(f"{p}\n" for p in parts).rstrip("\n") + end
    return draw(st.sampled_from(["", "\ufeff"])) + (
        text.replace("\n", "\r\n") if draw(st.booleans()) else text
    ), data


def render_document(draw: st.DrawFn, comment: st.SearchStrategy[str], whole: dict[str, object]) -> str:
    lines = [f"# {draw(comment)}"] if draw(st.booleans()) else []
    for key, value in whole.items():
        lines.append(f"{key}:{render(draw, comment, value, 1, False)}")
    return "\n".join(lines)


changes = st.fixed_dictionaries(
    {},
    optional={
        "name": st.none() | texts,
        "token": texts,
        "activations": st.none()
        | st.just("all")
        | st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True)
        | st.just({"datamarts": {"country": ["fr"]}, "except": ["retail-de", "no"]}),
    },
)


@given(files(), st.data())
def test_only_the_values_change_and_no_comment_is_lost(
    file: tuple[str, list[dict[str, object]]], data: st.DataObject
) -> None:
    text, documents = file
    content = text.encode()
    found, bad = parse("x", content)
    assert not bad, (text, bad)
    assert [d.data for d in found] == documents
    edits = [
        Edit(i, ("spec", key), value)
        for i in range(len(documents))
        for key, value in data.draw(changes).items()
    ]
    made, left = edited("x", content, edits)
    assert not left, text
    again, bad = parse("x", made)
    assert not bad
    for edit in edits:
        spec = documents[edit.index]["spec"]
        assert isinstance(spec, dict)
        spec.pop(edit.path[1]) if edit.value is None else spec.__setitem__(edit.path[1], edit.value)
    assert [d.data for d in again] == documents
    assert sorted(comments(made.decode())) == sorted(comments(text))
    # Lines that no edit is about are there as they were.
    touched = {str(e.path[1]) for e in edits}
    folded = any(mark in text for mark in ("|-", ">-"))  # these take two lines
    if not folded and touched <= {"name", "token"} and all(e.value is not None for e in edits):
        before, after = text.splitlines(), made.decode().splitlines()
        assert len(before) == len(after)
        assert sum(a != b for a, b in zip(before, after, strict=True)) <= len(edits)
    if not edits:
        assert made == content


def test_what_an_alias_shares_is_left() -> None:
    content = b"spec:\n  a: &x [one]  # kept\n  b: *x\n"
    assert edited("x", content, [Edit(0, ("spec", "b"), ["two"])]) == (
        content,
        [Edit(0, ("spec", "b"), ["two"])],
    )
    made, left = edited("x", content.replace(b"*x", b"[one]"), [Edit(0, ("spec", "b"), ["one", "two"])])
    assert (made, left) == (b"spec:\n  a: &x [one]  # kept\n  b: [one, two]\n", [])


def test_a_list_keeps_its_lines() -> None:
    content = b"spec:\n  on:\n    - a  # first\n    # about b\n    - b\n    - 'c'\n  # end\n  x: 1\n"
    made, left = edited("x", content, [Edit(0, ("spec", "on"), ["b", "c", "d"])])
    assert not left
    assert made == b"spec:\n  on:\n    # first\n    # about b\n    - b\n    - 'c'\n    - d\n  # end\n  x: 1\n"


@pytest.mark.parametrize("wanted", [["a"], ["b"], ["a", "x"], ["b", "x"], ["a", "b", "x"]])
@pytest.mark.parametrize(
    "items",
    ['- "a"\n    - |-\n        b\n', "- >-\n        a\n    - b # x\n", "- a\n    - |-\n        b\n\n"],
)
def test_names_in_blocks_are_removed_and_followed(items: str, wanted: list[str]) -> None:
    text = f"kind: Compartment\nspec:\n  activations:\n    {items}  # why\n  token: t\n"
    after, left = edited("x.yaml", text.encode(), [Edit(0, ("spec", "activations"), wanted)])
    assert not left
    assert yaml.safe_load(after)["spec"] == {"activations": wanted, "token": "t"}
    assert sorted(comments(after.decode())) == sorted(comments(text))
