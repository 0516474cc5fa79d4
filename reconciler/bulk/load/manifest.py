"""The manifest of a load: create its document imports, and see all of them in one listing before anything is sent."""

import threading
from collections import Counter
from collections.abc import Collection

from reconciler.api.answers import Answer, Verdict
from reconciler.api.presence import direct, wait_until_visible
from reconciler.api.write_policy import Write
from reconciler.api.writes import Done, Failed, Moved, Result, Unknown, carry_out, eyes, finding
from reconciler.bulk.load.context import Context
from reconciler.bulk.load.listings import LoadListings, LoadStopped
from reconciler.kinds import paths
from reconciler.kinds.counts import many
from reconciler.model.listing import Listed, Unlisted
from reconciler.model.outcome import Status
from reconciler.model.remote import Import
from reconciler.planning.loads.generations import number

NEW_IMPORT = {"document_type": "USER_PROFILE", "mime_type": "APPLICATION_X_NDJSON", "encoding": "utf-8"}


class Imports:
    """Imports of one load. Safe to share between threads."""

    def __init__(self, context: Context, listings: LoadListings) -> None:
        self.context, self.listings = context, listings
        self._halted = threading.Event()
        self._made: dict[str, str] = {}
        self._tries: Counter[str] = Counter()

    def create(self, name: str, *, shown: bool = False) -> Done[str] | Failed | Unknown:
        """Create one exactly once.

        Args:
            name: of the import.
            shown: wait for a listing to show it; else the manifest does, and only an unclear answer has to look here.
        """
        context, listings = self.context, self.listings
        if context.stopping():
            return Unknown("the run was interrupted; run the same command again to continue")
        if self._halted.is_set():
            # What another one met would meet it, too.
            return Failed("the load stopped before this import was created", Verdict.WITHHELD)
        context.journal.note(listings.address, "import", "intent", name=name)
        fetch = direct(listings.list_imports, context.clock)
        result: Result[str] = carry_out(
            Write.CREATE,
            lambda: self._send(name),
            eyes(
                fetch,
                finding(lambda _: name if name in listings.imports else None),
                context.settle,
                context.clock,
            ),
            context.settle,
            context.clock,
            retrying=context.writer.retrying("POST", paths.imports(listings.datamart_id)),
            trust=None if shown else lambda _: name,
        )
        context.journal.note(listings.address, "import", type(result).__name__.lower(), name=name)
        if isinstance(result, Failed):
            self._halted.set()
        return Unknown(result.why) if isinstance(result, Moved) else result

    def _send(self, name: str) -> Answer:
        self._tries[name] += 1
        body = {**NEW_IMPORT, "name": name}
        answer = self.context.writer.send("POST", paths.imports(self.listings.datamart_id), body)
        verdict = answer.verdict.value
        self.context.journal.note(self.listings.address, "import", "answered", name=name, answer=verdict)
        if answer.verdict is Verdict.DONE and answer.data:
            if answer.data.get("name", name) != name:
                return Answer(
                    Verdict.ALTERED, "the platform stored the import under another name than the one sent"
                )
            if "id" in answer.data:
                self._made[name] = str(answer.data["id"])
        return answer

    def see(self, wanted: Collection[str]) -> None:
        """Wait until one listing shows all of them.

        Raises:
            LoadStopped: none did, or somebody else is loading the same; nothing was sent.
        """
        names = frozenset(wanted)

        def all_there(listed: Listed[Import]) -> bool | None:
            return True if names <= {r.name for r in listed.rows} else None

        settle, fetch = self.context.settle, direct(self.listings.list_imports, self.context.clock)
        seen = wait_until_visible(fetch, all_there, settle, self.context.clock)
        if seen is None:
            raise LoadStopped(
                Status.UNKNOWN,
                f"not all {many(len(names), 'import')} appeared in one listing within {settle:g} s; nothing was sent",
            )
        if isinstance(seen, Unlisted):
            raise LoadStopped(
                Status.UNKNOWN,
                f"could not list the document imports: {seen.reason}; nothing was sent",
                stopped=seen.unauthorized,
            )
        if doubled := self._doubled(names):
            raise LoadStopped(
                Status.FAILED,
                f"another run (other ledger or machine) created {doubled} of these imports first; nothing was sent",
                locked=True,
            )

    def _doubled(self, names: Collection[str]) -> int:
        """How many imports that this run made have a twin with a lower id, which no try of this run can have made."""
        found = 0
        for name in names:
            made = self._made.get(name)
            if made is not None and self._tries[name] == 1:
                found += any(number(i) < number(made) for i in self.listings.imports.get(name, ()))
        return found
