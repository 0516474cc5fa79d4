"""Every error this project raises on purpose.

    ReconcilerError              exit 1   what happened, and `help`: what to do next
    ├── SpecError                exit 1   specs or workspace have findings (carries the diagnostics)
    ├── MissingExtra             exit 1   an optional dependency is not installed
    ├── WrongColumn              exit 1   a column that a spec names does not fit what a source has (carries the name)
    ├── ReadFailed               exit 1   the remote could not be read; never an absence (G6)
    │   ├── NotFound             exit 1   the one thing that was asked for is not there
    │   └── Unauthorized         exit 1   401: the token is not accepted
    ├── SchemaUnusable           exit 1   the schema of a datamart cannot be used; a load never stops for it
    ├── DiskFailed               exit 1   a file or folder of this machine cannot be used, read or written
    ├── LedgerFailed             exit 1   the ledger cannot be opened, read or written
    ├── Interrupted              exit 130 the run was ended from outside while it read something
    ├── ApprovalRefused          exit 1   nobody said yes
    ├── Refused                  exit 4   guard, limit, stale or foreign plan
    ├── LockHeld                 exit 5   another run, or a sender it left behind, is still there
    └── UsageError               exit 64  the command line itself makes no sense

Anything else that escapes is a bug and is reported as one by `reconciler.cli.entry`.
"""

from collections.abc import Sequence
from typing import Any


class ReconcilerError(Exception):
    """Base of all expected errors.

    Attributes:
        help: what the user can do next, or None.
    """

    def __init__(self, message: str, *, help: str | None = None) -> None:  # noqa: A002 - the word of the diagnostics
        super().__init__(message)
        self.help = help


class SpecError(ReconcilerError):
    """Findings of severity error in the specs or the workspace file.

    Attributes:
        diagnostics: `reconciler.model.diagnostic.Diagnostic` values, all of them, not the first.
    """

    def __init__(self, diagnostics: Sequence[Any]) -> None:
        super().__init__(f"findings in the specs: {len(diagnostics)}")
        self.diagnostics = tuple(diagnostics)


class MissingExtra(ReconcilerError):
    """A feature needs an extra that is not installed.

    Attributes:
        extra: its name.
    """

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs the '{extra}' extra, which is not installed",
            help=f"pip install 'mics-reconciler[{extra}]'",
        )
        self.extra = extra


class WrongColumn(ReconcilerError):
    """A column that a spec names is not in a source, or is another one than the spec needs there.

    Attributes:
        column: as the spec names it.
        field: of the spec that names it, such as `types`; None where any may be meant.
    """

    def __init__(
        self,
        message: str,
        *,
        column: str = "",
        field: str | None = None,
        help: str | None = None,  # noqa: A002 - the word of the diagnostics
    ) -> None:
        super().__init__(message, help=help)
        self.column = column
        self.field = field


class SchemaUnusable(ReconcilerError):
    """A datamart's schema cannot be parsed, is not live, or has no type for profiles: profiles are not compared with it."""


class ReadFailed(ReconcilerError):
    """A GET or a listing did not give a well-formed answer."""


class NotFound(ReadFailed):
    """The remote answered that there is no such thing (contract 1.6): 404, or "Resource Not Found"."""


class Unauthorized(ReadFailed):
    """The remote answered 401."""


class DiskFailed(ReconcilerError):
    """A file or folder of this machine cannot be used; the message names it."""

    @classmethod
    def of(cls, doing: str, path: object, error: OSError) -> "DiskFailed":
        """What the system said when something was done to a path: `cannot write PATH: No space left on device`."""
        return cls(f"cannot {doing} {path}: {error.strerror or error}")


class LedgerFailed(ReconcilerError):
    """The ledger's database did not do its part; nothing further may be written to the remote."""


class Interrupted(ReconcilerError):
    """The user, or the system, ended the run while something was read; nothing came of it."""

    def __init__(self) -> None:
        super().__init__("the run was interrupted; run the same command again to continue")


class ApprovalRefused(ReconcilerError):
    """The user, or the lack of a terminal, said no."""


class Refused(ReconcilerError):
    """The tool itself refuses to go on: exit 4."""


class LockHeld(ReconcilerError):
    """Another run holds the organisation's lock: exit 5."""


class UsageError(ReconcilerError):
    """Flags or arguments that cannot be meant in any workspace: exit 64.

    What could be meant, and is not there (a name in the specs, a run, a chunk, a line of a source), is a `ReconcilerError`: exit 1.
    """
