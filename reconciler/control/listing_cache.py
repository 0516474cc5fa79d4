"""Listings that changes share: each collection is listed once for all changes that wait for it, and no more often than needed."""

import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.api.presence import Clock, Fetch
from reconciler.api.shared import SharedListing
from reconciler.model.plan import ResourceChange
from reconciler.model.remote import Observed


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

    def of(self, change: ResourceChange) -> Fetch[Any]:
        """The collection that a change is in."""
        shape = change.change.before or change.change.after or {}
        key = (change.kind, str(shape.get("datamart_id", "")))
        with self._lock:
            if key not in self._shared:
                known = self.initial[1].of(*key) if self.initial else None
                seen = (self.initial[0], known) if self.initial and known is not None else None
                read = partial(resources.collection, self.reader, key[0], self.organisation_id, key[1])
                self._shared[key] = SharedListing(read, self.clock, seen)
            return self._shared[key].since
