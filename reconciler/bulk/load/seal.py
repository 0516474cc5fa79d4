"""The seal of a load: the import whose name says that every chunk ended, and how."""

from dataclasses import replace

from reconciler.api.writes import Done, Failed, Unknown
from reconciler.bulk.load.context import Context
from reconciler.bulk.load.listings import LoadListings, LoadStopped
from reconciler.bulk.load.load_state import LoadState
from reconciler.bulk.load.manifest import Imports
from reconciler.bulk.load.prepare import Tracked
from reconciler.bulk.load.sent_rows import SentRows
from reconciler.errors import ReconcilerError
from reconciler.kinds.names import SealName
from reconciler.model.outcome import Status


class LoadSeal:
    """Of one load; with `tracked`, the index of what was sent comes before it."""

    def __init__(
        self,
        context: Context,
        listings: LoadListings,
        imports: Imports,
        state: LoadState,
        tracked: Tracked | None,
    ) -> None:
        self.context, self.listings, self.imports = context, listings, imports
        self.state, self.tracked = state, tracked

    def create(self, ok: int, failed: int) -> None:
        """Create it, after the index of what was sent is durable.

        Args:
            ok: commands that succeeded.
            failed: commands that failed.

        Raises:
            LoadStopped: no listing shows it.
        """
        seal = SealName(self.state.ready.key, ok, failed)
        name, index = str(seal), self._keep_index(seal)
        result: Done[str] | Failed | Unknown = (
            Done(name) if name in self.listings.imports else self.imports.create(name, shown=True)
        )
        match result:
            case Done():
                self.state.view = replace(self.state.view, sealed=True)
                self._only_index(index)
            case Failed(message=message, stopped=stopped):
                words = f"all chunks ended, but the seal could not be created: {message}"
                raise LoadStopped(Status.UNKNOWN, words, stopped=stopped)
            case Unknown(message=message, stopped=stopped):
                words = f"all chunks ended, but no listing showed the seal: {message}"
                raise LoadStopped(Status.UNKNOWN, words, stopped=stopped)

    def _keep_index(self, seal: SealName) -> str | None:
        """Write the index of what was sent before the seal; its name. Without one the next load sends all rows."""
        tracked = self.tracked
        if tracked is None:
            return None
        try:
            return SentRows(self.context, self.listings, self.state.ready, tracked).keep(
                self.state.view, seal
            )
        except ReconcilerError as e:
            self.context.progress.say(
                self.listings.address,
                f"the sent index could not be written, so the next load sends all rows: {e}",
            )
            return None

    def _only_index(self, name: str | None) -> None:
        """Remove the indexes of loads before."""
        if name is None:
            return
        try:
            self.context.sent.only(self.state.ready.source, self.listings.datamart_id, name)
        except ReconcilerError as e:
            self.context.progress.say(self.listings.address, f"an older sent index could not be removed: {e}")
