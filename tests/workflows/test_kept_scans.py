"""No run reads again what an earlier one has read, and nothing is sent that differs from what was read."""

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reconciler.bulk.sources.locations import state
from reconciler.workspace.cache import cache_folder, code_digest
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace


def folder(workspace: Workspace) -> Path:
    found = cache_folder(workspace.root, os.environ)
    assert found
    return found


def kept(workspace: Workspace) -> Path | None:
    return next(folder(workspace).glob("scan-customers-*.json"), None)


def lines(workspace: Workspace, *args: str) -> int:
    (load,) = workspace.plan(*args)["loads"]
    return int(load["lines"])


@pytest.fixture(scope="module")
def old_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders with the customers of `read_before`, one for each test, whose files were not changed lately.

    The time at which a file was last changed cannot be set back, but stays as it is where its folder is renamed.
    """
    folders = [tmp_path_factory.mktemp("old") for _ in range(20)]
    for made in folders:
        path = made / "customers.csv"
        path.write_text("id,tier\n" + "".join(f"c{n:06d},v1\n" for n in range(30)))
        os.utime(path, (time.time() - 100,) * 2)
    time.sleep(2.5)
    return folders


@pytest.fixture
def read_before(workspace: Workspace, old_files: list[Path]) -> Workspace:
    """A workspace whose source was read by a plan, and what is kept of it says 777 lines."""
    workspace.customers(30)
    shutil.rmtree(workspace.root / "data")
    old_files.pop().rename(workspace.root / "data")
    assert workspace.run("apply", "--only", "config", "--auto-approve").code == 0
    assert lines(workspace) == 30
    path = kept(workspace)
    assert path
    (scan,) = (each["scan"] for each in json.loads(path.read_text()))
    assert scan["lines"] == 30
    rewrite(path, 777)
    return workspace


def rewrite(path: Path, lines: int, states: list[Any] | None = None) -> None:
    """Make what is kept say something else, as if it had been read, however often."""
    made = []
    for told in json.loads(path.read_text()):
        plain = msgspec.json.encode(told["scan"] | {"lines": lines})
        new = {"digest": hashlib.sha256(plain).hexdigest(), "scan": msgspec.Raw(plain)}
        made.append({**told, **new, "states": states or told["states"]})
    path.write_bytes(msgspec.json.encode(made))


def test_an_unchanged_source_is_not_read_again_and_a_changed_one_is(read_before: Workspace) -> None:
    assert lines(read_before) == 777
    assert "c000001" not in (kept(read_before) or Path()).read_text()
    with (read_before.root / "data/customers.csv").open("a") as file:
        file.write("c9,v\n")
    assert lines(read_before) == 31


def test_another_file_of_the_pattern_is_a_change(read_before: Workspace) -> None:
    read_before.write("data/more.csv", "id,tier\nx,y\n")
    assert lines(read_before) == 31


def test_another_way_to_read_it_is_a_change_and_another_limit_is_not(read_before: Workspace) -> None:
    read_before.write("specs/customers.yaml", CUSTOMERS + "  bad_lines: {allow: 5}\n")
    assert lines(read_before) == 777
    read_before.write("specs/customers.yaml", CUSTOMERS + "  profile: {exclude: [tier]}\n")
    assert lines(read_before) == 30
    read_before.write("specs/customers.yaml", CUSTOMERS)
    assert lines(read_before) == 777  # what was read in both ways is kept


@pytest.mark.parametrize("sizes", [("2MB",), ("2MB", "3MB"), ("2MB", "3MB", "5MB")])
def test_a_load_that_is_cut_in_another_way_than_the_spec_says_is_read_once(
    sizes: tuple[str, ...], read_before: Workspace
) -> None:
    """Its source is read as the spec cuts the next load, and as the names on the platform say this one was cut."""
    assert read_before.run("apply", "--auto-approve").code == 0
    for size in sizes:
        read_before.write("specs/customers.yaml", f"{CUSTOMERS}  chunk: {{max_bytes: {size}}}\n")
        lines(read_before)
    path = kept(read_before)
    assert path
    rewrite(path, 555)
    said = path.read_bytes()
    for _ in range(2):
        assert lines(read_before) == 555
        assert path.read_bytes() == said


@pytest.mark.parametrize("saved", [True, False])
def test_apply_does_not_read_to_check_what_was_read(saved: bool, read_before: Workspace) -> None:
    if saved:
        assert read_before.run("plan", "--out", str(read_before.root / "p.plan")).code == 0
    done = read_before.run("apply", *([str(read_before.root / "p.plan")] if saved else ["--auto-approve"]))
    assert done.code == 0, done
    assert "777 read" in done.out + done.err


def test_bytes_that_are_not_those_that_were_read_are_not_sent(
    read_before: Workspace, emulator: Emulator
) -> None:
    path = kept(read_before)
    assert path
    file = read_before.root / "data/customers.csv"
    file.write_text(file.read_text().replace(",v", ",w"))
    (told,) = json.loads(path.read_text())
    states = [(name, state(read_before.root, name)) for name, _ in told["states"]]
    rewrite(path, told["scan"]["lines"], states)  # as if the edit had left no trace
    done = read_before.run("apply", "--auto-approve")
    assert done.code == 4, done
    assert "the source changed during the upload" in done.out + done.err
    assert emulator.profiles("1509") == []
    assert kept(read_before) is None  # it is read anew the next time
    done = read_before.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert len(emulator.profiles("1509")) == 30


@pytest.mark.parametrize("content", ["", "{}", "nonsense"])
def test_what_is_spoilt_is_read_again(content: str, read_before: Workspace) -> None:
    path = kept(read_before)
    assert path
    path.write_text(content)
    assert lines(read_before) == 30


def test_what_is_kept_and_was_altered_is_read_again(read_before: Workspace) -> None:
    path = kept(read_before)
    assert path
    path.write_text(path.read_text().replace("777", "778"))
    assert lines(read_before) == 30


def test_another_version_of_a_library_inherits_nothing(read_before: Workspace) -> None:
    assert code_digest(("bulk",), ("msgspec",)) != code_digest(("bulk",), ("no-such-library",))


def test_the_state_of_code_at_any_depth_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bulk/records").mkdir(parents=True)
    code = tmp_path / "bulk/records/lines.py"
    code.write_text("x = 1\n")
    monkeypatch.setattr("reconciler.workspace.cache.package", str(tmp_path / "__init__.py"))
    before = code_digest(("bulk",))
    code.write_text("x = 22\n")
    assert code_digest(("bulk",)) != before


def test_a_file_written_just_now_is_not_kept(workspace: Workspace) -> None:
    workspace.customers(30)
    assert lines(workspace) == 30
    assert kept(workspace) is None


@pytest.mark.parametrize("kind", ["query", "keep_last"])
def test_what_a_run_reads_by_files_of_its_own_is_not_kept(kind: str, read_before: Workspace) -> None:
    """Spools and lists have other names in each run: what is kept of them would serve no later one, and pile up."""
    if kind == "query":
        with contextlib.closing(sqlite3.connect(read_before.root / "crm.db")) as database:
            database.executescript("CREATE TABLE c (id TEXT, tier TEXT); INSERT INTO c VALUES ('a', 'b');")
        sql = "sql: {url: 'sqlite:///crm.db', query: 'select * from c'}"
        read_before.write("specs/customers.yaml", CUSTOMERS.replace('files: ["data/*.csv"]', sql))
    else:
        read_before.write("specs/customers.yaml", CUSTOMERS + "  duplicates: keep_last\n")
        assert lines(read_before) == 30
    before = sorted(p.read_bytes() for p in folder(read_before).glob("scan-*"))
    assert read_before.run("apply", "--auto-approve").code == 0
    assert sorted(p.read_bytes() for p in folder(read_before).glob("scan-*")) == before
