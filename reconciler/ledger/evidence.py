"""What a run finds out, and leaves, about writes in flight (design 6, "Absence"): in the lock, and in the ledger."""

from collections.abc import Collection
from dataclasses import dataclass

from reconciler.ledger.lock import Lock
from reconciler.ledger.open_writes import EVERYTHING, Mark, OpenWrites
from reconciler.ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one run, from its begin to its end.

    Attributes:
        run: its number in the ledger.
        opened: what earlier runs left, as the run found it.
    """

    ledger: Ledger
    lock: Lock
    nonce: str
    run: int
    opened: OpenWrites

    def intend(self, keys: Collection[str]) -> None:
        """Before the first write: these may be in flight from now on."""
        self.ledger.open(self.run, keys)

    def concern(self, names: Collection[str]) -> bool:
        """True if something that an earlier run left in flight could show where these are looked for."""
        return self.opened.concern(names)

    def close(
        self, through: Collection[str], known: Collection[str], in_flight: Collection[str], *, outlived: bool
    ) -> None:
        """Record what cannot be in flight any more. What a plan does not have, or says of itself, closes nothing.

        Args:
            through: names of which the run showed what became of all writes.
            known: keys of what this run wrote and knows the end of.
            in_flight: keys of what else it set out to write.
            outlived: the run lasted longer than a listing may lag.
        """
        self.ledger.see_through(self.run, through)
        self.ledger.close_writes(known, run=self.run)
        if outlived:
            self.ledger.close_writes(self.opened.outlived() - {*in_flight})

    def end(self, state: str) -> None:
        """Record that the run ended in order; the lock says so to whoever comes next."""
        self.ledger.end(self.run, state)
        self.lock.mark(Mark(self.nonce, quiet=True))


def begin(
    ledger: Ledger, lock: Lock, nonce: str, plan_digest: str, plan: str, inverse: str, inverse_digest: str
) -> Evidence:
    """Begin a run; what the lock and the ledger say of earlier ones is kept before anything is written.

    Args:
        ledger: of the workspace.
        lock: held.
        nonce: of the run.
        plan_digest: SHA-256 (hex) of the plan.
        plan: its document.
        inverse: the plan that would undo it.
        inverse_digest: SHA-256 (hex) of that plan.
    """
    undisturbed = lock.undisturbed(ledger.last_nonce(), ledger.knows)
    lock.mark(Mark(nonce, quiet=False))
    run = ledger.begin(plan_digest, plan, inverse, nonce, inverse_digest)
    if not undisturbed:
        ledger.open(run, {EVERYTHING})
    return Evidence(ledger, lock, nonce, run, ledger.open_writes())
