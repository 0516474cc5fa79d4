"""What a source that cannot be read twice gives, into files that can: the rows of a query, or the bytes behind its URLs."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from reconciler.bulk.records.columns import require_columns
from reconciler.bulk.records.lines import BadLine
from reconciler.bulk.records.mapping import column_used
from reconciler.bulk.records.values import written
from reconciler.bulk.sources import locations, object_store, sql
from reconciler.errors import Interrupted, ReconcilerError
from reconciler.model.source import Query, SourceDefinition
from reconciler.private_folder import private_file

# What is read, its text or a reference to it, and whether the file may lie anywhere -> the text.
Resolve = Callable[[str, str | Mapping[str, str], bool], str]


def once_only(source: SourceDefinition) -> bool:
    """True if reading it again may give something else: a query, or a web server that promises nothing.

    Raises:
        ReconcilerError: a web server cannot be asked.
    """
    if source.sql is not None:
        return True
    return any(
        p.startswith("http") and object_store.find(p) and object_store.head(p).tag is None
        for p in source.files
    )


def read_once(
    source: SourceDefinition, folder: Path, root: Path, resolve: Resolve, stopping: Callable[[], bool]
) -> None:
    """Read a source to its end, into files in the order of its places.

    Args:
        source: one that is `once_only`.
        folder: an empty one, for the files; they hold profile data.
        root: the workspace.
        resolve: gives the text behind a typed reference.
        stopping: true once nothing more is to be read.

    Raises:
        ReconcilerError: it cannot be read to its end; what was read so far is in the folder.
        Interrupted: the run is to end.
    """

    def proceed() -> None:
        if stopping():
            raise Interrupted

    if source.sql is not None:
        with private_file(folder / "0000.rows") as file:
            for line in _rows(source, source.sql, root, resolve):
                proceed()
                file.write(line)
        return
    for number, name in enumerate(locations.find(root, source)):
        suffixes = "".join(Path(name).suffixes[-2:])
        with (
            locations.open_place(root, name, "none") as remote,
            private_file(folder / f"{number:04d}{suffixes}") as file,
        ):
            while block := remote.read(locations.BUFFER):
                proceed()
                file.write(block)


def _rows(source: SourceDefinition, asked: Query, root: Path, resolve: Resolve) -> Iterator[bytes]:
    query = resolve("query of a source", asked.query, source.outside)
    if asked.digest and hashlib.sha256(query.encode()).hexdigest() != asked.digest:
        raise ReconcilerError(
            f"the query of {source.source} changed since it was planned", help="make a new plan"
        )
    encode, used = msgspec.json.Encoder().encode, column_used(source)

    def check(columns: list[str]) -> None:
        require_columns(columns, source, "the query", lambda _: True)

    url = resolve("URL of a database", asked.url, source.outside)
    for row in sql.rows(url, query, check, root, outside=source.outside):
        made = written(row, nulls=source.nulls == "keep", used=used)
        if isinstance(made, BadLine):
            yield encode([made.code, made.reason, made.column]) + b"\n"
        else:
            yield encode(made) + b"\n"
