"""Which files and objects a pattern means: nothing is left out because it cannot be read, nothing is read twice."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.sources import locations
from reconciler.bulk.sources.patterns import matches, natural
from reconciler.errors import ReconcilerError
from reconciler.model.source import SourceDefinition

SOURCE = SourceDefinition(workspace="w", source="s", files=("data/*.csv",), format="csv")


def found(root: Path, *patterns: str) -> list[str]:
    return locations.find(root, replace(SOURCE, files=patterns))


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"id\n{name}\n")


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("data/*.csv", ["data/a1.csv", "data/a10.csv"]),
        ("data/a?.csv", ["data/a1.csv"]),
        ("data/a[0-9].csv", ["data/a1.csv"]),
        ("data/**/*.csv", ["data/a1.csv", "data/a10.csv", "data/de/x.csv", "data/de/y/z.csv"]),
        ("data/*/x.csv", ["data/de/x.csv"]),
        ("data/[2026] a.csv", ["data/[2026] a.csv"]),
        ("data/[1-9] *.csv", ["data/2 a.csv"]),
        ("[x]/*.csv", ["[x]/a.csv"]),
        ("data/.*.csv", ["data/.hidden.csv"]),
        ("./data//a1.csv", ["data/a1.csv"]),
    ],
)
def test_patterns(pattern: str, names: list[str], tmp_path: Path) -> None:
    write(
        tmp_path,
        "data/a1.csv",
        "data/a10.csv",
        "data/.hidden.csv",
        "data/de/x.csv",
        "data/de/y/z.csv",
        "x/b.csv",
    )
    write(tmp_path, "[x]/a.csv", "data/.git/x.csv")
    if " " in pattern:
        write(tmp_path, "data/[2026] a.csv", "data/2 a.csv")
    assert [n.removeprefix("./") for n in found(tmp_path, pattern)] == names  # fmt: skip


def test_numbers_in_names_are_sorted_by_their_value(tmp_path: Path) -> None:
    names = ["data/2025/part-1.csv", *(f"data/2026/part-{n}.csv" for n in (1, 2, 10, 11, 100))]
    write(tmp_path, *reversed(names))
    assert found(tmp_path, "data/**/*.csv") == found(tmp_path, *names[::-1]) == names


@given(st.lists(st.text("a01-/.", max_size=8), max_size=8))
def test_the_order_is_the_same_however_names_are_listed(names: list[str]) -> None:
    assert sorted(names, key=natural) == sorted(sorted(names), key=natural)


@given(st.lists(st.sampled_from(["a", "b", ".c"]), min_size=1, max_size=4))
def test_two_stars_match_any_number_of_folders(names: list[str]) -> None:
    hidden = any(n.startswith(".") for n in names)
    assert matches(["**"], names) == matches(["**", "*"], names) == (not hidden)
    assert matches(["**", names[-1]], names) == (not any(n.startswith(".") for n in names[:-1]))


def test_a_link_to_nothing_stops_the_source(tmp_path: Path) -> None:
    write(tmp_path, "data/a.csv")
    (tmp_path / "data/b.csv").symlink_to("gone.csv")
    with pytest.raises(ReconcilerError, match=r"the target of the link data/b\.csv does not exist"):
        found(tmp_path, "data/*.csv")


@pytest.mark.parametrize("pattern", ["data/*/*.csv", "data/**/*.csv", "data/de/*.csv"])
def test_a_linked_folder_that_does_not_exist_stops_the_source(pattern: str, tmp_path: Path) -> None:
    write(tmp_path, "data/fr/a.csv")
    (tmp_path / "data/de").symlink_to("../elsewhere")
    with pytest.raises(ReconcilerError, match="the target of the link data/de does not exist"):
        found(tmp_path, "data/fr/a.csv", pattern)


def test_a_link_to_itself_stops_the_source(tmp_path: Path) -> None:
    write(tmp_path, "data/a.csv")
    (tmp_path / "data/b.csv").symlink_to("b.csv")
    with pytest.raises(ReconcilerError, match=r"cannot read data/b\.csv"):
        found(tmp_path, "data/*.csv")


@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["data/*/*.csv", "data/**/*.csv"])
def test_a_folder_that_cannot_be_read_stops_the_source(pattern: str) -> None:
    # Not below pytest's folder: every pytest that starts shuts that to other users, and root can read everything.
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        write(root, "data/fr/a.csv", "data/de/b.csv")
        (root / "data/de").chmod(0)
        script = f"""import os, pathlib
from reconciler.bulk.sources import locations
from tests.unit.test_places import found
if os.getuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
print(found(pathlib.Path({folder!r}), {pattern!r}))"""
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        (root / "data/de").chmod(0o755)
    assert "cannot read the folder data/de: Permission denied" in done.stderr, done


def test_a_file_is_read_once_whatever_links_lead_to_it(tmp_path: Path) -> None:
    write(tmp_path, "data/2026-11-25.csv")
    (tmp_path / "data/2026-latest.csv").symlink_to("2026-11-25.csv")
    (tmp_path / "data/zz.csv").hardlink_to(tmp_path / "data/2026-11-25.csv")
    assert found(tmp_path, "data/*.csv") == ["data/2026-11-25.csv"]
    (tmp_path / "data/current").symlink_to(".")
    (tmp_path / "linked").symlink_to("data")
    assert found(tmp_path, "data/**/*.csv", "linked/*.csv") == ["data/2026-11-25.csv"]


def test_what_marks_data_is_no_data(tmp_path: Path) -> None:
    write(tmp_path, "data/a.csv", "data/.a.csv.crc", "data/sub/b.csv", "data/_of_people.csv")
    (tmp_path / "data/_SUCCESS").touch()
    assert found(tmp_path, "data/*") == ["data/_of_people.csv", "data/a.csv"]
    (tmp_path / "data/empty.csv").touch()  # an export without even a header is not passed over
    assert "data/empty.csv" in found(tmp_path, "data/*")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
@pytest.mark.parametrize(
    "pattern", ["data/*.csv", "*/b.csv", "**/b.csv", "data/b*", "data/b.csv", "data/[b].csv"]
)
def test_what_matches_by_its_own_name_and_is_no_file_stops_the_source(
    pattern: str, make: Callable[[Path], None], tmp_path: Path
) -> None:
    write(tmp_path, "data/a.csv", "more/b.csv")
    make(tmp_path / "data/b.csv")
    with pytest.raises(ReconcilerError, match=r"data/b\.csv is (a folder|not a file)"):
        found(tmp_path, pattern)


def test_what_is_no_file_is_reported(tmp_path: Path) -> None:
    write(tmp_path, "data/a.csv")
    os.mkfifo(tmp_path / "data/b.csv")
    with pytest.raises(ReconcilerError, match=r"data/b\.csv is not a file"):
        found(tmp_path, "data/*.csv")
    with pytest.raises(ReconcilerError, match="data is a folder"):
        found(tmp_path, "data")
