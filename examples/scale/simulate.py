"""A night of profile loads, from one million profiles to ten billion: python examples/scale/simulate.py

Chunks go one after the other through the places where they wait: the workers that cut them, the requests that the platform answers, the
lines over which they are sent, and the executions that the platform runs. Pure Python, some seconds. Prints the tables that
docs/explanation/scale.md quotes. Other assumptions: change `Assumed`.
"""

import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

NIGHT, YEAR = 8 * 3600.0, 365
SIZES = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000)


@dataclass(frozen=True, slots=True)
class Assumed:
    """What the simulation takes for granted. The page says for each how it is known."""

    command_bytes: int = 500
    chunk_bytes: int = 64_000_000
    page_rows: int = 500
    requests_a_second: float = 10.0
    executions_at_once: int = 4
    execution_bytes_a_second: float = 5_000_000
    core_bytes_a_second: float = 150_000_000
    line_bytes_a_second: float = 100_000_000
    cores: int = 2
    lines: int = 1
    changed: float = 1.0  # share of the rows that is sent
    compare: float = 1.0  # of the rate of reading, where rows are compared with an index
    follow_timeout: float = 2 * 3600.0


RUNNER = Assumed()
CLUSTER = replace(RUNNER, cores=32, lines=16)
DELTA = replace(RUNNER, changed=0.01, compare=0.6)


class Night(NamedTuple):
    """One load. Times in seconds, amounts in bytes."""

    sent: float
    chunks: int
    imports: int
    requests: int
    ledger_rows: int
    reading: float
    sending: float
    running: float
    total: float
    slowest: str


def through(arrivals: Iterable[float], places: int, seconds: float) -> Iterator[float]:
    """When each leaves: it waits for the first of so many places that is free, and stays there so long."""
    free = [0.0] * places
    for arrival in arrivals:
        left = max(arrival, free[0]) + seconds
        heapq.heapreplace(free, left)
        yield left


def night(profiles: int, a: Assumed) -> Night:
    """A load of so many profiles into one datamart."""
    source = float(profiles * a.command_bytes)
    sent = source * a.changed
    chunks = math.ceil(sent / a.chunk_bytes)
    size = sent / chunks
    reading = source / (a.cores * a.core_bytes_a_second * a.compare)
    places = {
        "requests": (1, 2 / a.requests_a_second),  # the import, and its execution
        "cutting": (a.cores, size / a.core_bytes_a_second),
        "sending": (a.lines, size / a.line_bytes_a_second),
        "executions": (a.executions_at_once, size / a.execution_bytes_a_second),
        "looking": (1, 2 / a.requests_a_second),  # when it ended, and before the seal
    }
    last: dict[str, float] = {"": reading}
    leaving: Iterable[float] = (reading for _ in range(chunks))
    for name, (count, seconds) in places.items():
        left = list(through(leaving, count, seconds))
        last[name], leaving = max(left), left
    busy = {name: chunks * seconds / count for name, (count, seconds) in places.items()} | {
        "reading": reading
    }
    return Night(
        sent=sent,
        chunks=chunks,
        imports=chunks + 1,
        requests=(chunks + 1) + chunks + 2 * chunks,
        ledger_rows=6 * chunks + 4,
        reading=reading,
        sending=last["sending"] - reading,
        running=last["executions"] - last["sending"],
        total=last["looking"],
        slowest=max(busy, key=lambda name: busy[name]),
    )


def limits(profiles: int, a: Assumed) -> dict[str, float]:
    """How often each limit is filled: above 1 it is passed. Listings and the ledger after a year of such nights."""
    n = night(profiles, a)
    pages = 6 * n.imports * YEAR / a.page_rows  # once for a plan, five times in an apply
    return {
        "the night, 8 h": n.total / NIGHT,
        "`follow_timeout`, 2 h": n.running / a.follow_timeout,
        "listing imports after a year, 1 h": pages / a.requests_a_second / 3600,
        "the first plan after the load, 10 min": n.chunks / a.requests_a_second / 600,
        "the ledger after a year, 100 million rows": n.ledger_rows * YEAR / 100e6,
        "the index of what was sent, 100 GB": profiles * 32 / 100e9 if a.changed < 1 else 0.0,
    }


def passed(profiles: int, a: Assumed) -> str:
    """The limits that are passed, and how often each is filled; the worst first."""
    worst = sorted(limits(profiles, a).items(), key=lambda item: -item[1])
    return "; ".join(f"{name}: {filled:,.1f} times" for name, filled in worst if filled > 1) or "none"


def amount(value: float) -> str:
    """Bytes, in words."""
    for power, unit in ((12, "TB"), (9, "GB"), (6, "MB")):
        if value >= 10**power:
            return f"{value / 10**power:,.3g} {unit}"
    return f"{value:,.0f} B"


def time(seconds: float) -> str:
    """A time, in words."""
    if seconds < 120:
        return f"{seconds:,.0f} s"
    return f"{seconds / 60:,.0f} min" if seconds < 7200 else f"{seconds / 3600:,.1f} h"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown; all columns but the first to the right."""
    names = list(head)
    lines = [f"| {' | '.join(names)} |", f"|---{'|---:' * (len(names) - 1)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def volumes() -> str:
    """What one full load is."""
    rows = []
    for size in SIZES:
        n = night(size, RUNNER)
        year = n.imports * YEAR
        rows.append(
            (f"{size:,}", amount(n.sent), f"{n.chunks:,}", f"{n.imports:,}", f"{n.requests:,}", f"{n.ledger_rows:,}", f"{year:,}")
        )  # fmt: skip
    head = ("Profiles", "Bytes", "Chunks", "Imports made", "Requests", "Ledger rows", "Imports after a year")
    return table(head, rows)


def times() -> str:
    """How long it takes in three ways, and what each waits for."""
    ways = {"One runner": RUNNER, "16 workers": CLUSTER, "One runner, 1 % changed": DELTA}
    rows = []
    for size in SIZES:
        nights = [night(size, way) for way in ways.values()]
        rows.append((f"{size:,}", *(f"{time(n.total)} ({n.slowest})" for n in nights)))
    return table(("Profiles", *ways), rows)


def breaks() -> str:
    """What is passed at each size."""
    ways = (RUNNER, CLUSTER, DELTA)
    rows = [(f"{size:,}", *(passed(size, way) for way in ways)) for size in SIZES]
    return table(("Profiles", "One runner", "16 workers", "One runner, 1 % changed"), rows)


def platforms() -> str:
    """A billion profiles from 16 workers, if the platform runs executions faster than assumed."""
    rows = []
    for times_faster in (1, 4, 16, 64):
        rate = RUNNER.execution_bytes_a_second * times_faster
        n = night(1_000_000_000, replace(CLUSTER, execution_bytes_a_second=rate))
        rows.append(
            (f"{rate * RUNNER.executions_at_once / 1e6:,.0f} MB/s", time(n.total), time(n.running), n.slowest)
        )
    return table(("The platform runs", "The night", "of it after the last upload", "Slowest"), rows)  # fmt: skip


TABLES = {"volumes": volumes, "times": times, "breaks": breaks, "platforms": platforms}

if __name__ == "__main__":
    for name, made in TABLES.items():
        print(f"\n## {name}\n\n{made()}")
