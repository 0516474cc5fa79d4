"""Whether two installations are of one code: a checkout and a wheel of it are, although a wheel has files for users beside it."""

from pathlib import Path

import pytest

import reconciler
from reconciler.cli.wiring import cluster_worker


def digest(folder: Path, monkeypatch: pytest.MonkeyPatch, **files: str) -> str:
    for name, text in {
        "__init__": "",
        "a": "A = 1\n",
        "inner/__init__": "",
        "inner/b": "B = 1\n",
        **files,
    }.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(reconciler, "__file__", str(folder / "__init__.py"))
    return cluster_worker.own_code.__wrapped__()  # it is made once for each process


@pytest.mark.parametrize(
    ("files", "same"),
    [
        ({}, True),
        ({"pipelines/tests/test_sandbox": "def test(): ...\n"}, True),
        ({"inner/b": "B = 2\n"}, False),
        ({"c": ""}, False),
        ({"inner/c": ""}, False),
    ],
)
def test_only_code_counts(
    files: dict[str, str], same: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = digest(tmp_path / "one", monkeypatch), digest(tmp_path / "other", monkeypatch, **files)
    assert (one == other) is same
