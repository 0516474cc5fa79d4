"""Which writes may still be on their way, and whom that concerns (design 6, "Absence"). Pure.

A write is open from its intent until its action ended with its fate known. The record of it is kept by address, for every run,
until a later run settled the same address, or outlived the time for which a listing may lag.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from reconciler.model.address import Address

# Not one address but all, or all loads: a run that this ledger does not know may have left writes on their way. Of loads that is
# closed one by one, by looking at each: how late their executions show may be counted in listings, not in seconds.
EVERYTHING, EVERY_LOAD = "*", "*loads"
_CONFIG = frozenset({"Compartment", "Activation"})


@dataclass(frozen=True, slots=True)
class Mark:
    """What the last run that held a lock left in it.

    Attributes:
        nonce: of that run; the ledger it used knows it.
        quiet: it ended in order: whatever it left on its way is in that ledger.
    """

    nonce: str
    quiet: bool


@dataclass(frozen=True, slots=True)
class OpenWrites:
    """What the ledger knows of earlier runs.

    Attributes:
        opened: the newest run that left writes on their way, by address.
        seen_through: the newest run in which an address was seen through, by address.
    """

    opened: Mapping[str, int] = field(default_factory=dict)
    seen_through: Mapping[str, int] = field(default_factory=dict)

    def concern(self, address: str) -> bool:
        """True if a write that may be on its way could put something into a listing that this address reads."""
        looked = self.seen_through.get(address, -1)
        return any(
            concerns(o, address) and not (o in (EVERYTHING, EVERY_LOAD) and looked >= run)
            for o, run in self.opened.items()
        )

    def outlived(self, planned: Collection[str], *, complete: bool) -> frozenset[str]:
        """Which of them are closed by a run that lasted longer than a listing may lag, though it was not about them.

        A load that is still planned is not: whether its chunks were sent has to be looked at, by the load itself.
        """
        return frozenset(
            o
            for o in self.opened
            if o != EVERY_LOAD and (o == EVERYTHING or _is_config(o) or (complete and o not in planned))
        )


def _is_config(address: str) -> bool:
    return Address.parse(address).kind in _CONFIG


def concerns(opened: str, address: str) -> bool:
    """True if an open write of one address could put something into a listing that the other one reads.

    Compartments and activations are one family, because the platform may activate a new compartment by itself. Loads of one
    datamart are one, because a renamed source finds its imports under the name of before.
    """
    if opened in (EVERYTHING, address):
        return True
    if opened == EVERY_LOAD or not _is_config(opened):
        return not _is_config(address) and (
            opened == EVERY_LOAD or Address.parse(opened).datamart == Address.parse(address).datamart
        )
    return _is_config(address)
