"""Dagster: an asset for each source, materialized every night. Copy beside `reconciler_step.py`."""

from dagster import (
    AssetExecutionContext,
    Backoff,
    Definitions,
    Failure,
    MaterializeResult,
    RetryPolicy,
    ScheduleDefinition,
    asset,
    define_asset_job,
)
from reconciler_step import Next, load

WORKSPACE = "/srv/reconciler"  # a checkout of the repository with the specs
SOURCES = {"customers": ["retail-fr", "retail-de"]}  # by source: its datamarts


def asset_of(source: str):
    """The asset of one source. Assets share a pool of one: one run at a time holds the organisation's lock."""

    @asset(
        name=source,
        pool="reconciler",
        retry_policy=RetryPolicy(max_retries=3, delay=600, backoff=Backoff.EXPONENTIAL),
    )
    def made(context: AssetExecutionContext) -> MaterializeResult:
        ended = load(WORKSPACE, source, SOURCES[source], log=context.log)
        if ended.next is not Next.DONE:
            raise Failure(
                ended.told,
                metadata={"exit_code": ended.code, "failed_rows": sum(ended.failed_rows.values())},
                allow_retries=ended.next is Next.RETRY,
            )
        return MaterializeResult(metadata={"run": ended.run or 0, "actions": len(ended.actions)})

    return made


nightly = define_asset_job("nightly", selection="*")
defs = Definitions(
    assets=[asset_of(s) for s in SOURCES],
    jobs=[nightly],
    schedules=[ScheduleDefinition(job=nightly, cron_schedule="0 3 * * *")],
)
