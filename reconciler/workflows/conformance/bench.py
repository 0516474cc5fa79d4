"""What the questions share: objects made on the platform, uploads, and waiting for something to show."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reconciler.api.answers import Answer, Verdict
from reconciler.api.client import Writer
from reconciler.api.pages import read_all
from reconciler.api.presence import Clock
from reconciler.api.uploads import CONTENT_TYPE, stream
from reconciler.errors import ReadFailed
from reconciler.kinds import paths

Row = dict[str, Any]
PREFIX = "rcl-conformance"
FAST_POLL_S, SLOW_POLL_S = 0.02, 0.4  # seconds between two looks
ENDED = frozenset({"SUCCEEDED", "SUCCESS", "FAILED", "CANCELED", "LOST"})


class Bench:
    """One platform, one organisation, one datamart that is set aside for this.

    Attributes:
        stamp: part of every name that is made.
        patience: seconds to wait for an execution, or for something to show.
        left: what was made and could not be removed, in words.
    """

    def __init__(
        self,
        writer: Writer,
        token: str,
        organisation_id: str,
        datamart_id: str,
        clock: Clock,
        stamp: str,
        patience: float,
    ) -> None:
        self.token = token
        self.writer, self.organisation_id, self.datamart_id = writer, organisation_id, datamart_id
        self.clock, self.stamp, self.patience = clock, stamp, patience
        self.compartments: list[str] = []
        self.selections: dict[str, str] = {}
        self.imports: list[str] = []
        self.left: list[str] = []

    # -- making ---------------------------------------------------------------------------------------------------

    def compartment(self, token: str) -> Answer:
        """Create one; remembered if it was."""
        body = {"organisation_id": self.organisation_id, "token": token, "name": f"Conformance {self.stamp}"}
        answer = self.writer.send("POST", paths.compartments(), body)
        if identity := created_id(answer):
            self.compartments.append(identity)
        return answer

    def activate(self, compartment_id: str) -> Answer:
        """Activate one on the datamart."""
        body = {"datamart_id": self.datamart_id, "compartment_id": compartment_id}
        answer = self.writer.send("POST", paths.activations(self.datamart_id), body)
        if identity := created_id(answer):
            self.selections.setdefault(identity, compartment_id)
        return answer

    def document_import(self, what: str) -> Answer:
        """Create one for profiles."""
        body = {
            "name": f"{PREFIX}.{self.stamp}.{what}",
            "document_type": "USER_PROFILE",
            "mime_type": "APPLICATION_X_NDJSON",
            "encoding": "utf-8",
        }
        answer = self.writer.send("POST", paths.imports(self.datamart_id), body)
        if identity := created_id(answer):
            self.imports.append(identity)
        return answer

    def upload(self, what: str, lines: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
        """Send lines under an import of their own; ids of the import and its execution, or None if that was not taken.

        Raises:
            ReconcilerError: see `transport`; nothing was sent.
        """
        owner = created_id(self.document_import(what))
        if owner is None:
            return None
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        path = paths.executions(self.datamart_id, owner)
        answer = stream(
            self.writer.origin, path, self.token, iter([body]), len(body), CONTENT_TYPE, self.patience
        )
        execution = created_id(answer)
        return (owner, execution) if execution else None

    def execution(self, ids: tuple[str, str]) -> Row:
        """An execution once it ended, or as it is when patience ends. Looked for in its list, where it shows for certain.

        Raises:
            ReadFailed: the executions could not be read.
        """
        begun = self.clock.now()
        last: Row = {}
        while True:
            rows = read_all(self.writer, paths.executions(self.datamart_id, ids[0]))
            last = next((r for r in rows if r["id"] == ids[1]), last)
            if str(last.get("status")) in ENDED or self.clock.now() - begun > self.patience:
                return last
            self.clock.sleep(0.1)

    # -- waiting --------------------------------------------------------------------------------------------------

    def until(
        self, shows: Callable[[], bool], pause: float, patience: float | None = None
    ) -> tuple[int, float] | None:
        """Look until it shows: how many looks that took, and how many seconds; None if patience ended first."""
        patience = self.patience if patience is None else patience
        begun, looks = self.clock.now(), 0
        while True:
            looks += 1
            asked = self.clock.now()
            if shows():
                return looks, asked - begun
            if self.clock.now() - begun > patience:
                return None
            self.clock.sleep(pause)

    def until_listed(self, what: str, import_id: str, pause: float) -> tuple[int, float] | None:
        """Wait until a listing shows an import: one request a look, so that looks count as the platform counts reads.

        Args:
            what: the import's name, without what all names of this run begin with.
            import_id: its id.
            pause: seconds between two looks.
        """
        path, name = paths.imports(self.datamart_id), f"{PREFIX}.{self.stamp}.{what}"

        def shown() -> bool:
            rows = self.writer.get(path, {"keywords": name, "first_result": 0, "max_results": 1}).get("data")
            return isinstance(rows, list) and any(
                isinstance(r, dict) and str(r.get("id")) == import_id for r in rows
            )

        return self.until(shown, pause)

    # -- tidying --------------------------------------------------------------------------------------------------

    def clear(self) -> None:
        """Remove all that can be removed; never raises for what cannot."""
        for identity in self.imports:
            self._remove(f"import {identity}", paths.document_import(self.datamart_id, identity))
        for identity in self.selections:
            self._remove(f"activation {identity}", paths.activation(self.datamart_id, identity))
        for identity in self.compartments:
            self._remove(f"compartment {identity}", paths.compartment(identity))
        self.imports, self.selections, self.compartments = [], {}, []

    def _remove(self, what: str, path: str) -> None:
        answer = self.writer.send("DELETE", path, None)
        if answer.verdict is not Verdict.DONE and answer.status != 404:
            self.left.append(what)


def created_id(answer: Answer) -> str | None:
    """The id of what was created."""
    if answer.verdict is Verdict.DONE and answer.data and isinstance(answer.data.get("id"), str | int):
        return str(answer.data["id"])
    return None


def describe(answer: Answer) -> str:
    """What the platform said, without where it was asked and its error's id."""
    said = answer.message.split(": ", 1)[-1]
    return re.sub(r" \(error_id [^)]*\)", "", said)[:120]


def lag(
    fast: tuple[int, float] | None, slow: tuple[int, float] | None
) -> tuple[int | None, float | None, str]:
    """How long something does not show, in looks or in seconds: the one of them on which two paces of looking agree.

    Returns:
        Looks, seconds (one of them 0; both None if it never showed), and what was seen.
    """
    if fast is None or slow is None:
        return None, None, "no listing showed the object in time"
    seen = f"shown at look {fast[0]} after {fast[1]:.2f} s, and looking slowly at look {slow[0]} after {slow[1]:.2f} s"
    if fast[0] == slow[0]:
        return fast[0] - 1, 0.0, seen
    return 0, round(fast[1], 1), seen


def readable(call: Callable[[], Row]) -> Row | None:
    """What a read gives; None if it cannot be read."""
    try:
        return call()
    except ReadFailed:
        return None
