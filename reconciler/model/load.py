"""What reading a source found, and how it is cut."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.model.datamart_schema import SchemaOddity

# The code of a line that is not sent because a later one about the same identity is (duplicates: keep_last).
SUPERSEDED = "line-superseded"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a chunk starts: a place at which reading can begin, and how many bytes made from there belong to others.

    Attributes:
        file: index of the file.
        offset: in its decompressed bytes; in rows for Parquet.
        line: lines before it there.
        skip: bytes of lines to send that are made from there and come before.
    """

    file: int
    offset: int
    line: int
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """One upload: where its first line starts, and the SHA-256 (hex) of exactly the bytes sent.

    Attributes:
        verbatim: they stand in the file just so, in one piece, so that they need not be made again.
    """

    index: int
    start: Position
    lines: int
    size: int
    sha256: str
    verbatim: bool = False

    @property
    def chunk12(self) -> str:
        """What the import's name carries."""
        return self.sha256[:12]


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that is not sent; never its contents (G9).

    Attributes:
        line: where the record begins, from 1.
        row: its number among the records, where that is another (CSV).
        column: the one to blame, where there is one.
        lines: how many physical lines it takes.
    """

    path: str
    line: int
    code: str
    reason: str
    row: int | None = None
    column: str | None = None
    lines: int = 1

    @property
    def where(self) -> str:
        """`path:line`, with row and column where the format has them and the reason does not name the column."""
        row = f" row {self.row:,}" if self.row is not None else ""
        told = self.column is None or f"column '{self.column}'" in self.reason
        return f"{self.path}:{self.line}{row}" + ("" if told else f" column '{self.column}'")


@dataclass(frozen=True, slots=True)
class Repeated:
    """Identities that several lines name: how many, by how many lines after the first each, and where a few are."""

    identities: int
    commands: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OddIdentifiers:
    """Identifiers of one kind that may be wrong: how many, and where the first are; never their values."""

    kind: str
    count: int
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """Rows that are not as one expectation says.

    Attributes:
        count: how many.
        seen: how many rows have a value in its field.
        first: where the first of them are.
        near: the name of a field that may be meant, where no row has a value in the one that the spec names.
    """

    count: int
    seen: int
    first: tuple[str, ...]
    near: str | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """Rows that look otherwise than the spec says: from which line on, and how, in words with what to set."""

    path: str
    line: int
    words: str


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over a source.

    Attributes:
        lines: rows that are sent or did not change, and the physical lines of those that are rejected.
        rejects: the first few; `rejected` counts all their lines.
        reasons: how many lines each code rejected.
        compartments: remote ids named by lines, at most `MAX_COMPARTMENTS` of them.
        repeated: identities that several lines name, where the source asks for them.
        headers: physical lines of headers.
        continued: physical lines of rows that are sent, beyond the first of each.
        identifiers: what was noticed about identifiers, by kind; hashes of every form are counted.
        looks: the first rows that look otherwise than the spec says.
        unchanged: rows that are not sent because they were before, and did not change.
        expectations: what was found for each expectation of the source, in its order.
        schema: what does not fit the schemas that it was compared with, by their digests.
        overtaken: with `duplicates: keep_last`, identities of which a row is sent that a rejected one comes after.
        removed: DELETE commands about identities that no row names; they are among `deletes`, and no rows.
        blank: blank lines at the ends of files. All lines of the files are headers + lines + continued + blank.
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
    removed: int = 0
    rejects: tuple[Reject, ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)
    compartments: frozenset[str] = frozenset()
    missing_identity: int = 0
    repeated: Repeated | None = None
    headers: int = 0
    continued: int = 0
    blank: int = 0
    identifiers: tuple[OddIdentifiers, ...] = ()
    looks: Look | None = None
    unchanged: int = 0
    schema: dict[str, tuple[SchemaOddity, ...]] = field(default_factory=dict)
    expectations: tuple[Broken, ...] = ()
    overtaken: Repeated | None = None

    @property
    def accepted(self) -> int:
        """Rows of the source that are sent, or were before and did not change."""
        return self.sent - self.removed + self.unchanged


@dataclass(frozen=True, slots=True)
class ManualVerdict:
    """A user's verdict on a chunk whose state is unknown: attempts up to `attempt` were sent, or were not."""

    attempt: int
    sent: bool


# By the text of a load's key, and the chunk's index.
ManualVerdicts = Mapping[tuple[str, int], ManualVerdict]


@dataclass(frozen=True, slots=True)
class UploadNotes:
    """What the ledger knows of the uploads to a datamart; nothing where there is none.

    Attributes:
        refused: names of imports whose upload the platform refused for what it holds (400, 422).
        verdicts: what people said of chunks.
    """

    refused: frozenset[str] = frozenset()
    verdicts: ManualVerdicts = field(default_factory=dict)


def allowed(allow: str, lines: int) -> float:
    """How many of `lines` may be rejected: a count, or a percentage."""
    return lines * float(allow[:-1]) / 100 if allow.endswith("%") else float(allow)
