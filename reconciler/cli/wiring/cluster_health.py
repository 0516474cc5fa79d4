"""What `doctor` asks a Dask cluster: whether the scheduler answers, how many workers there are, and whether all have this version."""

import importlib.util
from pathlib import Path

from reconciler.cli.wiring.cluster import refuse_short_settle
from reconciler.cli.wiring.cluster_connection import connection
from reconciler.cli.wiring.cluster_worker import OTHER_CODE, own_code
from reconciler.errors import MissingExtra
from reconciler.kinds.counts import few, many
from reconciler.model.health import Check, failed, good, warned
from reconciler.origin import masked
from reconciler.settings import Dask, Settings

NAME = "engine"
_SHOWN = 3


def engine_check(root: Path, settings: Settings, engine: Dask) -> Check:
    """Whether a run could use the cluster. One that a run would start here is not started.

    Args:
        root: folder of the workspace.
        settings: of the workspace.
        engine: the cluster.

    Raises:
        Refused: `settle` is too short for it, or certificates do not fit its address.
        MissingExtra: Dask is not installed.
        ReconcilerError: the scheduler does not answer.
    """
    refuse_short_settle(settings, engine)
    if engine.local:
        if importlib.util.find_spec("distributed") is None:
            raise MissingExtra("engine: dask", "dask")
        return good(NAME, "Dask, with workers on this machine that each run starts")
    connected, shown = connection(engine, root), masked(engine.scheduler)
    workers = connected.workers()
    if not workers:
        todo = f"start workers: `dask worker {shown}`, where reconciler is installed with the same extras"
        return failed(NAME, f"{shown}: the scheduler answers, and has no worker", todo)
    said = connected.asked(own_code)
    told = f"{shown}: {many(len(workers), 'worker')}"
    silent = [w for w in workers if w not in said]
    other = [w for w in workers if w in said and said[w] != own_code()]
    if other:
        todo = "install on every worker the version of reconciler that this machine has"
        return failed(NAME, f"{told}; {few(other, _SHOWN)}: {OTHER_CODE}, or none", todo)
    if silent:
        return warned(
            NAME, f"{told}; no answer from {few(silent, _SHOWN)}", "look at the logs of these workers"
        )
    return good(NAME, f"{told}, each with this version of reconciler")
