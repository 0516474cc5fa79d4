"""Schemas of datamarts in files of the workspace."""

from pathlib import Path

from reconciler.beneath import open_beneath
from reconciler.errors import SchemaUnusable
from reconciler.kinds.schema_text import read_schema
from reconciler.model.datamart_schema import DatamartSchema

MOST_BYTES = 4_000_000


def text_of(root: Path, path: str) -> str:
    """What a file of the workspace holds.

    Raises:
        SchemaUnusable: it cannot be read, or is no text.
    """
    try:
        with open_beneath(root, path) as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as e:
        raise SchemaUnusable(f"{path}: cannot be read: {e.strerror}") from None
    return text_of_bytes(data, path)


def text_of_bytes(data: bytes, origin: str) -> str:
    """The text of a schema that a file holds, or is to hold.

    Raises:
        SchemaUnusable: it is too long, or no text.
    """
    if len(data) > MOST_BYTES:
        raise SchemaUnusable(f"{origin}: has more than {MOST_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SchemaUnusable(f"{origin}: is not UTF-8") from None


def from_file(root: Path, path: str) -> DatamartSchema:
    """The schema in a file of the workspace.

    Raises:
        SchemaUnusable: it cannot be read or parsed, or has no type for profiles.
        MissingExtra: graphql-core is not installed.
    """
    return read_schema(text_of(root, path), path)
