"""The live schemas of datamarts -> files of the workspace. Asks the platform by GET; never replaces a file unasked."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.api.client import Reader
from reconciler.api.schemas import live_schema
from reconciler.beneath import open_beneath, real_beneath
from reconciler.errors import ReadFailed, SchemaUnusable
from reconciler.workflows.check import Checked


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of one file.

    Attributes:
        path: relative to the workspace.
        words: for people.
        failed: it does not hold what the platform has.
    """

    path: str
    words: str
    failed: bool = False


def fetch(
    root: Path, checked: Checked, datamarts: frozenset[str] | None, reader: Reader, *, overwrite: bool
) -> Iterator[Fetched]:
    """Write the schema of each datamart that takes part.

    Args:
        root: the workspace.
        checked: specs without findings that stop.
        datamarts: only these; None for all.
        reader: sends GET requests.
        overwrite: replace files that differ.
    """
    for name, datamart in checked.specs.datamarts.items():
        if (
            datamart.id is None
            or not datamart.takes_part
            or (datamarts is not None and name not in datamarts)
        ):
            continue
        path = datamart.schema or f"schemas/{name}.gql"
        undeclared = "" if datamart.schema else f"; declare it in the table of datamarts: schema: {path}"
        try:
            live = live_schema(reader, datamart.id)
        except (ReadFailed, SchemaUnusable) as e:
            yield Fetched(path, f"not written: {e}", failed=True)
            continue
        yield _written(root, path, live.text, f"schema {live.id}", undeclared, overwrite=overwrite)


def _written(root: Path, path: str, text: str, what: str, undeclared: str, *, overwrite: bool) -> Fetched:
    data = text.encode("utf-8", "surrogatepass")
    try:
        target = Path(real_beneath(root, path))
        if target.exists():
            with open_beneath(root, path) as file:
                there = file.read()
            if there == data:
                return Fetched(path, f"is {what} already{undeclared}")
            if not overwrite:
                words = f"differs from {what} on the platform; compare them, then run again with --overwrite"
                return Fetched(path, words, failed=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    except OSError as e:
        return Fetched(path, f"not written: {e.strerror}", failed=True)
    return Fetched(path, f"{what} was written{undeclared}")
