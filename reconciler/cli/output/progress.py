"""How far loads are: bars on a terminal, plain lines elsewhere. Always on stderr."""

import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from reconciler.bulk.load.progress import Before, Progress
from reconciler.cli.output.activity import Activity, Heart
from reconciler.cli.output.console import above, say
from reconciler.kinds.counts import many
from reconciler.model.outcome import Outcome
from reconciler.reports.result import text as result_text
from reconciler.reports.style import Style
from reconciler.reports.style import size as in_units

MANY = 100  # actions from which on lines say how far they are

if TYPE_CHECKING:
    from rich.progress import TaskID


class Display(Progress, Protocol):
    """A progress display that also shows how actions end and how scans go."""

    def scanned(self, source: str, lines: int) -> None:
        """A source was read so far."""

    def began(self, run: int, plan_digest: str, actions: int) -> None:
        """A plan is being applied."""

    def finished(self, outcome: Outcome) -> None:
        """An action ended."""

    def unbegun(self, outcome: Outcome) -> None:
        """An action of a later wave was not begun."""

    def wave(self, name: str, datamarts: int, state: str, why: str) -> None:
        """A wave of a rollout moved on.

        Args:
            name: of the wave.
            datamarts: how many datamarts the wave has.
            state: that the wave enters.
            why: the reason; empty where there is none.
        """

    def ended(self, exit_code: int, summary: Mapping[str, int]) -> None:
        """The run ended."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Lines:
    """Plain lines: when a load begins, at each quarter, and when it ends; of many actions, how far they are at each tenth.

    After a while without a line, one says what is waited for.
    """

    def __init__(self, marks: Style, activity: Activity) -> None:
        self._marks, self._activity = marks, activity
        self._heart = Heart(activity)
        self._actions = self._done = 0
        self._begun = 0.0
        self._totals: dict[str, list[int]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._heart.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._heart.stop()

    def _tell(self, text: str) -> None:
        self._activity.tell(text)

    def start(self, address: str, chunks: int, lines: int, size: int, before: Before) -> None:
        """A load begins, or is continued.

        Args:
            address: the load's address.
            chunks: number of chunks.
            lines: number of commands.
            size: in bytes.
            before: what of it earlier runs have done.
        """
        with self._lock:
            self._totals[address] = [chunks, before.sent, before.done]
        self._activity.load(address, chunks, before)
        self._tell(
            f"{address}: {many(lines, 'row')} in {many(chunks, 'chunk')}, {in_units(size)}{before.words}"
        )

    def advance(self, address: str, what: str, chunks: int, lines: int, size: int) -> None:
        """Say so at each quarter of the chunks.

        Args:
            address: the load's address.
            what: what was done with them.
            chunks: number of chunks.
            lines: number of commands.
            size: in bytes.
        """
        self._activity.advance(address, what, chunks)
        with self._lock:
            totals = self._totals.setdefault(address, [chunks, 0, 0])
            column = 1 if what == "sent" else 2
            before = totals[column] * 4 // max(1, totals[0])
            totals[column] += chunks
            reached = totals[column] * 4 // max(1, totals[0])
        if reached > before and totals[0] > 1:
            self._tell(f"{address}: {totals[column]:,} of {many(totals[0], 'chunk')} {what}")

    def say(self, address: str, message: str) -> None:
        """A line about a load."""
        self._tell(f"{address}: {message}")

    def scanned(self, source: str, lines: int) -> None:
        """Kept for a line that says what is waited for; plan says the counts."""
        self._activity.scanned(source, lines)

    def began(self, run: int, plan_digest: str, actions: int) -> None:
        """Count from here."""
        self._actions, self._done, self._begun = actions, 0, time.monotonic()
        self._activity.begin(actions)

    def finished(self, outcome: Outcome) -> None:
        """How an action ended."""
        self._activity.finished(outcome.address)
        self._tell(result_text.line(outcome, self._marks))
        self._done += 1
        if (
            self._actions >= MANY
            and self._done * 10 // self._actions > (self._done - 1) * 10 // self._actions
        ):
            left = (time.monotonic() - self._begun) * (self._actions / self._done - 1)
            self._tell(f"{self._done:,} of {many(self._actions, 'action')}, about {left:.0f} s left")

    def unbegun(self, outcome: Outcome) -> None:
        """Nothing: the summary counts them."""

    def wave(self, name: str, datamarts: int, state: str, why: str) -> None:
        """A line.

        Args:
            name: of the wave.
            datamarts: how many datamarts the wave has.
            state: that the wave enters.
            why: the reason; empty where there is none.
        """
        self._tell(_wave(name, datamarts, state, why))

    def ended(self, exit_code: int, summary: Mapping[str, int]) -> None:
        """Nothing: the summary says it."""


class Bars:
    """Bars of rich: chunks, lines, bytes and time left for every load."""

    def __init__(self, marks: Style, activity: Activity) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        self._marks = marks
        self._bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=8),
            TextColumn("{task.fields[detail]}"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, tuple[TaskID, list[int]]] = {}
        self._scans: dict[str, TaskID] = {}
        self._all: TaskID | None = None
        self._actions = self._done = 0
        self._lock = threading.Lock()
        self._activity = activity
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._bars.start()
        self._open.enter_context(above(self._whole))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        self._bars.stop()

    def _whole(self, text: str) -> None:
        """Text above the bars, its lines as they are."""
        from rich.text import Text

        for line in text.removesuffix("\n").split("\n"):
            self._bars.console.print(Text.from_ansi(line), soft_wrap=True)

    def start(self, address: str, chunks: int, lines: int, size: int, before: Before) -> None:
        """A bar for the load; each chunk counts once when sent and once when done, in this run or before.

        Args:
            address: the load's address.
            chunks: number of chunks.
            lines: number of commands.
            size: in bytes.
            before: what of it earlier runs have done.
        """
        with self._lock:
            identity = self._bars.add_task(
                address.partition("/")[2][:22],
                total=chunks * 2,
                completed=before.sent + before.done,
                detail=f"{before.sent}/{chunks} chunks",
            )
            self._tasks[address] = (
                identity,
                [chunks, before.done, before.sent, lines, before.lines, before.size],
            )

    def advance(self, address: str, what: str, chunks: int, lines: int, size: int) -> None:
        """Move the bar.

        Args:
            address: the load's address.
            what: what was done with them.
            chunks: number of chunks.
            lines: number of commands.
            size: in bytes.
        """
        with self._lock:
            if address not in self._tasks:
                return
            identity, t = self._tasks[address]
            if what == "sent":
                t[2] += chunks
                t[4] += lines
                t[5] += size
            else:
                t[1] += chunks
            self._bars.update(
                identity,
                advance=chunks,
                detail=f"{many(t[4], 'row')} {in_units(t[5])} {t[2]}/{t[0]} sent {t[1]} done",
            )

    def say(self, address: str, message: str) -> None:
        """A line above the bars."""
        say(f"{address}: {message}")

    def scanned(self, source: str, lines: int) -> None:
        """How many lines of a source were read."""
        with self._lock:
            if source not in self._scans:
                self._scans[source] = self._bars.add_task(f"reading {source}"[:30], total=None, detail="")
            self._bars.update(self._scans[source], detail=many(lines, "row"))

    def began(self, run: int, plan_digest: str, actions: int) -> None:
        """A bar for all actions, where there are several."""
        if self._all is not None:
            self._bars.remove_task(self._all)
        self._all, self._done = None, 0
        if actions > 1:
            self._all = self._bars.add_task("all", total=actions, detail=f"0 of {many(actions, 'action')}")
            self._actions = actions

    def ended(self, exit_code: int, summary: Mapping[str, int]) -> None:
        """Nothing: the summary says it."""

    def unbegun(self, outcome: Outcome) -> None:
        """Nothing: the summary counts them."""

    def wave(self, name: str, datamarts: int, state: str, why: str) -> None:
        """A line above the bars.

        Args:
            name: of the wave.
            datamarts: how many datamarts the wave has.
            state: that the wave enters.
            why: the reason; empty where there is none.
        """
        say(_wave(name, datamarts, state, why))

    def finished(self, outcome: Outcome) -> None:
        """How an action ended, above the bars."""
        if self._all is not None:
            self._done += 1
            detail = f"{self._done:,} of {many(self._actions, 'action')}"
            self._bars.update(self._all, advance=1, detail=detail)
        say(result_text.line(outcome, self._marks))


def _wave(name: str, datamarts: int, state: str, why: str) -> str:
    more = f": {why}" if why else ""
    return f"wave {name} ({many(datamarts, 'datamart')}): {state}{more}"


def display(marks: Style, activity: Activity) -> Display:
    """Bars on a terminal, lines elsewhere."""
    return Bars(marks, activity) if sys.stderr.isatty() else Lines(marks, activity)
