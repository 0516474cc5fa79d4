"""Ordinary mistakes in specs: each is found by `validate`, at its place, with what is meant."""

from pathlib import Path

import pytest

from tests.support.workspace import CUSTOMERS, Workspace

LOYALTY = "specs/loyalty.yaml"
SOURCE = "specs/customers.yaml"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = Workspace(Path(tmp_path_factory.mktemp("meant")) / "ws", "https://api.test.example")
    made.customers(3)
    return made


@pytest.mark.parametrize(
    ("file", "written", "wrong", "words", "advice"),
    [
        (LOYALTY, "activations: all", 'activations: "*"', "no spec declares the datamart '*'", "write all"),
        (LOYALTY, "activations: all", "activations: country=fr", "datamart 'country=fr'", "{country: fr}"),
        (LOYALTY, "activations: all", "activations: country:de", "datamart 'country:de'", "{country: de}"),
        (LOYALTY, "activations: all", "activations: fr", "datamart 'fr'", "{country: fr}"),
        (LOYALTY, "activations: all", "activations: none", "datamart 'none'", "remove the field"),
        (LOYALTY, "activations: all", "activations: 'retail-fr, retail-de'", "datamart 'retail-fr, retail-de'", "write a list: [retail-fr, retail-de]"),
        (LOYALTY, "activations: all", "activations: retail-fr retail-de", "datamart 'retail-fr retail-de'", "write a list: [retail-fr, retail-de]"),
        (LOYALTY, "activations: all", "activations: zzz", "datamart 'zzz'", "known: "),
        (LOYALTY, "activations: all", "activations: ", "this is empty", "for example `activations: all`"),
        (LOYALTY, "kind: Compartment", "kind: Activation", "unknown kind 'Activation'", "activations:"),
        (SOURCE, "data/*.csv", "data/{datamart.labels.land}.csv", "no datamart has the label 'land'", "known: country"),
        (SOURCE, "data/*.csv", "data/{datamart.labels.countri}.csv", "no datamart has the label", "did you mean 'country'?"),
        ("reconciler.yaml", 'endpoint: https://api.test.example', "endpoint: sandbox", "endpoint: cannot be used", "did you mean 'sandbox:'?"),
        ("reconciler.yaml", "specs: [specs]", "specs: [spec]", "no file or folder spec", "did you mean 'specs'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_finding_with_what_is_meant(
    workspace: Workspace, file: str, written: str, wrong: str, words: str, advice: str
) -> None:
    path = workspace.root / file
    right = path.read_text()
    assert written in right, right
    try:
        path.write_text(right.replace(written, wrong, 1))
        done = workspace.run("validate", "-o", "text")
    finally:
        path.write_text(right)
    line = right[: right.index(written)].count("\n") + 1
    assert done.code == 1, done
    assert done.err.count("error[") == 1, done.err
    for part in (words, advice, f"{file}:{line}:"):
        assert part in done.err, done.err


def test_a_file_in_a_folder_below(workspace: Workspace) -> None:
    """A placeholder that is forgotten: the file is there, deeper."""
    workspace.write("data/fr/mails.csv", "id,tier\n1,a\n")
    workspace.write(SOURCE, CUSTOMERS.replace("data/*.csv", "data/mails.csv"))
    done = workspace.run("source", "check", "customers")
    assert done.code == 1
    assert "Files of this name: data/fr/mails.csv." in done.err


def test_datamarts_that_the_sandbox_keeps(tmp_path: Path) -> None:
    """A wrong id is planted as a datamart: once it is corrected, the finding about it says what removes it."""
    made = Workspace(tmp_path / "ws", "'sandbox:'")
    table = (made.root / "specs/datamarts.yaml").read_text()
    try:
        for text in (table.replace('"1510"', '"1777"'), table):
            made.write("specs/datamarts.yaml", text)
            done = made.run("plan")
            assert done.code == 0, done
        assert "1777 ('retail-de')" in done.err
        assert "`reconciler -C" in done.err
        assert "sandbox reset` removes" in done.err.replace("\n", " ")
        made.run("sandbox", "reset")
        assert "1777" not in made.run("plan").err
    finally:
        made.run("sandbox", "stop")
