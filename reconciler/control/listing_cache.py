"""What changes look at: each collection is read once for all of them who wait for it, and no more often than they need."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.api.presence import Clock, Look
from reconciler.api.shared import SharedListing
from reconciler.model.listing import Listing
from reconciler.model.remote import Activation, Compartment, Import, Observed


@dataclass(slots=True)
class Looks:
    """Listings by kind and datamart. Safe to share between threads.

    Attributes:
        looked: when the look before all changes was begun, and what it saw.
    """

    reader: Reader
    organisation_id: str
    clock: Clock
    looked: tuple[float, Observed] | None = None
    _shared: dict[tuple[str, str], SharedListing[Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def compartments(self) -> Look[Compartment]:
        """The organisation's."""
        known = self.looked[1].compartments if self.looked else None
        return self._of(
            ("compartments", ""), lambda: resources.compartments(self.reader, self.organisation_id), known
        )

    def activations(self, datamart_id: str) -> Look[Activation]:
        """Those of a datamart."""
        known = self.looked[1].activations.get(datamart_id) if self.looked else None
        return self._of(
            ("activations", datamart_id), lambda: resources.activations(self.reader, datamart_id), known
        )

    def imports(self, datamart_id: str) -> Look[Import]:
        """Those of a datamart."""
        known = self.looked[1].imports.get(datamart_id) if self.looked else None
        return self._of(("imports", datamart_id), lambda: resources.imports(self.reader, datamart_id), known)

    def _of(
        self, key: tuple[str, str], read: Callable[[], Listing[Any]], known: Listing[Any] | None
    ) -> Look[Any]:
        with self._lock:
            if key not in self._shared:
                seen = (self.looked[0], known) if self.looked and known is not None else None
                self._shared[key] = SharedListing(read, self.clock, seen)
            return self._shared[key].since
