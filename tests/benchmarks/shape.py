"""The one shape of a benchmark: a function of a `Size` that gives `Row`s.

A row has what we measured, what a peer needs for the same work or what a limit allows, and the ratio of the two (ours to theirs). A
peer that is not there leaves the command that installs it in its place.
"""

import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Unit = Literal["s", "us", "MB", "MB/s", "1/s", "bytes", "%", "requests"]


@dataclass(frozen=True, slots=True)
class Missing:
    """A peer that is not installed, and how to install it."""

    install: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        name: what was measured, with its size.
        ours: how much, in `unit`.
        peer: the name of the peer or of the limit.
        theirs: how much, in the same unit; `Missing` if the peer is not installed.
        most: the ratio may be at most this.
        least: the ratio has to be at least this.
    """

    name: str
    ours: float
    unit: Unit
    peer: str
    theirs: float | Missing
    most: float | None = None
    least: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to theirs."""
        return None if isinstance(self.theirs, Missing) or not self.theirs else self.ours / self.theirs

    @property
    def met(self) -> bool | None:
        """Whether the aim was reached; None where there is none, or nothing to compare with."""
        if self.ratio is None or self.most is self.least is None:
            return None
        return (self.most is None or self.ratio <= self.most) and (
            self.least is None or self.ratio >= self.least
        )

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        missing = isinstance(self.theirs, Missing)
        return {
            "name": self.name,
            "ours": self.ours,
            "unit": self.unit,
            "peer": self.peer,
            "theirs": None if missing else self.theirs,
            "install": self.theirs.install if isinstance(self.theirs, Missing) else None,
            "most": self.most,
            "least": self.least,
        }

    @staticmethod
    def of(plain: Mapping[str, Any]) -> "Row":
        """The row of plain data."""
        rest = {k: plain[k] for k in ("name", "ours", "unit", "peer", "most", "least")}
        return Row(**rest, theirs=Missing(plain["install"]) if plain["install"] else plain["theirs"])


@dataclass(frozen=True, slots=True)
class Size:
    """How much each benchmark does."""

    rounds: int = field(default=3, metadata={"help": "times that each thing is measured; medians are shown"})
    files: int = field(default=10_000, metadata={"help": "spec files that `validate` reads"})
    compartments: int = field(default=10_000, metadata={"help": "compartments that `plan` compares"})
    datamarts: int = field(default=20, metadata={"help": "datamarts that each of them is active on"})
    large_compartments: int = field(default=10_000, metadata={"help": "compartments of a very large plan"})
    large_datamarts: int = field(default=50, metadata={"help": "datamarts of a very large plan"})
    large_sources: int = field(default=1_000, metadata={"help": "sources of a very large plan"})
    changes: int = field(default=2_000, metadata={"help": "activations that `apply` makes"})
    megabytes: int = field(default=2_000, metadata={"help": "MB of commands; a quarter of it as CSV"})
    delta_rows: int = field(default=10_000_000, metadata={"help": "rows of a load of changed rows"})
    memory: int = field(default=1_000, metadata={"help": "MB of the larger source of `memory`"})
    schema_megabytes: int = field(default=50, metadata={"help": "MB of each source of `schema`"})
    dask_megabytes: int = field(default=2_000, metadata={"help": "MB that are loaded by a cluster"})


FULL = Size()
SMALL = Size(
    rounds=3, files=1_000, compartments=1_000, datamarts=20, large_compartments=1_000, large_sources=100, changes=400, megabytes=100, delta_rows=300_000,
    memory=100, schema_megabytes=10, dask_megabytes=50,
)  # fmt: skip

Benchmark = Callable[[Size], Iterator[Row]]


def median(values: "list[float]") -> float:
    """The middle one."""
    return statistics.median(values)


def timed(work: Callable[[], object]) -> float:
    """Seconds that it takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def interleaved(rounds: int, works: Mapping[str, Callable[[], float]]) -> dict[str, float]:
    """The median of what each says, by name; one of each, then again, so that load of the machine meets all alike."""
    said: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            said[name].append(work())
    return {name: median(values) for name, values in said.items()}


def seconds(rounds: int, works: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The median time of each, interleaved."""
    return interleaved(rounds, {name: lambda w=work: timed(w) for name, work in works.items()})  # type: ignore[misc]


def quietly(*command: object, **more: Any) -> "subprocess.CompletedProcess[str]":
    """Run a command that has to succeed; what it printed."""
    done = subprocess.run([str(c) for c in command], check=False, capture_output=True, text=True, **more)
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {done.stderr[-2000:]}"
    return done
