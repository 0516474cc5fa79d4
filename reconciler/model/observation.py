"""One look at workspace, platform and ledger, as numbers: what `watch` shows. No identifiers of the platform, no values."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What was seen.

    Attributes:
        datamarts: names of those that the workspace declares.
        pending: changes and loads that apply would carry out, by kind, datamart (empty for a compartment) and action.
        drift: what changed on the platform since the last apply, by kind.
        unmanaged: what exists there and no spec declares, by kind.
        findings: by severity.
        errored: something could not be read.
        applyable: an apply would not be refused.
        last_success: when work on a datamart last succeeded, in seconds since 1970, as far as the ledger knows.
        failed_rows: rows that the platform refused in the newest load, by source and datamart.
    """

    datamarts: tuple[str, ...] = ()
    pending: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    drift: Mapping[str, int] = field(default_factory=dict)
    unmanaged: Mapping[str, int] = field(default_factory=dict)
    findings: Mapping[str, int] = field(default_factory=dict)
    errored: bool = False
    applyable: bool = True
    last_success: Mapping[str, float] = field(default_factory=dict)
    failed_rows: Mapping[tuple[str, str], int] = field(default_factory=dict)
