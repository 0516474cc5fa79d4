"""Removals that the platform refused: kept, so that they are not proposed again by each plan."""

from collections.abc import Iterable
from dataclasses import dataclass

NO_SUCH_CALL = 405
# About rights and the platform, and so not over at the next try; a 409 is about the state of the row, which may pass.
REFUSED = frozenset({403, NO_SUCH_CALL})


@dataclass(frozen=True, slots=True)
class RefusedRemoval:
    """One; `at` is when, in seconds since 1970."""

    kind: str
    datamart_id: str
    remote_id: str
    status: int
    at: float = 0.0


class RefusedRemovals:
    """All that are known. A platform that has no call to remove one has none to remove another of the same kind."""

    def __init__(self, rows: Iterable[RefusedRemoval] = ()) -> None:
        self._rows = {(r.kind, r.datamart_id, r.remote_id): r for r in rows}
        self._kinds = {r.kind: r for r in self._rows.values() if r.status == NO_SUCH_CALL}

    def of(self, kind: str, datamart_id: str, remote_id: str) -> RefusedRemoval | None:
        """Why the removal of one is not proposed; None if it is."""
        return self._rows.get((kind, datamart_id, remote_id)) or self._kinds.get(kind)
