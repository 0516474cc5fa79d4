"""Private folders and files: who they belong to, what mode they have, and that no link is followed."""

import os
import stat
from pathlib import Path

import pytest

from reconciler.errors import DiskFailed
from reconciler.private_folder import make_folder, private_file, private_folder, replace_file


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
@pytest.mark.parametrize("there", [None, 0o755, 0o777, 0o700])
def test_every_folder_of_ours_is_private_whatever_the_umask_and_whatever_was_there(
    tmp_path: Path, umask: int, there: int | None
) -> None:
    own = tmp_path / ".reconciler"
    if there is not None:
        own.mkdir()
        own.chmod(there)
    before = os.umask(umask)
    try:
        made = private_folder(own / "cache" / "deep")
    finally:
        os.umask(before)
    assert made == own / "cache" / "deep"
    assert [_mode(p) for p in (own, own / "cache", made)] == [0o700] * 3
    assert (own / ".gitignore").read_text() == "*\n"
    assert _mode(own / ".gitignore") == 0o600
    assert private_folder(made) == made


def test_folders_above_ours_stay_as_they_are(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    private_folder(tmp_path / "locks")
    make_folder(tmp_path / "named" / "by the user")
    assert _mode(tmp_path) == 0o755
    assert _mode(tmp_path / "locks") == 0o700
    assert not list(tmp_path.rglob(".gitignore"))
    make_folder(tmp_path / ".reconciler")
    assert _mode(tmp_path / ".reconciler") == 0o700


@pytest.mark.parametrize("where", [".reconciler", ".reconciler/cache", ".reconciler/cache/deep"])
@pytest.mark.parametrize("planted", ["link", "dangling", "file"])
def test_what_was_planted_there_is_refused(tmp_path: Path, where: str, planted: str) -> None:
    target = tmp_path / "elsewhere"
    if planted != "dangling":
        target.mkdir()
    at = tmp_path / where
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_text("") if planted == "file" else at.symlink_to(target)
    with pytest.raises(DiskFailed, match=str(at)):
        private_folder(tmp_path / ".reconciler" / "cache" / "deep")
    assert not target.exists() or not list(target.iterdir())


def test_a_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "f").symlink_to(victim)
    with (
        pytest.raises(DiskFailed, match="cannot write"),
        private_file(tmp_path / "f", os.O_CREAT | os.O_TRUNC),
    ):
        raise AssertionError("it was opened")
    replace_file(tmp_path / "f", b"new")
    assert victim.read_text() == "mine"
    assert (tmp_path / "f").read_bytes() == b"new"
    assert not (tmp_path / "f").is_symlink()
    assert _mode(tmp_path / "f") == 0o600


def test_a_file_that_others_can_read_becomes_private(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("old")
    (tmp_path / "f").chmod(0o644)
    with private_file(tmp_path / "f", os.O_TRUNC) as file:
        file.write(b"new")
    assert (tmp_path / "f").read_bytes() == b"new"
    assert _mode(tmp_path / "f") == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user")
def test_what_belongs_to_another_user_is_refused(tmp_path: Path) -> None:
    own = private_folder(tmp_path / ".reconciler")
    os.chown(own, 12345, 12345)
    with pytest.raises(DiskFailed, match="belongs to user 12345"):
        private_folder(own / "cache")
    (tmp_path / "f").write_text("")
    os.chown(tmp_path / "f", 12345, 12345)
    with pytest.raises(DiskFailed, match="belongs to user 12345"), private_file(tmp_path / "f", os.O_TRUNC):
        raise AssertionError("it was opened")
