"""Addresses of resources, and places in files."""

from dataclasses import dataclass

WORKSPACE_FILE = "reconciler.yaml"


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """`Kind/name` or `Kind/name@datamart`; `str()` and `parse()` are inverse."""

    kind: str
    name: str
    datamart: str | None = None

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" + (f"@{self.datamart}" if self.datamart is not None else "")

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read an address back.

        Raises:
            ValueError: the text has no `/`.
        """
        kind, slash, rest = text.partition("/")
        if not slash or not kind or not rest:
            raise ValueError(
                f"{text!r} is not an address; examples: Compartment/loyalty, Activation/loyalty@retail-fr"
            )
        name, at, datamart = rest.partition("@")
        return cls(kind, name, datamart if at else None)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file: 1-based line and column (in characters), and the length to underline."""

    path: str
    line: int = 1
    column: int = 1
    length: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"
