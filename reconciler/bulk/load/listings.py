"""What the remote shows of a load: its imports and their executions. Only ever added to within a run."""

import threading
from collections.abc import Iterable, Sequence

from reconciler.api import resources
from reconciler.api.presence import direct, prove_absent_or_find
from reconciler.bulk.load.context import Context
from reconciler.kinds import paths
from reconciler.model.absence import Absence
from reconciler.model.listing import Listed, Listing, Unlisted
from reconciler.model.outcome import Status
from reconciler.model.remote import Execution, Import
from reconciler.planning.loads.generations import Generation, number


class LoadStopped(Exception):
    """This load ends here, with this outcome.

    Attributes:
        totals: lines that succeeded and that failed, where an earlier run ended the load.
    """

    def __init__(
        self,
        status: Status,
        message: str,
        *,
        stopped: bool = False,
        refused: bool = False,
        locked: bool = False,
        totals: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(message)
        self.totals = totals
        self.status, self.stopped, self.refused, self.locked = status, stopped, refused, locked

    @classmethod
    def unlisted(cls, status: Status, words: str, why: Unlisted) -> "LoadStopped":
        """It ends because a listing failed.

        Args:
            status: of the load.
            words: what was not listed.
            why: the listing.
        """
        return cls(status, f"{words}: {why.reason}", stopped=why.unauthorized)


class LoadListings:
    """Lists imports and executions of one datamart, for one load.

    Attributes:
        imports: ids by name, of everything ever listed.
    """

    def __init__(self, context: Context, address: str, datamart_id: str) -> None:
        self.context, self.address, self.datamart_id = context, address, datamart_id
        self.imports: dict[str, tuple[str, ...]] = {}
        self._settled: dict[str, Listing[Execution]] = {}
        self._lock = threading.Lock()

    def list_imports(self) -> Listing[Import]:
        """All imports, once."""
        listing = resources.imports(self.context.writer, self.datamart_id)
        if isinstance(listing, Listed):
            by_name: dict[str, set[str]] = {}
            for row in listing.rows:
                by_name.setdefault(row.name, set()).add(row.id)
            with self._lock:
                for name, ids in by_name.items():
                    self.imports[name] = tuple(sorted({*self.imports.get(name, ()), *ids}, key=number))
        return listing

    def list_after_settle(self) -> Listed[Import]:
        """A listing from which absence may be concluded: writes of earlier runs can no longer appear."""
        result: Unlisted | None = prove_absent_or_find(
            direct(self.list_imports, self.context.clock),
            lambda _: None,
            self.context.visibility.absence(self.address),
            self.context.clock,
        )
        if result is not None:
            raise LoadStopped.unlisted(Status.FAILED, "could not list the document imports", result)
        # The union of all listings: a lagging one may have missed what another showed.
        return Listed(tuple(Import(i, name) for name, ids in self.imports.items() for i in ids))

    def executions_of(self, found: Sequence[Generation]) -> dict[str, Listing[Execution]]:
        """Executions of open loads, each by a listing from which absence may be concluded; listed once in a run."""
        ids = [i for g in found for i in g.import_ids]
        new = [i for i in ids if i not in self._settled]
        self._settled |= zip(new, self.context.io.map(self.executions_after_settle, new), strict=True)
        results = {i: self._settled[i] for i in ids}
        for result in results.values():
            if isinstance(result, Unlisted):
                raise LoadStopped.unlisted(Status.FAILED, "could not list executions", result)
        return results

    def executions_after_settle(self, import_id: str) -> Listing[Execution]:
        """Executions of one import, from listings that may prove their absence."""
        return self._executions(import_id, self.context.visibility.absence(self.address))

    def _executions(self, import_id: str, absence: Absence) -> Listing[Execution]:
        found = prove_absent_or_find(
            direct(
                lambda: resources.executions(self.context.writer, self.datamart_id, import_id),
                self.context.clock,
            ),
            lambda listed: listed.rows or None,
            absence,
            self.context.clock,
        )
        return found if isinstance(found, Unlisted) else Listed(found or ())

    def list_executions(self, import_id: str) -> tuple[Execution, ...]:
        """Executions of one import, once.

        Raises:
            LoadStopped: they could not be listed.
        """
        listing = resources.executions(self.context.writer, self.datamart_id, import_id)
        if isinstance(listing, Unlisted):
            raise LoadStopped.unlisted(Status.UNKNOWN, "could not list executions", listing)
        return listing.rows

    def cancel(self, import_id: str, execution: Execution) -> None:
        """Ask for a PENDING execution to be canceled; whether it was shows in the next listing."""
        self.context.journal.note(self.address, "cancel", "intent", execution=execution.id)
        answer = self.context.writer.send(
            "POST", paths.execution_action(self.datamart_id, import_id, execution.id), {"action": "CANCEL"}
        )
        self.context.journal.note(self.address, "cancel", answer.verdict.value, execution=execution.id)

    def find_executions(self, import_ids: Iterable[str], absence: Absence) -> tuple[Execution, ...]:
        """Executions under these imports; empty if their absence is proven.

        Raises:
            LoadStopped: it could not be settled.
        """
        everything: list[Execution] = []
        for import_id in import_ids:
            found = self._executions(import_id, absence)
            if isinstance(found, Unlisted):
                words = "an upload got no clear answer, and executions could not be listed"
                raise LoadStopped.unlisted(Status.UNKNOWN, words, found)
            everything += found.rows
        return tuple(everything)
