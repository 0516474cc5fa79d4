"""What a plan takes from the ledger, and what it keeps itself; it needs neither."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.cli.output.console import say
from reconciler.cli.wiring import ledgers, real_clock
from reconciler.errors import DiskFailed, ReconcilerError
from reconciler.ledger.history import History
from reconciler.ledger.open_writes import load_keys
from reconciler.model.desired import DesiredLoad
from reconciler.model.load import UploadNotes
from reconciler.model.removal import RefusedRemovals
from reconciler.private_folder import private_folder, replace_file
from reconciler.settings import Settings
from reconciler.workspace.cache import kept_file

# Seconds for which plans that cannot keep that they looked (`CI` is set) look at the executions of a finished load again.
WATCHED_S = 24 * 3600.0
_FILE = "looked-at.json"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the ledger has.

    Attributes:
        compartments: remote ids at the last apply, by address.
        refused: removals that the platform refused.
        newest_loads: the highest number of the loads that runs made or looked at, by what they write.
        watched: when loads ended whose executions are looked at once more, by address.
    """

    history: History | None = None
    compartments: Mapping[str, str] = field(default_factory=dict)
    refused: RefusedRemovals = field(default_factory=RefusedRemovals)
    newest_loads: Mapping[str, int] = field(default_factory=dict)
    watched: Mapping[str, float] = field(default_factory=dict)

    def newest_load(self, load: DesiredLoad) -> int | None:
        """The highest number of a source's loads that runs of this ledger made, or looked at; None where there is none."""
        keys = load_keys(load.definition.former, load.datamart_id)
        return max((self.newest_loads[k] for k in keys if k in self.newest_loads), default=None)

    def uploads(self, datamart_id: str) -> UploadNotes:
        """What is known of uploads to a datamart."""
        with suppress(ReconcilerError):
            return self.history.uploads(datamart_id) if self.history else UploadNotes()
        return UploadNotes()


def remembered(
    root: Path, settings: Settings, folder: Path | None, tell: Callable[[str], None] = say
) -> Remembered:
    """What the ledger has; nothing where it cannot be read, since a plan needs none.

    Args:
        root: of the workspace.
        settings: of the workspace.
        folder: the workspace's folder in the user's cache; None where nothing is kept.
        tell: says that the ledger is damaged.
    """
    found = Remembered()
    with suppress(ReconcilerError):
        history = ledgers.expendable_history(root, settings, tell)
        found = Remembered(history)
        found = Remembered(
            history,
            history.compartments(settings.workspace),
            history.refused_removals(),
            history.newest_loads(),
            _unlooked(history.loads_ended(real_clock.CLOCK.wall() - WATCHED_S), folder),
        )
    return found


def keep_looked(ended: Mapping[str, float], since: float, settle: float, folder: Path | None) -> None:
    """Remember that a plan looked, `settle` after these loads ended, so that the next one need not.

    Args:
        ended: when they ended, by address.
        since: when looking began, in seconds since 1970.
        settle: how long a listing may lag, in seconds.
        folder: the workspace's folder in the user's cache; None where nothing is kept.
    """
    done = {a: at for a, at in ended.items() if since >= at + settle}
    if folder is None or not done:
        return
    with suppress(DiskFailed, OSError):
        private_folder(folder)
        replace_file(folder / _FILE, json.dumps(_looked(folder) | done).encode())


def _unlooked(ended: Mapping[str, float], folder: Path | None) -> dict[str, float]:
    looked = _looked(folder) if folder else {}
    return {address: at for address, at in ended.items() if looked.get(address) != at}


def _looked(folder: Path) -> dict[str, float]:
    with suppress(OSError, DiskFailed, ValueError):
        kept = json.loads(kept_file(folder, _FILE))
        return kept if isinstance(kept, dict) else {}
    return {}
