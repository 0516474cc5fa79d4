"""`upload_rate`: whatever is sent, by however many, and whoever is lost: so many bytes leave in any span of time, and not many fewer."""

import heapq
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.scan.chunker import BLOCK
from reconciler.bulk.upload.rate import Allowance, Share, UploadRate

MB = 1_000_000


@dataclass(frozen=True)
class Upload:
    """One chunk.

    Attributes:
        size: its bytes.
        line: bytes a second that its connection takes.
        pause: seconds that its sender stands still after each share, as a suspended or busy one does.
        dies_after: blocks after which its sender is gone; None for one that ends.
    """

    size: int
    line: float
    pause: float
    dies_after: int | None


class World:
    """A clock, slots and a record of what left when; senders are generators that say until when they wait."""

    def __init__(self, rate: int, slots: int) -> None:
        self.now = 0.0
        self.rate = UploadRate(rate, slots, lambda: self.now)
        self.left: list[tuple[float, int]] = []
        self.lost = 0

    def sends(self, upload: Upload):  # type: ignore[no-untyped-def]
        had, sent = 0, 0
        while sent < upload.size:
            block = min(BLOCK, upload.size - sent)
            if upload.dies_after is not None and sent >= upload.dies_after * BLOCK:
                self.lost += 1
                return
            while had < block:
                share = self.rate.next()
                yield self.now + share.wait + upload.pause
                had += share.bytes
            had -= block
            self.left.append((self.now, block))
            yield self.now + block / upload.line
            sent += block

    def run(self, uploads: list[Upload], slots: int) -> None:
        waiting = list(reversed(uploads))
        busy: list[tuple[float, int, object]] = []
        number = 0
        while waiting or busy:
            while waiting and len(busy) < slots:
                heapq.heappush(busy, (self.now, number, self.sends(waiting.pop())))
                number += 1
            self.now, n, sender = heapq.heappop(busy)
            at = next(sender, None)  # type: ignore[call-overload]
            if at is not None:
                heapq.heappush(busy, (at, n, sender))


uploads = st.builds(
    Upload,
    size=st.integers(1, 12 * MB),
    line=st.sampled_from([0.3 * MB, 5 * MB, 1_000 * MB]),
    pause=st.sampled_from([0.0, 0.0, 0.4, 5.0]),
    dies_after=st.sampled_from([None, None, None, 0, 1, 7]),
)


@given(st.lists(uploads, min_size=1, max_size=12), st.integers(1, 8), st.sampled_from([1, 3, 50, 900]))
def test_no_span_of_time_has_more_than_its_bytes_and_the_burst(
    ones: list[Upload], slots: int, megabytes: int
) -> None:
    rate = megabytes * MB
    world = World(rate, slots)
    world.run(ones, slots)
    # It is enough to look at spans that begin with one block and end with another.
    before, sums = 0, []
    for at, size in world.left:
        sums.append((at, before, before + size))
        before += size
    most = max(
        (end - begin - rate * (t - s) for s, begin, _ in sums for t, _, end in sums if t >= s), default=0
    )
    assert most <= world.rate.burst
    assert world.rate.burst <= rate + 3 * slots * BLOCK


@given(st.lists(st.integers(1, 12 * MB), min_size=1, max_size=12), st.integers(1, 8), st.integers(0, 3))
def test_who_can_send_gets_the_whole_rate_and_the_lost_cost_a_share_each(
    sizes: list[int], slots: int, lost: int
) -> None:
    rate = 3 * MB
    gone = [Upload(4 * BLOCK, 1_000 * MB, 0.0, 1)] * lost
    world = World(rate, slots)
    world.run([*gone, *(Upload(s, 1_000 * MB, 0.0, None) for s in sizes)], slots)
    bytes_left = sum(size for _, size in world.left)
    shares = world.rate.share * (len(sizes) + lost + 1)  # of each the last one is not used to its end
    assert world.now <= (bytes_left + shares) / rate + 0.1 * len(sizes)


@given(st.integers(1 * MB, 10_000 * MB), st.integers(1, 64))
def test_no_upload_is_silent_for_long(rate: int, slots: int) -> None:
    """A platform closes a connection on which nothing arrives for a minute or so."""
    made = UploadRate(rate, slots, lambda: 0.0)
    longest = max(made.next().wait for _ in range(slots + 1))
    assert longest <= max(1.0, slots * BLOCK / MB) + 1e-6 < 20


@given(st.lists(st.integers(0, BLOCK + 100), max_size=30), st.integers(0, 20))
def test_a_sender_waits_for_what_it_sends_and_stops_when_no_share_comes(
    sizes: list[int], answered: int
) -> None:
    clock, given_shares = [0.0], [0]

    def next_share() -> Share | None:
        clock[0] += 0.5  # the question takes time, too
        if given_shares[0] == answered:
            return None
        given_shares[0] += 1
        return Share(BLOCK, 1.5)

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    mine = Allowance(next_share, sleep, lambda: clock[0])
    sent = 0
    for size in sizes:
        if not mine.wait_for(size):
            assert sent + size > answered * BLOCK
            break
        sent += size
    assert sent <= given_shares[0] * BLOCK
    assert mine.waited == 2.0 * given_shares[0]
