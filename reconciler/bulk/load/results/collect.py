"""What is looked at once a load's executions ended: which lines the remote refused, and whether it stored what it should."""

from collections.abc import Mapping, Sequence

from reconciler.api import resources
from reconciler.bulk.load.context import Context
from reconciler.bulk.load.prepare import Ready
from reconciler.bulk.load.results.error_files import without_values
from reconciler.bulk.load.results.failed_lines import SentLine, failed_lines, sent_lines
from reconciler.bulk.load.results.verification import Expectation, Verified, expectations, verify
from reconciler.errors import ReconcilerError
from reconciler.kinds.counts import few, many
from reconciler.kinds.execution import Phase, phase
from reconciler.model.load import Chunk, Reject
from reconciler.model.plan import LoadChange
from reconciler.planning.loads.protocol import LoadView, winner

_TAKEN = frozenset({Phase.SUCCEEDED, Phase.PARTIAL})
SHOWN_PLACES = 5  # of rows that are not stored as predicted
KEPT_FAILURES = 1000  # refused lines that the journal names


def _not_as_predicted(found: Verified, source: str, address: str) -> list[str]:
    """What was read back is absent or differs, where it is from, and what can be done."""
    other = [x for x in found.differing if x not in found.absent]
    told = []
    if found.absent:
        words = many(len(found.absent), "account has no profile", "accounts have no profile")
        told.append(f"{words}, though the platform reports no failure: {_places(found.absent)}")
    if other:
        words = many(len(other), "profile that was read back differs", "profiles that were read back differ")
        told.append(f"{words} from what the merge rules predict: {_places(other)}")
    if told:
        told.append(
            f"`reconciler source preview {source} --line N` shows what is stored and what one row makes of it, "
            f"and `reconciler apply --reload {address}` sends all rows again, where that is safe"
        )
    return told


def _places(lines: Sequence[SentLine]) -> str:
    return few([f"{x.path}:{x.line}" for x in lines], SHOWN_PLACES)


class Aftermath:
    """Of one load.

    Attributes:
        failed: refused lines, where they stand in the source.
        unplaced: how many more are refused, without the remote saying which.
        verified: counts of profiles read back; empty where none was asked for.
    """

    def __init__(self, change: LoadChange, ready: Ready, context: Context) -> None:
        self.change, self.ready, self.context = change, ready, context
        self.failed: list[Reject] = []
        self.unplaced = 0
        self._doubtful: set[int] = set()  # chunks of which refused lines are not known one by one
        self.verified: dict[str, int] = {}
        self.errors: list[str] = []
        self.expected: list[Expectation] | None = None
        self.unpredictable = 0
        self.default: str | None = None
        schema = context.schemas.get(change.datamart)
        self._fields = ready.source.field_names | (schema.field_names if schema else frozenset())

    def look(self, view: LoadView) -> list[str]:
        """Look at what became of the lines; what is not as it should be, in words."""
        self._place_failures(view)
        self._verify(view)
        return self.errors

    def draw(self, indices: Sequence[int]) -> None:
        """Before the first upload: draw the lines that are read back in the end.

        Raises:
            ReadFailed: activations or a stored profile could not be read.
            ReconcilerError: the source can no longer be read.
        """
        context, ready = self.context, self.ready
        if self.expected is not None or not ready.source.verify:
            return
        listing = resources.activations(context.writer, self.change.datamart_id)
        activations = listing.require("the activations")
        self.default = next((a.compartment_id for a in activations.rows if a.default), None)
        chunks = [ready.scan.chunks[i - 1] for i in indices]
        self.expected, self.unpredictable = expectations(
            context, self.change.datamart_id, ready, chunks, self.default
        )

    def _verify(self, view: LoadView) -> None:
        """After the last execution ended: read back the drawn lines that the remote says it took."""
        if not self.expected and not self.unpredictable:
            return
        took = {c.index for c in view.chunks if (e := winner(c.executions)) and phase(e) in _TAKEN}
        took -= self._doubtful
        refused = {(x.path, x.line) for x in self.failed}
        drawn = self.expected or []
        taken = [x for x in drawn if x.chunk in took and (x.line.path, x.line.line) not in refused]
        found = verify(self.context, self.change.datamart_id, taken, self.default)
        self.verified = {
            "verified": found.matching,
            "differing": len(found.differing),
            "not_verified": found.not_verified + self.unpredictable + len(drawn) - len(taken),
        }
        self.errors += _not_as_predicted(found, self.ready.source.source, self.change.address)

    def _place_failures(self, view: LoadView) -> None:
        """Find the lines that the remote refused in the source, as far as its error files allow (G7)."""
        ready = self.ready
        for seen in view.chunks:
            keep = winner(seen.executions)
            if keep is None or phase(keep) is not Phase.PARTIAL:
                continue
            chunk = self.ready.scan.chunks[seen.index - 1]
            try:
                found = failed_lines(
                    self.context.writer,
                    self.context.root,
                    ready.scan.files,
                    ready.source,
                    chunk,
                    keep,
                    self._fields,
                )
                placed = self._placed(chunk, found.lines)
            except ReconcilerError as e:
                self.errors.append(f"chunk {seen.index}: the failed commands could not be read: {e}")
                self.unplaced += keep.total_failure or 0
                self._doubtful.add(seen.index)
                continue
            self.unplaced += found.unplaced
            if found.unplaced or len(placed) < len(found.lines):
                self._doubtful.add(seen.index)
            for line in placed:
                self.context.journal.note(
                    self.change.address,
                    "failed-line",
                    "failed",
                    path=line.path,
                    line=line.line,
                    reason=line.reason,
                )
            self.failed += placed

    def _placed(self, chunk: Chunk, found: Mapping[int, str]) -> list[Reject]:
        """Refused lines of a chunk where they stand in the source; as many as are kept."""
        room, last = KEPT_FAILURES - len(self.failed), max(found, default=0)
        made: list[Reject] = []
        if room <= 0 or not last:
            return made
        for line in sent_lines(self.context.root, self.ready.scan.files, self.ready.source, chunk):
            if line.number in found:
                reason = without_values(found[line.number], line.data)
                made.append(Reject(line.path, line.line, "refused", reason))
            if line.number >= last or len(made) >= room:
                break
        return made
