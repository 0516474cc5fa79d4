"""What the ledger needs of a database, and its tables. The two databases differ in how they are opened and locked only.

Statements are written with `?`; every table that is not reached through a run is keyed by endpoint origin and organisation.
"""

import re
from collections.abc import Iterable
from typing import Any, Protocol

Row = tuple[Any, ...]
_FIRST = """
CREATE TABLE runs (
  id {identity}, origin TEXT NOT NULL, organisation_id TEXT NOT NULL, host TEXT NOT NULL,
  plan_digest TEXT NOT NULL, plan TEXT NOT NULL, started DOUBLE PRECISION NOT NULL, ended DOUBLE PRECISION, state TEXT NOT NULL);
CREATE TABLE journal (
  id {identity}, run BIGINT NOT NULL REFERENCES runs(id), at DOUBLE PRECISION NOT NULL,
  address TEXT NOT NULL, step TEXT NOT NULL, state TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX journal_by_step ON journal(step, state);
CREATE TABLE refused_uploads (origin TEXT NOT NULL, organisation_id TEXT NOT NULL, datamart_id TEXT NOT NULL, name TEXT NOT NULL,
  PRIMARY KEY (origin, organisation_id, datamart_id, name));
"""
_SETTLED = """
CREATE TABLE settled_chunks (
  origin TEXT NOT NULL, organisation_id TEXT NOT NULL, datamart_id TEXT NOT NULL, load TEXT NOT NULL, chunk INTEGER NOT NULL,
  attempt INTEGER NOT NULL, sent INTEGER NOT NULL, at DOUBLE PRECISION NOT NULL, who TEXT NOT NULL,
  PRIMARY KEY (origin, organisation_id, datamart_id, load, chunk));
"""
_LEASES = """
CREATE TABLE leases (
  origin TEXT NOT NULL, organisation_id TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, since DOUBLE PRECISION NOT NULL,
  expires DOUBLE PRECISION NOT NULL, backend INTEGER NOT NULL, PRIMARY KEY (origin, organisation_id));
ALTER TABLE runs ADD COLUMN inverse TEXT;
"""
_ROLLOUTS = """
CREATE TABLE rollouts (
  id {identity}, origin TEXT NOT NULL, organisation_id TEXT NOT NULL, plan_digest TEXT NOT NULL, plan TEXT NOT NULL, state TEXT NOT NULL,
  why TEXT NOT NULL, who TEXT NOT NULL, started DOUBLE PRECISION NOT NULL, updated DOUBLE PRECISION NOT NULL,
  UNIQUE (origin, organisation_id, plan_digest));
CREATE TABLE waves (
  rollout BIGINT NOT NULL REFERENCES rollouts(id), wave TEXT NOT NULL, state TEXT NOT NULL, at DOUBLE PRECISION NOT NULL,
  why TEXT NOT NULL, runs TEXT NOT NULL, PRIMARY KEY (rollout, wave));
"""
_OPEN_WRITES = """
ALTER TABLE runs ADD COLUMN nonce TEXT;
CREATE TABLE open_writes (
  origin TEXT NOT NULL, organisation_id TEXT NOT NULL, address TEXT NOT NULL, run BIGINT NOT NULL REFERENCES runs(id),
  PRIMARY KEY (origin, organisation_id, address, run));
CREATE TABLE seen_through (
  origin TEXT NOT NULL, organisation_id TEXT NOT NULL, address TEXT NOT NULL, run BIGINT NOT NULL,
  PRIMARY KEY (origin, organisation_id, address));
INSERT INTO open_writes SELECT origin, organisation_id, '*', id FROM runs WHERE state IN ('running', 'unsettled');
ALTER TABLE leases ADD COLUMN nonce TEXT;
ALTER TABLE leases ADD COLUMN quiet INTEGER NOT NULL DEFAULT 0;
"""
_COMPARTMENTS = """
CREATE TABLE compartments (
  origin TEXT NOT NULL, organisation_id TEXT NOT NULL, workspace TEXT NOT NULL, address TEXT NOT NULL, remote_id TEXT NOT NULL,
  PRIMARY KEY (origin, organisation_id, workspace, address));
"""
# Open writes were kept by address; of what is open in such a record nothing more is known than that something is.
_BY_WHAT_IS_WRITTEN = """
INSERT INTO open_writes SELECT DISTINCT origin, organisation_id, '*', run FROM open_writes WHERE address NOT IN ('*', '*loads') ON CONFLICT DO NOTHING;
DELETE FROM open_writes WHERE address NOT IN ('*', '*loads');
DELETE FROM seen_through;
ALTER TABLE open_writes RENAME COLUMN address TO written;
ALTER TABLE seen_through RENAME COLUMN address TO written;
"""
_REPORTED = """
CREATE TABLE reported_executions (origin TEXT NOT NULL, organisation_id TEXT NOT NULL, datamart_id TEXT NOT NULL, execution TEXT NOT NULL,
  PRIMARY KEY (origin, organisation_id, datamart_id, execution));
"""
_LOOKS = """
CREATE TABLE looks (
  origin TEXT NOT NULL, organisation_id TEXT NOT NULL, written TEXT NOT NULL, generation INTEGER NOT NULL,
  begun DOUBLE PRECISION NOT NULL, latest DOUBLE PRECISION NOT NULL, PRIMARY KEY (origin, organisation_id, written, generation));
"""
_ACTORS = """
ALTER TABLE runs ADD COLUMN who TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN source_commit TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN job TEXT NOT NULL DEFAULT '';
"""
_BASELINES = """
CREATE TABLE baselines (
  origin TEXT NOT NULL, organisation_id TEXT NOT NULL, workspace TEXT NOT NULL, address TEXT NOT NULL,
  identity TEXT, shape TEXT NOT NULL, at DOUBLE PRECISION NOT NULL, PRIMARY KEY (origin, organisation_id, workspace, address));
CREATE TABLE baseline_looks (
  origin TEXT NOT NULL, organisation_id TEXT NOT NULL, workspace TEXT NOT NULL, datamarts TEXT NOT NULL, at DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (origin, organisation_id, workspace));
"""
_REFUSED_REMOVALS = """
CREATE TABLE refused_removals (
  origin TEXT NOT NULL, organisation_id TEXT NOT NULL, kind TEXT NOT NULL, datamart_id TEXT NOT NULL, remote_id TEXT NOT NULL,
  status INTEGER NOT NULL, at DOUBLE PRECISION NOT NULL, PRIMARY KEY (origin, organisation_id, kind, datamart_id, remote_id));
"""
_INDEXES = """
CREATE INDEX runs_by_organisation ON runs(origin, organisation_id, id);
CREATE INDEX runs_by_plan ON runs(plan_digest);
CREATE INDEX runs_by_nonce ON runs(nonce);
ALTER TABLE runs ADD COLUMN inverse_digest TEXT;
CREATE INDEX runs_by_inverse ON runs(inverse_digest);
DROP INDEX journal_by_step;
CREATE INDEX journal_by_run ON journal(run, id);
CREATE INDEX journal_by_step ON journal(step, state, at);
"""
_STEPS = (
    _FIRST,
    _SETTLED,
    _LEASES,
    _ROLLOUTS,
    _OPEN_WRITES,
    _COMPARTMENTS,
    _BY_WHAT_IS_WRITTEN,
    _REPORTED,
    _LOOKS,
    _ACTORS,
    _BASELINES,
    _REFUSED_REMOVALS,
    _INDEXES,
)  # from one version to the next
SCHEMA_VERSION = len(_STEPS)
TABLES = frozenset(re.findall(r"CREATE TABLE (\w+)", " ".join(_STEPS)))


class Database(Protocol):
    """One connection, or as many as it takes; safe to share between threads."""

    def rows(self, sql: str, *values: Any) -> list[Row]:
        """Run one statement, committed when it returns; its rows, if it has any."""

    def many(self, sql: str, rows: Iterable[Row]) -> None:
        """Run one statement for each row, all in one transaction."""

    def close(self) -> None:
        """Close it."""


def migration(version: int, identity: str) -> str:
    """The statements from a version to the newest.

    Args:
        version: 0 is an empty database.
        identity: how a column that numbers itself is declared.
    """
    return " ".join(_STEPS[version:]).replace("{identity}", identity)


def too_new(version: int) -> str | None:
    """Why a ledger of this version is not touched; None if it is no newer than this program."""
    if version <= SCHEMA_VERSION:
        return None
    return f"its format {version} is newer; this version of reconciler supports {SCHEMA_VERSION}"
