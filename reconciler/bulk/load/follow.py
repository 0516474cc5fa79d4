"""Following the executions of a load until they end."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.api import resources
from reconciler.api.silence import GONE_S
from reconciler.bulk.load.context import Context
from reconciler.bulk.load.listings import LoadListings, LoadStopped
from reconciler.bulk.load.load_state import LoadState
from reconciler.kinds.counts import many
from reconciler.kinds.execution import TERMINAL, ending, phase
from reconciler.model.listing import Listing, Unlisted
from reconciler.model.outcome import Status
from reconciler.model.remote import Execution
from reconciler.planning.loads.cut import rows_of
from reconciler.planning.loads.protocol import surplus, winner

# Seconds for which executions may be unreadable before following them is given up.
UNREADABLE_TIMEOUT_S = 60.0
# Executions looked at in one round: they end about in order, and a load may have thousands.
BATCH = 50


class Executions:
    """Those of one load; what they come to goes into its state."""

    def __init__(self, context: Context, listings: LoadListings, state: LoadState) -> None:
        self.context, self.listings, self.state = context, listings, state

    def follow(self, indices: Sequence[int]) -> None:
        """Until every execution of these chunks ended, or waiting for them is given up, which leaves them unclear.

        Raises:
            LoadStopped: the token is not accepted.
        """
        now, pause = self.context.clock.now, self.context.poll
        deadline = now() + self.context.follow_timeout
        waiting = set(indices)
        silence = self.context.writer.silence
        failure: Unlisted | None = None
        unread_since: float | None = None
        while True:
            failure = None
            # Where nothing is answered, one question finds out when that ends as well as all of them.
            batch = sorted(waiting)[: 1 if silence.begun else BATCH]
            for index, listings in zip(batch, self.context.io.map(self._look, batch), strict=True):
                bad = next((x for x in listings if isinstance(x, Unlisted)), None)
                if bad is not None and bad.unauthorized:
                    raise LoadStopped(Status.UNKNOWN, bad.reason, stopped=True)
                failure = failure or bad
                if bad is None and self._all_ended(index, [e for x in listings for e in rows_of(x)]):
                    waiting.discard(index)
            if not waiting:
                return
            unread_since = (unread_since or now()) if failure else None
            given_up = (
                unread_since is not None and now() - unread_since > UNREADABLE_TIMEOUT_S + self.context.settle
            )
            if now() > deadline or given_up or silence.gone or self.context.stopping():
                break
            if waiting.issuperset(batch):  # none of them ended: no use in asking again at once
                what = f"{many(len(waiting), 'execution')} of {self.listings.address}"
                words = f"to ask again about {what}"
                if silence.begun:
                    words = f"for the platform, which gives no answer (at most {GONE_S:g} s), and {what}"
                self.context.clock.wait(pause, words)
                pause = min(pause * 1.3, 5.0)
        reason = (
            failure.reason
            if failure
            else f"its execution did not end within {self.context.follow_timeout:g} s"
        )
        if self.context.stopping():
            self.state.errors.append("interrupted while following")
        else:
            self.state.errors += [f"chunk {index}: {reason}" for index in sorted(waiting)]
        for index in waiting:
            self.state.update(index, unclear=True)

    def look_again(self, indices: Sequence[int]) -> None:
        """List executions once more: one that came late, or in spite of a refusal, is reported before the seal hides it."""
        for index, listings in zip(indices, self.context.io.map(self._look, indices), strict=True):
            for listing in listings:
                if isinstance(listing, Unlisted):
                    words = "all chunks ended, but executions could not be listed"
                    raise LoadStopped.unlisted(Status.UNKNOWN, words, listing)
            known = {e.id: e for e in self.state.view_of(index).executions}
            rows = {e.id: e for x in listings for e in rows_of(x)}
            if late := rows.keys() - known.keys():
                came = ", ".join(sorted(late))
                self.state.update(index, executions=tuple((known | rows).values()))
                self.state.errors.append(
                    f"chunk {index} was sent twice: execution {came} came late"
                    if known or len(late) > 1
                    else f"the upload of chunk {index} was answered as refused, and execution {came} exists: it counts"
                )
        self.state.view = replace(self.state.view, looked_again=True)

    def _look(self, index: int) -> list[Listing[Execution]]:
        ids = self.listings.imports.get(self.state.name(index), ())
        return [resources.executions(self.context.writer, self.listings.datamart_id, i) for i in ids]

    def _all_ended(self, index: int, rows: Sequence[Execution]) -> bool:
        """Merge what was listed; True once every execution of the chunk is listed and terminal."""
        known = {e.id: e for e in self.state.view_of(index).executions}
        listed = {e.id for e in rows}
        merged = tuple((known | {e.id: e for e in rows}).values())
        self.state.update(index, executions=merged)
        for execution in surplus(merged):
            for import_id in self.listings.imports.get(self.state.name(index), ()):
                self.listings.cancel(import_id, execution)
        if not set(known) <= listed or any(phase(e) not in TERMINAL for e in merged):
            return False
        chunk, keep = self.state.chunk(index), winner(merged)
        if keep is not None and (words := ending(keep)):
            self.state.errors.append(f"chunk {index}{words}")
        if len(merged) > 1:
            self.context.journal.report(self.listings.datamart_id, {e.id for e in merged})
            self.state.errors.append(
                f"chunk {index} has {many(len(merged), 'execution')} under one import; execution {keep.id if keep else '?'} counts"
            )
        self.context.progress.advance(self.listings.address, "done", 1, chunk.lines, chunk.size)
        return True
