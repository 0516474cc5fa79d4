"""What reading a source found, and how it is cut."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Position:
    """Where a line starts: index of the file, offset in its decompressed bytes (in rows for Parquet), lines before it there."""

    file: int
    offset: int
    line: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """One upload: where its first line starts, and the SHA-256 (hex) of exactly the bytes sent."""

    index: int
    start: Position
    lines: int
    size: int
    sha256: str

    @property
    def chunk12(self) -> str:
        """What the import's name carries."""
        return self.sha256[:12]


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that is not sent; never its contents (G9)."""

    path: str
    line: int
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Repeated:
    """Identities that several lines name: how many, by how many lines after the first each, and where a few are."""

    identities: int
    commands: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over a source.

    Attributes:
        rejects: the first few; `rejected` counts all.
        reasons: how many lines each code rejected.
        compartments: remote ids named by lines, at most `MAX_COMPARTMENTS` of them.
        repeated: identities that several lines name, where the source asks for them.
    """

    source_digest: str
    files: tuple[str, ...]
    chunks: tuple[Chunk, ...]
    lines: int
    sent: int
    bytes: int
    upserts: int
    deletes: int
    rejected: int
    replay_safe: bool
    rejects: tuple[Reject, ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)
    compartments: frozenset[str] = frozenset()
    missing_identity: int = 0
    repeated: Repeated | None = None


def allowed(allow: str, lines: int) -> float:
    """How many of `lines` may be rejected: a count, or a percentage."""
    return lines * float(allow[:-1]) / 100 if allow.endswith("%") else float(allow)
