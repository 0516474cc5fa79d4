"""What a plan is asked to be: by flags, and by what the ledger remembers; and what becomes of its parts."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from reconciler.model.asked import Overrides, Scope
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.load import UploadNotes
from reconciler.model.plan import LoadChange, Override, ResourceChange, Unchanged
from reconciler.model.removal import RefusedRemoval
from reconciler.planning.config.changes import ConfigPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked this plan to be.

    Attributes:
        overrides: by load address.
        allowed: guards that may be crossed.
        ledger: why the ledger cannot be found, or, where `CI` is set, `local` if other machines do not share it; else empty.
        uploads: what the ledger knows of uploads to a datamart.
        prune: scopes where activations that nobody declares are to go.
        known: remote ids of compartments at the last apply, by address, as the ledger has them.
        refused: of an address, kind, datamart id and remote id, that the platform refused the removal before.
        newest_load: the highest number of the loads of a source that the ledger knows; None where it knows none.
        watched: addresses of loads that ended a short time ago: their executions are looked at once more.
        looked: is told the address of each of them whose executions could be read.
    """

    scope: Scope = field(default_factory=Scope)
    overrides: Mapping[str, Overrides] = field(default_factory=dict)
    allowed: Sequence[Override] = ()
    created_at: str = ""
    ledger: str = ""
    uploads: Callable[[str], UploadNotes] = lambda _: UploadNotes()
    prune: frozenset[str] = frozenset()
    known: Mapping[str, str] = field(default_factory=dict)
    refused: Callable[[str, str, str, str], RefusedRemoval | None] = lambda *_: None
    newest_load: Callable[[DesiredLoad], int | None] = lambda _: None
    watched: Collection[str] = ()
    looked: Callable[[str], None] = lambda _: None


class PlannedConfig(NamedTuple):
    """What is planned for compartments and activations.

    Attributes:
        whole: of all that the specs declare.
        changes: those that this plan makes.
        unchanged: what this plan is about, and is as declared.
    """

    whole: ConfigPlan
    changes: Sequence[ResourceChange]
    unchanged: Unchanged


class PlannedLoads(NamedTuple):
    """What a plan does with sources; nothing, where it has none.

    Attributes:
        retired: deletions of the imports of old loads.
        errored: the platform could not be read.
    """

    changes: Sequence[LoadChange] = ()
    retired: Sequence[ResourceChange] = ()
    findings: Sequence[Diagnostic] = ()
    errored: bool = False
