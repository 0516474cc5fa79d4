"""One model of a finding; `reconciler.reports` renders it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict, Unpack

from reconciler.model.address import Span


class Severity(StrEnum):
    """How bad a finding is; `error` stops."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A finding with a stable code, a place, and what to do about it."""

    code: str
    severity: Severity
    message: str
    span: Span | None = None
    secondary: tuple[tuple[Span, str], ...] = ()
    help: str | None = None
    note: str | None = None
    address: str | None = None

    def order(self) -> tuple[str, int, int, str, str]:
        """Sort key: as one reads files from the top; what has no place comes first."""
        span = self.span or Span("", 0, 0)
        return (span.path, span.line, span.column, self.code, self.message)


class _Rest(TypedDict, total=False):
    """What else a finding may have; see `Diagnostic`."""

    secondary: tuple[tuple[Span, str], ...]
    help: str | None
    note: str | None
    address: str | None


def error(code: str, message: str, span: Span | None = None, **rest: Unpack[_Rest]) -> Diagnostic:
    """Shorthand for a finding that stops."""
    return Diagnostic(code, Severity.ERROR, message, span, **rest)


def warning(code: str, message: str, span: Span | None = None, **rest: Unpack[_Rest]) -> Diagnostic:
    """Shorthand for a finding that is shown and goes on."""
    return Diagnostic(code, Severity.WARNING, message, span, **rest)


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """True if at least one finding stops."""
    return any(d.severity is Severity.ERROR for d in diagnostics)
