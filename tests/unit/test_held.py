"""Folders in use: who holds one is known to all, the end of a process lets go, and without locks nothing is removed."""

import errno
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.bulk.scan.held import NAME, Holds, Owner, Use, owner_of
from reconciler.bulk.scan.spool import Spools
from reconciler.model.source import Query, SourceDefinition

OWNER = Owner("https://platform.example", "1185", "dev")


def kept(path: Path) -> None:
    raise AssertionError(f"{path} is held")


def none_here(code: int) -> Callable[[int, int], None]:
    def flock(handle: int, kind: int) -> None:
        raise OSError(code, os.strerror(code))

    return flock


def test_what_one_writes_another_neither_removes_nor_reads(tmp_path: Path) -> None:
    writer, other = Holds(), Holds()
    assert writer.write(tmp_path, OWNER)
    assert other.use(tmp_path) is Use.HELD
    assert other.alone(tmp_path, kept) is Use.HELD
    assert not other.read(tmp_path)
    assert owner_of(tmp_path) == OWNER
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0


def test_what_is_read_is_read_by_many_and_removed_by_none(tmp_path: Path) -> None:
    first, second, sweeper = Holds(), Holds(), Holds()
    assert first.write(tmp_path, OWNER)
    first.moved(tmp_path, tmp_path)
    assert second.read(tmp_path)
    for one in (first, second):
        assert sweeper.alone(tmp_path, kept) is Use.HELD
        one.release(tmp_path)
    gone: list[Path] = []
    assert sweeper.alone(tmp_path, gone.append) is Use.FREE
    assert gone == [tmp_path]


def test_a_folder_that_is_gone_or_was_swept_is_not_held(tmp_path: Path) -> None:
    holds = Holds()
    assert not holds.write(tmp_path / "gone", OWNER)
    assert not holds.read(tmp_path / "gone")
    assert owner_of(tmp_path) is None


def hold_and_end(path: Path) -> None:
    assert Holds().write(path, OWNER)
    os._exit(0)


def test_the_end_of_a_process_lets_go(tmp_path: Path) -> None:
    child = multiprocessing.get_context("spawn").Process(target=hold_and_end, args=(tmp_path,))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert Holds().use(tmp_path) is Use.FREE


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL])
def test_without_locks_folders_are_used_and_never_removed_by_others(tmp_path: Path, code: int) -> None:
    here, there = Holds(none_here(code)), Holds(none_here(code))
    assert here.write(tmp_path, OWNER)
    assert there.use(tmp_path) is Use.UNTOLD
    assert there.alone(tmp_path, kept) is Use.UNTOLD
    assert there.read(tmp_path)


def test_what_was_read_for_one_destination_is_not_used_for_another(tmp_path: Path) -> None:
    source = SourceDefinition(
        workspace="w",
        source="crm",
        files=(),
        format="sql",
        sql=Query(url={"env": "CRM_DATABASE"}, query="SELECT 1"),
    )
    owners = [OWNER, replace(OWNER, environment="prod"), replace(OWNER, organisation_id="1190"), replace(OWNER, endpoint="")]  # fmt: skip
    places = [Spools(tmp_path, tmp_path, lambda *_: "", lambda x=x: x).places(source) for x in owners]
    assert len(frozenset().union(*places)) == len(owners)
