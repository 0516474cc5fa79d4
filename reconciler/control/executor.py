"""Run actions as soon as what they require is done: a ready queue, bounded, where a failure blocks only its dependents."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from graphlib import TopologicalSorter
from queue import SimpleQueue

from reconciler.model.outcome import PASSABLE, Outcome, Status

WORKERS_PER_REQUEST, MAX_WORKERS = 16, 400


def execute(
    requires: Mapping[str, tuple[str, ...]],
    perform: Callable[[str], Outcome],
    *,
    wide: Collection[str],
    parallelism: int,
    stopping: Callable[[], bool],
    finished: Callable[[Outcome], None],
) -> list[Outcome]:
    """Perform every address once its requirements ended well.

    Args:
        requires: by address; an address that is not a key is taken as met.
        perform: does one action; must not raise.
        wide: addresses that mostly wait, for a slot or for a listing that shows what they wrote; what they send at once is
            bounded by slots, so many more of them than that may have begun.
        parallelism: of the others, how many at once.
        stopping: true once nothing new may begin.
        finished: is told each outcome as it comes.

    Returns:
        One outcome for every address, whatever happened.
    """
    graph = TopologicalSorter({a: [r for r in needed if r in requires] for a, needed in requires.items()})
    graph.prepare()
    outcomes: dict[str, Outcome] = {}
    ended: SimpleQueue[Future[Outcome]] = SimpleQueue()
    running = 0

    def end(outcome: Outcome) -> None:
        outcomes[outcome.address] = outcome
        finished(outcome)
        graph.done(outcome.address)

    with (
        ThreadPoolExecutor(parallelism, thread_name_prefix="load") as loads,
        ThreadPoolExecutor(
            min(parallelism * WORKERS_PER_REQUEST, MAX_WORKERS), thread_name_prefix="change"
        ) as changes,
    ):
        while graph.is_active():
            for address in graph.get_ready():
                blocker = next(
                    (r for r in requires[address] if r in outcomes and outcomes[r].status not in PASSABLE),
                    None,
                )
                if blocker is not None:
                    end(
                        Outcome(
                            address, Status.SKIPPED, "skip", f"{blocker} {outcomes[blocker].status.value}"
                        )
                    )
                elif stopping():
                    end(Outcome(address, Status.SKIPPED, "skip", "the run is ending"))
                else:
                    pool = changes if address in wide else loads
                    pool.submit(perform, address).add_done_callback(ended.put)
                    running += 1
            if running:
                end(ended.get().result())
                running -= 1
    return [outcomes[a] for a in requires]
