"""Where the machine's locks lie, and how their files are opened: a place that no variable of the environment moves.

By default that is a private folder in the home that the password database names for this user; where the home is missing, one in
/tmp. Runs of different users exclude each other only where the workspace names a folder that all of them may write to.
"""

import os
import pwd
import stat
from pathlib import Path
from typing import IO

from reconciler.errors import DiskFailed
from reconciler.private_folder import private_folder

_STATE = Path(".local/state/reconciler/locks")
_WITHOUT_HOME = Path("/tmp")  # noqa: S108 - the folder in it is checked to be ours and private


def default_folder() -> Path:
    """The private folder of this user, not made yet."""
    user = os.geteuid()
    try:
        home = Path(pwd.getpwuid(user).pw_dir)
        if home.is_absolute() and home.is_dir() and home.stat().st_uid == user and os.access(home, os.W_OK):
            return home / _STATE
    except (KeyError, OSError):
        pass
    return _WITHOUT_HOME / f"reconciler-{user}"


def ready(folder: Path, *, chosen: bool) -> Path:
    """Make or check the folder; gives it back.

    Args:
        folder: where locks lie.
        chosen: the workspace names it, so several users may share it.

    Raises:
        DiskFailed: it cannot be made, is a link or no folder, or others could replace the files in it.
    """
    if not chosen or not os.path.lexists(folder):
        try:
            return private_folder(folder)
        except DiskFailed as e:
            raise DiskFailed(
                f"there is no place for the lock: {e}",
                help=e.help or "name a folder that can be written as lock_folder in reconciler.yaml",
            ) from None
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise DiskFailed(
            f"lock_folder {folder} is not a folder", help="name a folder; a link is not followed"
        )
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise DiskFailed(
            f"lock_folder {folder} can be changed by every user of this machine",
            help=f"chmod +t {folder}, or take write permission from others: chmod o-w {folder}",
        )
    return folder


def open_lock(path: Path) -> IO[str]:
    """Open a lock file for reading and writing; made with the permissions of its folder where it is missing.

    Raises:
        DiskFailed: it cannot be opened, or is no regular file: a link or a pipe is never followed.
    """
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:
            try:
                descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
                os.fchmod(descriptor, stat.S_IMODE(path.parent.stat().st_mode) & 0o666)
            except FileExistsError:  # another run made it this very moment
                descriptor = os.open(path, flags)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise DiskFailed(
                f"{path} is not a regular file, so it cannot be used as a lock",
                help="see what put it there, and move it away",
            )
    except OSError as e:
        raise DiskFailed.of("open the lock file", path, e) from None
    return os.fdopen(descriptor, "r+", encoding="utf-8")
