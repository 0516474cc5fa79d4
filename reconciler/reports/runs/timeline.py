"""When each action of a run began and ended, from its journal: bars over the time of the run. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.ledger.history import Entry, Recorded
from reconciler.reports.runs.text import Step, in_words

ROWS = 60
SCALE = 1000.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One action: where it begins on a scale from 0 to 1,000, how wide it is, and the same in seconds from the run's start."""

    address: str
    state: str
    x: float
    width: float
    begun: float
    ended: float


def bars(run: Recorded, steps: Sequence[Step], journal: Sequence[Entry]) -> tuple[list[Bar], int]:
    """The first so many, in the order in which they began; and how many more there are."""
    seen: dict[str, tuple[float, float]] = {}
    for e in journal:
        if e.address:
            first, _ = seen.get(e.address, (e.at, e.at))
            seen[e.address] = (first, max(e.at, first))
    end = max([run.ended or run.started, *(last for _, last in seen.values())])
    whole = max(end - run.started, 1e-6)
    made = []
    for step in steps:
        if step.address not in seen:
            continue
        begun, ended = (min(max(at - run.started, 0.0), whole) for at in seen[step.address])
        x = SCALE * begun / whole
        width = min(max(SCALE * (ended - begun) / whole, 4.0), SCALE - min(x, SCALE - 4.0))
        made.append(
            Bar(
                step.address,
                in_words(step.state),
                round(min(x, SCALE - 4.0), 2),
                round(width, 2),
                begun,
                ended,
            )
        )
    made.sort(key=lambda b: (b.begun, b.address))
    return made[:ROWS], max(0, len(made) - ROWS)
