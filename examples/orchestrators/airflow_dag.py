"""Airflow: every night a task for each source, and one that says what drifted. Copy beside `reconciler_step.py`."""

import logging
from datetime import UTC, datetime, timedelta

from airflow.exceptions import AirflowFailException
from airflow.sdk import dag, task
from reconciler_step import Ended, Next, drift, load

WORKSPACE = "/srv/reconciler"  # a checkout of the repository with the specs
SOURCES = {"customers": ["retail-fr", "retail-de"]}  # by source: its datamarts


def conclude(ended: Ended) -> None:
    """Green, red with another try, or red at once."""
    if ended.next is Next.FAIL:
        raise AirflowFailException(ended.told)
    if ended.next is Next.RETRY:
        raise RuntimeError(ended.told)


@dag(
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    max_active_tasks=1,  # one run at a time holds the organisation's lock; others would only wait for it
    default_args={"retries": 3, "retry_delay": timedelta(minutes=10), "retry_exponential_backoff": True},
)
def reconciler():
    """Loads, one after the other; a source that fails does not stop the others."""

    @task
    def send(source: str) -> None:
        conclude(load(WORKSPACE, source, SOURCES[source], log=logging.getLogger(__name__)))

    @task(trigger_rule="all_done", retries=0)
    def drifted() -> None:  # looks only: changes of the configuration are reviewed and applied by a pipeline
        conclude(drift(WORKSPACE, log=logging.getLogger(__name__)))

    [send.override(task_id=f"send_{s}")(s) for s in SOURCES] >> drifted()


reconciler()
