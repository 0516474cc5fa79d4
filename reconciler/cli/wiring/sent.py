"""Where sent indexes lie, and the key of their digests: from the environment, or made once and kept beside the ledger."""

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.sent.digests import key_of_text
from reconciler.bulk.sent.indexes import SentIndexes
from reconciler.bulk.sent.store import store_of
from reconciler.cli.wiring import destination, ledgers
from reconciler.errors import DiskFailed, ReconcilerError
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
        lambda make: _key(root, settings, make=make),
        destination.origin_key(root, settings),
        settings.organisation_id,
        scans.spools.lists,
    )
    with closing(made):
        yield made


def _key(root: Path, settings: Settings, *, make: bool) -> bytes | None:
    if settings.index_key is not None:
        text = destination.key_of("index_key", settings.index_key, os.environ)
        if text is None and make:
            name = settings.index_key["env"]
            raise ReconcilerError(
                f"index_key: the environment variable {name} is not set",
                help="set it to the key of the sent indexes, or remove index_key from reconciler.yaml",
            )
        return None if text is None else key_of_text(text)
    place = ledgers.place(root, settings).file.parent / _FILE
    with _making:  # loads are carried out side by side
        if make and not place.exists():
            make_folder(place.parent)
            replace_file(place, secrets.token_hex(32).encode())
    try:
        return key_of_text(place.read_text("ascii").strip())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as e:
        raise DiskFailed.of("read", place, e if isinstance(e, OSError) else OSError(str(e))) from None
