"""The live schemas of datamarts -> files of the workspace. Asks the platform by GET; never replaces a file unasked.

What is answered is parsed before it is written: a page of a proxy, or a text that was cut short, is no schema.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reconciler.api.client import Reader
from reconciler.api.schemas import live_schema
from reconciler.beneath import open_beneath, real_beneath
from reconciler.errors import ReadFailed, SchemaUnusable
from reconciler.kinds.schema_text import read_schema
from reconciler.whole_file import write_whole
from reconciler.workflows.check import Checked
from reconciler.workspace.schema_files import text_of_bytes


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

    Raises:
        MissingExtra: graphql-core is not installed.
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
            text_of_bytes(live.text.encode("utf-8", "surrogatepass"), f"schema {live.id}")
            read_schema(live.text, f"schema {live.id}")
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
        write_whole(target, data)
    except OSError as e:
        return Fetched(path, f"not written: {e.strerror}", failed=True)
    return Fetched(path, f"{what} was written{undeclared}")
