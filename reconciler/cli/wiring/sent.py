"""Where sent indexes lie, and the key of their digests: from the environment, or made once and kept beside the ledger."""

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.sent.digests import key_of_text
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.bulk.sent.store import store_of
from reconciler.cli.wiring import destination, ledgers
from reconciler.errors import DiskFailed, ReconcilerError
from reconciler.kinds.counts import many
from reconciler.private_folder import make_folder, replace_file
from reconciler.settings import Settings

_FILE = "index.key"
_making = threading.Lock()


@contextmanager
def indexes(root: Path, settings: Settings, scans: Scans) -> Iterator[SentIndexes]:
    """The sent indexes of a workspace, for one command.

    Args:
        root: of the workspace.
        settings: of the workspace.
        scans: reads sources.
    """
    assert scans.spools is not None  # noqa: S101 - made with them
    made = SentIndexes(
        scans,
        store_of(settings.index, root),
        _index_key(root, settings),
        destination.origin_key(root, settings),
        settings.organisation_id,
        scans.spools.lists,
    )
    with closing(made):
        yield made


@dataclass(frozen=True, slots=True)
class IndexKey:
    """Where the key of digests is found, on whatever machine it is asked for: nothing of the key itself.

    Attributes:
        variable: of the environment; empty if the key is in a file.
        file: with the key.
        unknown: why that is not known, and what to do; it matters to sources with an index alone.
    """

    variable: str
    file: Path
    unknown: tuple[str, str | None] | None = None

    def __call__(self, make: bool) -> bytes | None:
        """The key; with `make` it is made where there is none.

        Raises:
            ReconcilerError: it is too short, or cannot be read, or was to be made in an environment.
        """
        return self._in_environment(make=make) if self.variable else self._in_file(make=make)

    def _in_environment(self, *, make: bool) -> bytes | None:
        text = destination.key_of("index_key", {"env": self.variable}, os.environ)
        if text is None and make:
            raise ReconcilerError(
                f"index_key: the environment variable {self.variable} is not set",
                help="set it to the key of the sent indexes, or remove index_key from reconciler.yaml",
            )
        return None if text is None else key_of_text(text)

    def _in_file(self, *, make: bool) -> bytes | None:
        if self.unknown is not None:
            raise ReconcilerError(self.unknown[0], help=self.unknown[1])
        with _making:  # loads are carried out side by side
            if make and not self.file.exists():
                make_folder(self.file.parent)
                replace_file(self.file, secrets.token_hex(32).encode())
        try:
            text = self.file.read_text("ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as e:
            raise DiskFailed.of("read", self.file, e if isinstance(e, OSError) else OSError(str(e))) from None
        if len(text) < destination.SHORTEST_KEY:
            raise ReconcilerError(
                f"the key of the sent indexes, {self.file}, has {many(len(text), 'character')}; at least {destination.SHORTEST_KEY} are needed",
                help="put the file back as it was; or remove it: apply makes a new key, and the next load sends all rows",
            )
        return key_of_text(text)


def _index_key(root: Path, settings: Settings) -> IndexKey:
    variable = (settings.index_key or {}).get("env", "")
    try:
        file = (ledgers.place(root, settings).file.parent / _FILE).absolute()
    except ReconcilerError as e:
        return IndexKey(variable, root, (str(e), e.help))
    return IndexKey(variable, file)
