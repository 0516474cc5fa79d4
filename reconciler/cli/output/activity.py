"""What the command is doing now: what it waits for, and what it says when it has said nothing for a while.

Everything that is long tells it: requests, waits, scans, loads, actions. Time is an argument, so tests turn it themselves.
"""

import threading
import time
from collections.abc import Callable

from reconciler.api.observer import Exchange
from reconciler.bulk.load.progress import Before
from reconciler.cli.output.console import say
from reconciler.kinds.counts import many
from reconciler.reports.style import duration
from reconciler.whole import whole

EVERY_S = 15.0  # without a terminal something is said at least this often
SOON_S = 2.0  # a request that is in flight for less is not what is waited for
SAME_S = 1.0  # retries of one route within so many seconds are said once


class Activity:
    """What is in flight, waited for, read and sent. Safe to share between threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic, tell: Callable[[str], None] = say) -> None:
        self._now, self._out = now, tell
        self._lock = threading.Lock()
        self._spoke = now()
        self._flying: dict[int, Exchange] = {}
        self._waits: dict[int, tuple[str, float]] = {}
        self._retried: dict[str, float] = {}
        self._scans: dict[str, int] = {}
        self._loads: dict[str, list[int]] = {}
        self._actions = self._done = 0

    def speak_through(self, tell: Callable[[str], None]) -> None:
        """Say lines by this from now on."""
        self._out = tell

    def tell(self, text: str) -> None:
        """Say a line."""
        self._spoke = self._now()
        self._out(text)

    def begun(self, exchange: Exchange) -> None:
        """A request is sent."""
        with self._lock:
            self._flying[id(exchange)] = exchange

    def ended(self, exchange: Exchange) -> None:
        """It was answered, or not."""
        with self._lock:
            self._flying.pop(id(exchange), None)

    def retrying(self, what: str, attempt: int, wait: float, why: str) -> None:
        """Say that a request is sent again, once for many that are alike; of reads without a connection, every `EVERY_S`.

        Args:
            what: method and route template.
            attempt: number of the next try.
            wait: seconds until then.
            why: what the last try came to.
        """
        now = self._now()
        # While there is no connection, each read of each route fails alike: that is said once, then at intervals.
        lost = what.startswith("GET ") and whole(why) is None
        about, within = (why, EVERY_S) if lost else (what, SAME_S)
        with self._lock:
            alike = now - self._retried.get(about, -within) < within
            if not alike:
                self._retried[about] = now
        if not alike:
            after = f"next in {duration(round(wait, 1))}" if wait >= 0.05 else "now"
            self.tell(f"retrying {what}, attempt {attempt}, {after} ({why})")
        self.waits(f"before attempt {attempt} of {what}", wait)

    def waits(self, what: str, seconds: float) -> None:
        """This thread waits for something, for so many seconds at most."""
        with self._lock:
            self._waits[threading.get_ident()] = (what, self._now() + seconds)

    def scanned(self, source: str, rows: int) -> None:
        """A source was read so far."""
        with self._lock:
            self._scans[source] = rows

    def load(self, address: str, chunks: int, before: Before = Before()) -> None:
        """A load of so many chunks begins, of which earlier runs have done some.

        Args:
            address: of the load.
            chunks: how many it has.
            before: what of it earlier runs have done.
        """
        with self._lock:
            self._loads[address] = [chunks, before.sent, before.done]

    def advance(self, address: str, what: str, chunks: int) -> None:
        """So many more chunks of it are sent, or done."""
        with self._lock:
            counts = self._loads.setdefault(address, [chunks, 0, 0])
            counts[1 if what == "sent" else 2] += chunks
            if counts[2] >= counts[0]:
                del self._loads[address]

    def begin(self, actions: int) -> None:
        """So many actions are to be done."""
        with self._lock:
            self._actions, self._done = actions, 0
            self._scans.clear()
            self._waits.clear()

    def finished(self, address: str) -> None:
        """One of them is."""
        with self._lock:
            self._done += 1
            self._loads.pop(address, None)

    def heartbeat(self) -> None:
        """Say what is waited for, if nothing was said for `EVERY_S`."""
        if self._now() - self._spoke >= EVERY_S:
            self.tell(f"still working: {self.words()}")

    def words(self) -> str:
        """What is waited for, and how far things are."""
        with self._lock:
            parts = [*self._waiting(), *self._progress()]
        return "; ".join(parts) or "this machine computes; no request is in flight"

    def _waiting(self) -> list[str]:
        now = self._now()
        flying = sorted(self._flying.values(), key=lambda e: e.begun)
        if flying and now - flying[0].begun < SOON_S and (self._actions or self._loads or self._scans):
            return []  # answers come at once: how far things are says more
        if flying:
            one, more = flying[0], len(flying) - 1
            others = f" and {many(more, 'other request')}" if more else ""
            took = duration(round(now - one.begun))
            return [f"waiting for the answer to {one.method} {one.route} ({took}){others}"]
        left = [(until - now, what) for what, until in self._waits.values() if until > now]
        if not left:
            return []
        seconds, what = max(left)
        return [f"waiting {what}, {duration(round(seconds, 1))} at most"]

    def _progress(self) -> list[str]:
        found = [
            f"{done:,} of {many(total, 'action')} done"
            for done, total in [(self._done, self._actions)]
            if total
        ]
        name = next(iter(self._loads)) if len(self._loads) == 1 else many(len(self._loads), "load")
        if self._loads:
            chunks, sent, done = (sum(counts) for counts in zip(*self._loads.values(), strict=True))
            found.append(f"{name}: {sent:,} of {many(chunks, 'chunk')} sent, {done:,} done")
        if not self._actions:
            found += [
                f"{source}: {many(rows, 'row')} read" for source, rows in list(self._scans.items())[-1:]
            ]
        return found


class Heart:
    """Asks for a heartbeat every second, in a thread of its own, while it is entered."""

    def __init__(self, activity: Activity) -> None:
        self._activity = activity
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat")
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _beat(self) -> None:
        while not self._ended.wait(1.0):
            self._activity.heartbeat()
