"""`plan` does not read again what it has read; `apply` always reads."""

import json
import os
import time
from pathlib import Path

import pytest

from reconciler.workspace.cache import cache_folder
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace


def kept(workspace: Workspace) -> Path | None:
    folder = cache_folder(workspace.root, os.environ)
    return next(folder.glob("scan-customers-*.json"), None) if folder else None


def lines(workspace: Workspace, *args: str) -> int:
    (load,) = workspace.plan(*args)["loads"]
    return int(load["lines"])


@pytest.fixture
def read_before(workspace: Workspace) -> Workspace:
    """A workspace whose source was read by a plan, and what is kept of it says 777 lines."""
    workspace.customers(30)
    old = time.time() - 100
    os.utime(workspace.root / "data/customers.csv", (old, old))
    time.sleep(2.5)  # the time at which a file was last changed cannot be set back
    assert lines(workspace) == 30
    path = kept(workspace)
    assert path
    told = json.loads(path.read_text())
    assert told["scan"]["lines"] == 30
    told["scan"]["lines"] = 777
    path.write_text(json.dumps(told))
    return workspace


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


def test_apply_reads(read_before: Workspace, emulator: Emulator) -> None:
    done = read_before.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert "30 read = 30 to send" in done.out + done.err


@pytest.mark.parametrize("content", ["", "{}", "nonsense"])
def test_what_is_spoilt_is_read_again(content: str, read_before: Workspace) -> None:
    path = kept(read_before)
    assert path
    path.write_text(content)
    assert lines(read_before) == 30


def test_a_file_written_just_now_is_not_kept(workspace: Workspace) -> None:
    workspace.customers(30)
    assert lines(workspace) == 30
    assert kept(workspace) is None
