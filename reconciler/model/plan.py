"""The plan document (design 7): versioned plain data in Terraform's shape.

Field names are the JSON names. Nothing here holds a token of the platform's API or a profile value. Structs, since a plan may have
hundreds of thousands of entries.
"""

from typing import Any, Literal

import msgspec

from reconciler.model.diagnostic import Diagnostic
from reconciler.model.rollout import Rollout

FORMAT_VERSION = "2.0"
ORDER = {"Compartment": 0, "Activation": 1, "DocumentImport": 2}  # of entries, by kind


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`actions` is one of [create], [update], [delete], [delete, create], [no-op], [read].

    Attributes:
        actions: what is done.
        before: what is there; None if nothing is.
        after: what will be there; None if nothing will.
        after_unknown: fields of `after` that are known after apply only.
    """

    actions: tuple[str, ...]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    after_unknown: dict[str, bool] = {}


class UnchangedCompartment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A compartment that is as declared.

    Attributes:
        id: on the platform.
        name: on the platform.
    """

    id: str
    organisation_id: str
    token: str
    name: str | None


class UnchangedActivations(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Compartments that are active on the same datamarts as declared.

    Attributes:
        datamarts: their names.
        compartments: their names in the specs; `all` stands for those of `unchanged.compartments`.
    """

    datamarts: tuple[str, ...]
    compartments: Literal["all"] | tuple[str, ...]


class Unchanged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is as declared, in few lines: compartments one by one, activations by the datamarts that compartments share.

    With `--full` it is empty, and `resource_changes` has an entry with the action `no-op` for each of them.

    Attributes:
        compartments: by their name in the specs.
        activations: each compartment is in one group at most.
        defaults: by datamart, the compartments whose activation is its default.
        datamart_ids: ids of the datamarts in `activations`, by name.
        compartment_ids: ids of compartments in `activations` that are not in `compartments`, by name in the specs.
    """

    compartments: dict[str, UnchangedCompartment] = {}
    activations: tuple[UnchangedActivations, ...] = ()
    defaults: dict[str, tuple[str, ...]] = {}
    datamart_ids: dict[str, str] = {}
    compartment_ids: dict[str, str] = {}


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By which rule an import goes: how many loads stay, of the (workspace, source) pairs that count as one source."""

    keep: int
    former: tuple[tuple[str, str], ...]


class ResourceChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One resource: what it is, what it will be, why, and what must be done first.

    Attributes:
        address: such as Activation/loyalty@retail-fr.
        kind: Compartment, Activation or DocumentImport.
        change: before and after.
        reason: in words, for display only.
        requires: addresses of actions that have to succeed first.
        wave: of the rollout.
        remote_id: id on the platform.
        origin: FILE:LINE of the spec that asks for it; None where none does by itself.
        request: method and path that apply would send.
        former_default: id and token of the compartment that stops being the datamart's default; the token is null if unknown.
        token: of an activation's compartment that exists and is found by its token; apply requires it to be the same.
        retention: of an import that goes; apply asks it again.
    """

    address: str
    kind: str
    change: Change
    reason: str
    requires: tuple[str, ...] = ()
    wave: str | None = None
    remote_id: str | None = None
    origin: str | None = None
    request: str | None = None
    former_default: dict[str, str | None] | None = None
    token: str | None = None
    retention: Retention | None = None


class Delta(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a load of changed rows is made against, and the rows of the source beside it.

    Attributes:
        base: number of the finished load that it is compared with.
        added: rows whose identity was not sent.
        changed: rows of which another command was sent.
        unchanged: rows that are not sent, for this very command was.
        gone: identities that were sent, and that no row names any more.
        retried: rows of which it is not known that the platform took the last command.
        known: identities that were sent.
        deleted: of the identities that no row names, how many this load deletes.
        all_rows: all rows are sent, the unchanged ones, too.
    """

    base: int
    added: int
    changed: int
    unchanged: int
    gone: int
    retried: int
    known: int
    deleted: int = 0
    all_rows: bool = False

    @property
    def unsent(self) -> int:
        """Rows that are not sent, since they did not change."""
        return 0 if self.all_rows else self.unchanged


class SchemaSeen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The schema that the profiles of a load were compared with.

    Attributes:
        origin: `schema ID` of the platform, or the path of a file.
        digest: SHA-256 (hex) of its text.
    """

    origin: str
    digest: str


class LoadChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run of one source onto one datamart.

    Attributes:
        address: such as ProfileSource/crm@retail-fr.
        datamart: its name in the specs.
        datamart_id: its id on the platform.
        source_digest: of what is read: whether files or query are the same.
        chunks: uploads that the load consists of.
        lines: rows that are read.
        bytes: that are uploaded.
        upserts: commands that write a profile.
        deletes: commands that delete a profile.
        rejected: rows that are not sent.
        replay_safe: sending a chunk a second time changes nothing.
        actions: one of [execute], [resume], [no-op].
        reason: in words, for display only.
        requires: addresses of actions that have to succeed first.
        wave: of the rollout.
        after_unknown: fields that are known after apply only, or estimated.
        resend: numbers of chunks that are sent again although that is not safe.
        reload: the same content is loaded again.
        generation: None while the platform could not be read.
        load_digest: None while a compartment is still to be created ("known after apply").
        previous_lines: of the last load that a snapshot replaces; 0 where there is none, or its size says nothing.
        retry: the sub-load's number, where failed lines of the generation are sent again; else 0.
        supersede: the user allows newer content to replace an unfinished generation.
        unfinished: counts of chunks, of this generation or of one it supersedes, that did not end well.
        definition: what `apply FILE` needs to read the source again, without specs.
        delta: of a load that sends only rows that changed; None where it sends all rows.
        schema: that its profiles were compared with; None where they were not.
        tokens: of its compartments that exist and are found by their token, by key; apply requires them to be the same.
    """

    address: str
    datamart: str
    datamart_id: str
    generation: int | None
    source_digest: str
    load_digest: str | None
    chunks: int
    lines: int
    bytes: int
    upserts: int
    deletes: int
    rejected: int
    replay_safe: bool
    unfinished: dict[str, int]
    actions: tuple[str, ...]
    reason: str
    requires: tuple[str, ...] = ()
    tokens: dict[str, str] = {}
    wave: str | None = None
    after_unknown: dict[str, bool] = {}
    definition: dict[str, Any] = {}
    resend: tuple[int, ...] = ()
    reload: bool = False
    supersede: bool = False
    retry: int = 0
    previous_lines: int = 0
    delta: Delta | None = None
    schema: SchemaSeen | None = None

    @property
    def unread(self) -> bool:
        """True if its source is read by apply only: contents are known after apply."""
        return bool(self.after_unknown.get("source_digest"))


class Summary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Counts of what apply would do.

    Attributes:
        create: resources.
        update: resources.
        delete: resources.
        execute: loads.
        unchanged: resources and loads.
    """

    create: int = 0
    update: int = 0
    delete: int = 0
    execute: int = 0
    unchanged: int = 0


class Budget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Requests and bytes the apply will need; following executions to their end comes on top.

    Attributes:
        requests: their number.
        bytes: to upload.
        seconds: for the requests, at the pace of those that the plan itself took; None where it took none.
    """

    requests: int = 0
    bytes: int = 0
    seconds: float | None = None


class Override(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A guard that a user overrode in this plan; `scope` is a kind, KIND@DATAMART or a load's address."""

    guard: str
    scope: str
    who: str
    why: str


class Unmanaged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A compartment or an activation that exists and that no spec declares.

    Attributes:
        kind: Compartment or Activation.
        datamart: name of the datamart of an activation.
        datamart_id: of that datamart.
        default: the activation is the datamart's default.
        ignored: why reconciler.yaml says that it stays as it is; None where it says nothing.
    """

    kind: str
    compartment_id: str
    token: str
    name: str | None
    datamart: str | None = None
    datamart_id: str | None = None
    default: bool = False
    ignored: str | None = None


class Audit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a document says what drifted, and is not for being applied.

    Attributes:
        baseline: when the newest apply was that changes are compared with (UTC); None where the ledger has none.
    """

    baseline: str | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reviewed artefact; `created_at` (UTC) makes two plans of equal content two approvals.

    Attributes:
        format_version: of this format.
        tool_version: of the reconciler that made it.
        workspace: its name.
        organisation_id: whose resources it changes.
        endpoint: URL of the platform.
        environment: that was chosen; None is the base.
        spec_digest: of all specs.
        complete: no flag limits it.
        errored: something could not be read; what depends on it is not in the plan.
        applyable: nothing stops it.
        resource_changes: of compartments, activations and document imports; `no-op` where something stays although it is not as declared.
        unchanged: compartments and activations that are as declared.
        loads: of each source and datamart, those that send nothing too.
        summary: counts.
        budget: what apply will need.
        resource_drift: in an audit, what changed on the platform since the last apply.
        diagnostics: findings.
        overrides: guards that a user overrode.
        rollout: waves that it is carried out in.
        unmanaged: what exists and no spec declares.
        created_at: when it was made (UTC).
        plan_digest: SHA-256 of all the rest but the seal.
        prune: scopes of `--prune`.
        listed_datamarts: ids of those whose activations were all read, where no flag excludes a compartment or an activation.
        labels: of the datamarts that the specs name, by name; a reader is shown sets by them.
        limits: flags that limit it, as they were given.
        audit: of the document of `drift`; None of a plan.
        seal: HMAC of all the rest with the workspace's `plan_key`; empty where there is none.
    """

    format_version: str
    tool_version: str
    workspace: str
    organisation_id: str
    endpoint: str
    environment: str | None
    spec_digest: str
    complete: bool
    errored: bool
    applyable: bool
    resource_changes: tuple[ResourceChange, ...]
    unchanged: Unchanged = Unchanged()
    loads: tuple[LoadChange, ...]
    summary: Summary
    budget: Budget
    resource_drift: tuple[dict[str, Any], ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    overrides: tuple[Override, ...] = ()
    rollout: Rollout | None = None
    unmanaged: tuple[Unmanaged, ...] = ()
    prune: tuple[str, ...] = ()
    listed_datamarts: tuple[str, ...] = ()
    labels: dict[str, dict[str, str]] = {}
    limits: tuple[str, ...] = ()
    audit: Audit | None = None
    created_at: str = ""
    plan_digest: str = ""
    seal: str = ""

    @property
    def has_changes(self) -> bool:
        """True if apply would write."""
        s = self.summary
        return bool(s.create or s.update or s.delete or s.execute)
