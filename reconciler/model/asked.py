"""What the flags of a command ask of its plan: only a part of it, and what is approved for a load."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """What flags narrowed the plan to; an empty scope is the whole."""

    datamarts: frozenset[str] | None = None
    targets: frozenset[str] = frozenset()
    labels: tuple[tuple[str, str], ...] = ()
    only: str | None = None

    @property
    def complete(self) -> bool:
        """True if nothing is left out."""
        return self == Scope()

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags that narrowed it, as a user would type them."""
        only = [f"--only {self.only}"] if self.only else []
        datamarts = [] if self.datamarts is None else [f"--datamart {','.join(sorted(self.datamarts))}"]
        labels = [f"-l {key}={value}" for key, value in self.labels]
        return (*only, *datamarts, *labels, *(f"--target {address}" for address in sorted(self.targets)))

    @property
    def whole_config(self) -> bool:
        """True if no compartment and no activation is left out."""
        return self.only != "loads" and not (self.targets or self.labels) and self.datamarts is None


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the user approved by flag for this load."""

    reload: bool = False
    supersede: bool = False
    resend: frozenset[int] = frozenset()
