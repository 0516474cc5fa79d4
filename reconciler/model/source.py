"""A profile source, resolved for one datamart: all that is needed to read it again without specs."""

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

# The format of rows that were read once: JSON objects, a line each; of a row that JSON does not have, an array with the reason.
SPOOL = "spool"
PRIVATE = ".reconciler"  # the folder of a workspace where runs keep what is theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """One way a line may name its user; `kind` is user_account_id, email_hash or user_agent_id.

    Attributes:
        hash: makes an e-mail hash from the column's value, after the steps of `normalise`; None takes the value as it is.
    """

    kind: str
    column: str
    compartment: str | None = None
    hash: str | None = None
    normalise: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A fixed operation, or the column that says it and how its values map."""

    value: str | None = "UPSERT"
    column: str | None = None
    map: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Flags written into mapped lines (contract 7.1, 7.5); `merge_objects` None leaves the field out."""

    dialect: str = "flags"
    force_replace: bool = False
    merge_objects: bool | None = None
    update_strategy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """CSV dialect."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    header: bool = True
    nulls: tuple[str, ...] = ()
    max_record_lines: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query as a source: texts, or typed references that are resolved when it is read.

    Attributes:
        digest: SHA-256 (hex) of the query's text as it was planned; empty until then.
    """

    url: str | dict[str, str]
    query: str | dict[str, str]
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removals:
    """A file of one run that lists identities which no row names any more, enciphered with the key of that run.

    Attributes:
        digests: bytes of the digests in each record.
    """

    path: str
    key: bytes = field(repr=False)
    digests: int = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a source expects of its rows: `not_null`, `unique`, `in`, `matches`, `range`, `min_rows` or `max_change_percent`.

    Attributes:
        field: a property as it is sent; None where it is about all rows.
        value: what the check compares with.
        severity: `error` or `warn`.
    """

    check: str
    field: str | None = None
    value: Any = True
    severity: str = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDefinition:
    """See design 3 for the fields; `identify_by` is empty for the format `commands`.

    Attributes:
        compartments: every compartment key used here, with its remote id once known.
        nulls: whether NULL is absent or kept; by default absent in tables (Parquet, SQL) and kept in NDJSON.
        allow: acceptable bad lines, such as "0", "12" or "1%".
        max_bytes: of one chunk.
        superseded: with `duplicates: keep_last`, a file that lists the lines a later one replaces; apply makes it.
        send: `all` rows, or only those that `changed` since the last load.
        full_every: with `changed`, every so many loads send all rows; 0 for never.
        gone: with `changed`, whether profiles whose identity no row names any more are kept, or deleted: `keep` or `delete`.
        base: what a delta is made against, as its digest names it; empty for a load of all rows.
        listed: of a delta, a file that lists the lines to send; made where it is read.
        removals: of a load that deletes, whom; made where it is read.
        verify: how many lines are read back after the run.
        keep_generations: how many loaded generations of imports stay; None for all.
        expect: what its rows must be.
        schema: what to do with profiles that do not fit the datamart's schema: `off`, `warn` or `error`.
        former: (workspace, source) pairs under which earlier loads may have been named.
    """

    workspace: str
    source: str
    files: tuple[str, ...]
    format: str
    sql: Query | None = None
    compression: str = "none"
    csv: Dialect = field(default_factory=Dialect)
    operation: Operation = field(default_factory=Operation)
    identify_by: tuple[Identifier, ...] = ()
    owner: Identifier | None = None
    types: dict[str, str] = field(default_factory=dict)
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    rename: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    nulls: str = "default"
    update: Update = field(default_factory=Update)
    ordering: str = "free"
    upload: str = "raw"
    content: str = "snapshot"
    duplicates: str = "off"
    allow: str = "0"
    max_bytes: int = 64_000_000
    fill_identity: bool = False
    compartment: str | None = None
    compartments: dict[str, str | None] = field(default_factory=dict)
    superseded: str = ""
    send: str = "all"
    full_every: int = 0
    gone: str = "keep"
    base: str = ""
    listed: str = ""
    removals: Removals | None = None
    verify: int = 0
    keep_generations: int | None = None
    former: tuple[tuple[str, str], ...] = ()
    outside: bool = False
    schema: str = "warn"
    expect: tuple[Expectation, ...] = ()

    @property
    def field_names(self) -> frozenset[str]:
        """Names of fields that the spec itself writes."""
        return frozenset([*self.types, *self.rename.values(), *self.constants, *(self.include or ())])

    @property
    def of_this_run(self) -> bool:
        """True if a spool or a list, which this run keeps for itself on this machine, decides what is read of it."""
        return bool(self.listed or self.removals or self.superseded) or any(
            PRIVATE in PurePath(f).parts for f in self.files
        )
