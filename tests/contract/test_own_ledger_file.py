"""The ledger's file in a folder of this tool is a private one: no link, no other kind of file, nobody else's; whatever the umask."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.errors import DiskFailed, LedgerFailed
from reconciler.ledger import sqlite
from reconciler.ledger.sqlite import BESIDE, open_file, read_only


def test_it_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        opened = open_file(tmp_path / ".reconciler/ledger.db")
        opened.rows("SELECT 1")
        modes = {p.name: oct(p.stat().st_mode & 0o777) for p in (tmp_path / ".reconciler").iterdir()}
        opened.close()
    finally:
        os.umask(before)
    assert set(modes.values()) == {"0o600"}, modes


@pytest.mark.parametrize("suffix", ["", *BESIDE])
@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe"])
def test_what_else_is_there_is_refused_and_left_as_it_is(suffix: str, kind: str, tmp_path: Path) -> None:
    folder = tmp_path / ".reconciler"
    folder.mkdir(0o700)
    path, elsewhere = folder / f"ledger.db{suffix}", tmp_path / "elsewhere"
    match kind:
        case "link":
            elsewhere.write_bytes(b"")
            path.symlink_to(elsewhere)
        case "dangling":
            path.symlink_to(elsewhere)
        case "folder":
            path.mkdir()
        case _:
            os.mkfifo(path)
    with pytest.raises(DiskFailed, match="private file of reconciler"):
        open_file(folder / "ledger.db")
    assert not elsewhere.exists() or elsewhere.read_bytes() == b""
    if not suffix and kind in ("link", "pipe"):
        with pytest.raises(DiskFailed), read_only(path):
            pass


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / ".reconciler/ledger.db"
    open_file(path).close()
    os.chown(path, 65534, 65534)
    with pytest.raises(DiskFailed, match="belongs to user 65534"):
        open_file(path)
    with read_only(path) as found:
        assert found is not None


def test_a_link_that_the_user_named_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    open_file(tmp_path / "link.db").close()
    assert (tmp_path / "real.db").is_file()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("SQLITE_FULL", "free some space"),
        ("SQLITE_IOERR_WRITE", "free some space"),
        ("SQLITE_READONLY", "right to write"),
        ("SQLITE_NOTADB", "move the file away"),
    ],
)
def test_what_to_do_is_by_what_happened(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(sqlite3.DatabaseError):
        sqlite_errorname = name

    def broken(*_: object, **__: object) -> None:
        raise Broken("quotes what the file holds")

    monkeypatch.setattr(sqlite, "_connected", broken)
    with pytest.raises(LedgerFailed) as failed:
        open_file(tmp_path / "ledger.db")
    assert words in (failed.value.help or "")
    assert "quotes" not in str(failed.value)


@pytest.mark.parametrize("content", ["no database", "newer"])
def test_a_file_that_cannot_be_used_is_not_held_open(content: str, tmp_path: Path) -> None:
    """Not even for as long as somebody knows of the failure, as a traceback does."""
    path = tmp_path / ".reconciler/ledger.db"
    open_file(path).close()
    if content == "newer":
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA user_version=1000")
    else:
        path.write_bytes(b"no database" * 1000)
    with pytest.raises(LedgerFailed) as written:
        open_file(path)
    with pytest.raises(LedgerFailed) as read, read_only(path):
        pass
    held = [str(p.readlink()) for p in Path("/proc/self/fd").iterdir() if os.path.lexists(p)]
    assert [name for name in held if str(tmp_path) in name] == []
    assert written.tb is not None
    assert read.tb is not None
