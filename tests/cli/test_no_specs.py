"""A workspace without specs is no workspace without changes; files that only look like specs are named."""

from pathlib import Path

import pytest

from tests.cli.test_validate import run
from tests.support.specs import FILES, checked, codes, write


@pytest.mark.parametrize(
    "command", ["validate", "plan", "apply --auto-approve", "drift", "render", "source check x"]
)
def test_no_spec_at_all(tmp_path: Path, command: str) -> None:
    write(tmp_path, {"reconciler.yaml": FILES["reconciler.yaml"], "specs/.keep": ""})
    done = run(tmp_path, *command.split())
    assert done.code == 1
    assert "no-specs" in done.err
    assert "no spec in specs" in done.err
    assert "No changes" not in done.out


@pytest.mark.parametrize("name", ["x.YAML", "x.Yml", "deep/x.json", "x.yaml.txt"])
def test_look_alikes_are_named(tmp_path: Path, name: str) -> None:
    text = FILES["specs/loyalty.yaml"]
    verdict = checked(tmp_path, {f"specs/{name}": text})
    assert codes(verdict) == ["spec-look-alike"]
    assert f"specs/{name}" in verdict.diagnostics[0].message
    for shown in ("specs/loyalty.yaml", "specs/datamarts.yaml"):
        (tmp_path / shown).unlink()
    done = run(tmp_path, "validate")
    assert done.code == 1
    assert "no-specs" in done.err
    assert f"specs/{name}" in done.err


def test_other_files_are_not_named(tmp_path: Path) -> None:
    files = {
        "specs/README.md": "",
        "specs/.hidden.json": "",
        "specs/query.sql": "",
        "specs/b.yml": FILES["specs/loyalty.yaml"].replace("loyalty", "web"),
    }
    assert codes(checked(tmp_path, files)) == []
