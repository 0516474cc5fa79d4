"""Listings that changes share: each collection is listed once for all changes that wait for it, and no more often than needed."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.api.presence import Clock, Fetch
from reconciler.api.shared import SharedListing
from reconciler.model.listing import Listing
from reconciler.model.remote import Activation, Compartment, Import, Observed


@dataclass(slots=True)
class ListingCache:
    """Listings by kind and datamart. Safe to share between threads.

    Attributes:
        initial: when the listings before all changes were begun, and what they showed.
    """

    reader: Reader
    organisation_id: str
    clock: Clock
    initial: tuple[float, Observed] | None = None
    _shared: dict[tuple[str, str], SharedListing[Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def compartments(self) -> Fetch[Compartment]:
        """The organisation's."""
        known = self.initial[1].compartments if self.initial else None
        return self._of(
            ("compartments", ""), lambda: resources.compartments(self.reader, self.organisation_id), known
        )

    def activations(self, datamart_id: str) -> Fetch[Activation]:
        """Those of a datamart."""
        known = self.initial[1].activations.get(datamart_id) if self.initial else None
        return self._of(
            ("activations", datamart_id), lambda: resources.activations(self.reader, datamart_id), known
        )

    def imports(self, datamart_id: str) -> Fetch[Import]:
        """Those of a datamart."""
        known = self.initial[1].imports.get(datamart_id) if self.initial else None
        return self._of(("imports", datamart_id), lambda: resources.imports(self.reader, datamart_id), known)

    def _of(
        self, key: tuple[str, str], read: Callable[[], Listing[Any]], known: Listing[Any] | None
    ) -> Fetch[Any]:
        with self._lock:
            if key not in self._shared:
                seen = (self.initial[0], known) if self.initial and known is not None else None
                self._shared[key] = SharedListing(read, self.clock, seen)
            return self._shared[key].since
