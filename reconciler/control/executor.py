"""Run actions as soon as what they require is done: a ready queue, bounded, where a failure blocks only its dependents."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter

from reconciler.model.outcome import PASSABLE, Outcome, Status


def execute(
    requires: Mapping[str, tuple[str, ...]],
    perform: Callable[[str], Outcome],
    *,
    parallelism: int,
    stopping: Callable[[], bool],
    finished: Callable[[Outcome], None],
) -> list[Outcome]:
    """Perform every address once its requirements ended well.

    Args:
        requires: by address; an address that is not a key is taken as met.
        perform: does one action; must not raise.
        parallelism: actions at once.
        stopping: true once nothing new may begin.
        finished: is told each outcome as it comes.

    Returns:
        One outcome for every address, whatever happened.
    """
    graph = TopologicalSorter({a: [r for r in needed if r in requires] for a, needed in requires.items()})
    graph.prepare()
    outcomes: dict[str, Outcome] = {}
    running: dict[Future[Outcome], str] = {}

    def end(outcome: Outcome) -> None:
        outcomes[outcome.address] = outcome
        finished(outcome)
        graph.done(outcome.address)

    with ThreadPoolExecutor(parallelism, thread_name_prefix="action") as pool:
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
                    running[pool.submit(perform, address)] = address
            if running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    running.pop(future)
                    end(future.result())
    return [outcomes[a] for a in requires]
