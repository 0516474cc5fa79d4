"""Whether two installations are of one code: a checkout and a wheel of it are, although a wheel has files for users beside it.
What is kept for later runs depends on all code that makes it."""

import subprocess
import sys
from pathlib import Path

import pytest

import reconciler
from reconciler.bulk.scan import scan_cache
from reconciler.cli.wiring import cluster_worker
from reconciler.workspace import cache, verdict_cache


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


@pytest.mark.parametrize(
    ("makes", "counted"),
    [
        ("reconciler.workflows.validate", verdict_cache.CODE),
        ("reconciler.bulk.scan.source_scans", scan_cache.CODE),
    ],
)
def test_all_packages_that_make_what_is_kept_are_counted(makes: str, counted: tuple[str, ...]) -> None:
    code = f"import sys, {makes}; print(*(m for m in sys.modules if m.startswith('reconciler.')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {m.split(".")[1] for m in done.stdout.split()}
    home = Path(reconciler.__file__).parent
    assert {name for name in loaded if (home / name).is_dir()} <= set(counted)


def test_modules_beside_the_packages_count_always(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.workspace.cache.package", str(tmp_path / "__init__.py"))
    (tmp_path / "settings.py").write_text("A = 1\n")
    before = cache.code_digest(())
    (tmp_path / "settings.py").write_text("A = 22\n")
    assert cache.code_digest(()) != before
