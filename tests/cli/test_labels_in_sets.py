"""Each label in a set of datamarts exists somewhere, wherever the set stands and however deep."""

from pathlib import Path

import pytest

from tests.support.specs import FILES, checked, codes

HEAD = "apiVersion: reconciler/v1\nkind: {}\nmetadata: {{name: x}}\nspec: "
PLACES = {
    "activations": HEAD.format("Compartment") + "{token: x, activations: %s}\n",
    "deactivations": HEAD.format("Compartment") + "{token: x, activations: retail-es, deactivations: %s}\n",
    "a source": HEAD.format("ProfileSource")
    + "{files: [a.ndjson], format: commands, fill_identity: false, datamarts: %s}\n",
    "a wave": HEAD.format("Rollout") + "{waves: [{name: a, datamarts: %s}, {name: b, datamarts: rest}]}\n",
}
WRONG = [
    ("{countri: fr}", "countri", "did you mean 'country'"),
    ("{country: frr}", "frr", "did you mean 'fr'"),
    ("{country: [fr, dee]}", "dee", "did you mean 'de'"),
    ("{country: fr, stage: canary}", "stage", "known: country"),
    ("{datamarts: {country: [xx, fr]}}", "xx", "known: ch, de, es, fr"),
    ("{datamarts: all, except: {country: dee}}", "dee", "did you mean 'de'"),
    ("{datamarts: all, except: {country: [ch, FR]}}", "FR", "known: ch, de, es, fr"),
    ("{datamarts: {datamarts: all, except: {countri: de}}, except: retail-fr}", "countri", "did you mean"),
]
RIGHT = [
    "{country: fr}",
    "{country: [fr, de]}",
    "{datamarts: [retail-fr, retail-ch], except: {country: ch}}",
    "{datamarts: {country: fr}, except: [retail-ch]}",  # said on purpose
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("expression", "what", "hint"), WRONG)
def test_a_label_that_no_datamart_has(
    tmp_path: Path, place: str, expression: str, what: str, hint: str
) -> None:
    text = PLACES[place] % expression
    verdict = checked(tmp_path, {"specs/x.yaml": text})
    (found,) = [d for d in verdict.diagnostics if d.code == "unknown-label"]
    assert not {"empty-set", "empty-wave", "idle-except"} & set(codes(verdict))
    assert f"'{what}'" in found.message
    assert hint in (found.help or "")
    assert found.span is not None
    line = text.splitlines()[found.span.line - 1]
    assert found.span.column > line.index(expression)


@pytest.mark.parametrize("place", ["activations", "a source", "a wave"])
@pytest.mark.parametrize("expression", RIGHT)
def test_labels_that_exist(tmp_path: Path, place: str, expression: str) -> None:
    found = codes(checked(tmp_path, {"specs/x.yaml": PLACES[place] % expression}))
    assert not {"unknown-label", "idle-except", "empty-set", "empty-wave"} & set(found)


@pytest.mark.parametrize("place", ["activations", "a source", "a wave"])
@pytest.mark.parametrize(
    "expression",
    [
        "{datamarts: retail-fr, except: {country: de}}",
        "{datamarts: {datamarts: {country: [fr, de]}, except: {country: [ch, es]}}}",
    ],
)
def test_an_except_of_labels_that_removes_nothing(tmp_path: Path, place: str, expression: str) -> None:
    assert "idle-except" in codes(checked(tmp_path, {"specs/x.yaml": PLACES[place] % expression}))


def test_labels_of_other_environments_and_of_ignored_datamarts_exist(tmp_path: Path) -> None:
    files = {
        "reconciler.yaml": FILES["reconciler.yaml"].replace(
            '"sandbox:"', '"sandbox:", environments: {dev: {}}'
        ),
        "specs/old.yaml": HEAD.format("Datamarts").replace("x}", "old}")
        + "{retail-it: {id: '1599', labels: {country: it}, ignore: closed}}\n",
        "specs/dev.yaml": "apiVersion: reconciler/v1\nkind: Datamarts\n"
        "metadata: {name: markets, environment: dev}\nspec: {retail-es: {labels: {country: pt}}}\n",
        "specs/x.yaml": PLACES["activations"] % "{country: [fr, it, pt]}",
    }
    assert "unknown-label" not in codes(checked(tmp_path, files))


def test_nothing_is_said_where_a_table_could_not_be_read(tmp_path: Path) -> None:
    files = {
        "specs/datamarts.yaml": "kind: Datamarts\nspec: [",
        "specs/x.yaml": PLACES["activations"] % "{country: xx}",
    }
    assert "unknown-label" not in codes(checked(tmp_path, files))
