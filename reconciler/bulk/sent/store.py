"""Where sent indexes lie: a private folder, or below an object-store URL. Each is there wholly or not at all."""

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Protocol

from reconciler.bulk.sources import object_store
from reconciler.errors import DiskFailed
from reconciler.private_folder import make_folder, private_file


class Store(Protocol):
    """A place for files of few names."""

    def names(self, prefix: str) -> list[str]:
        """Names that begin so."""

    def open(self, name: str) -> IO[bytes] | None:
        """One file; None where it is not there."""

    def write(self, name: str, fill: Callable[[IO[bytes]], None]) -> None:
        """Write one file, durably."""

    def delete(self, name: str) -> None:
        """Remove one file; that it is not there is no error."""


class Folder:
    """A folder that only its owner can read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    def names(self, prefix: str) -> list[str]:
        """Names that begin so.

        Raises:
            DiskFailed: the folder cannot be read.
        """
        try:
            return sorted(
                p.name
                for p in self._path.iterdir()
                if p.name.startswith(prefix) and ".partial-" not in p.name
            )
        except FileNotFoundError:
            return []
        except OSError as e:
            raise DiskFailed.of("read", self._path, e) from None

    def open(self, name: str) -> IO[bytes] | None:
        """One file; None where it is not there.

        Raises:
            DiskFailed: it cannot be read.
        """
        path = self._path / name
        try:
            return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb")
        except FileNotFoundError:
            return None
        except OSError as e:
            raise DiskFailed.of("read", path, e) from None

    def write(self, name: str, fill: Callable[[IO[bytes]], None]) -> None:
        """Write one file, durably.

        Raises:
            DiskFailed: it cannot be written.
        """
        make_folder(self._path)
        path = self._path / name
        partial = path.with_name(f"{name}.partial-{os.getpid()}")
        try:
            partial.unlink(missing_ok=True)
            with private_file(partial) as file:
                fill(file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            folder = os.open(self._path, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as e:
            raise DiskFailed.of("write", path, e) from None
        finally:
            partial.unlink(missing_ok=True)

    def delete(self, name: str) -> None:
        """Remove one file; that it is not there is no error.

        Raises:
            DiskFailed: it cannot be removed.
        """
        try:
            (self._path / name).unlink(missing_ok=True)
        except OSError as e:
            raise DiskFailed.of("remove", self._path / name, e) from None


class Bucket:
    """Objects below a URL such as s3://bucket/folder."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def __str__(self) -> str:
        return self._url

    def names(self, prefix: str) -> list[str]:
        """Names that begin so.

        Raises:
            ReconcilerError: the store does not answer, or does not allow it.
        """
        return [n for n in object_store.names_below(self._url) if n.startswith(prefix)]

    def open(self, name: str) -> IO[bytes] | None:
        """One file, copied to this machine; None where it is not there.

        Raises:
            ReconcilerError: the store does not answer, or does not allow it.
        """
        file = TemporaryFile()  # noqa: SIM115 - the caller closes it
        if object_store.download(f"{self._url}/{name}", file):
            return file
        file.close()
        return None

    def write(self, name: str, fill: Callable[[IO[bytes]], None]) -> None:
        """Write one file, durably.

        Raises:
            ReconcilerError: the store does not answer, or does not allow it.
        """
        with TemporaryFile() as file:
            fill(file)
            file.seek(0)
            object_store.put(f"{self._url}/{name}", file)

    def delete(self, name: str) -> None:
        """Remove one file; that it is not there is no error.

        Raises:
            ReconcilerError: the store does not answer, or does not allow it.
        """
        object_store.delete(f"{self._url}/{name}")


def store_of(place: str, root: Path) -> Store:
    """The place that `index:` names, a path relative to the workspace or a URL."""
    return Bucket(place) if object_store.is_url(place) else Folder(root / Path(place).expanduser())
