"""The live schema of a datamart: two GETs, and never worth a load (contract 16.2, 16.7)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.api.answers import json_value
from reconciler.api.pages import read_all
from reconciler.errors import ReadFailed, SchemaUnusable
from reconciler.kinds import paths
from reconciler.kinds.counts import many

if TYPE_CHECKING:  # who only reads sources does not wait for what sends requests
    from reconciler.api.client import Reader

SECONDS = 10.0  # for each of the two requests


@dataclass(frozen=True, slots=True)
class LiveSchema:
    """Id and text of the version that is in force."""

    id: str
    text: str


class NoSchema(SchemaUnusable):
    """The datamart has no version of a schema at all."""


def live_schema(reader: "Reader", datamart_id: str) -> LiveSchema:
    """The version that the platform goes by.

    Raises:
        ReadFailed: it cannot be read.
        NoSchema: no version is listed.
        SchemaUnusable: none of them is live, or more than one.
    """
    brief = reader.brief(SECONDS)
    try:
        rows = _versions(brief, paths.schemas(datamart_id))
        if not rows:
            raise NoSchema("the platform lists no version of a schema")
        live = [row for row in rows if row.get("status") == "LIVE"]
        if len(live) != 1:
            words = ", ".join(sorted({str(row.get("status"))[:20] for row in rows}))
            raise SchemaUnusable(
                f"{len(live) or 'none'} of the {many(len(rows), 'version')} of the schema {'are' if live else 'is'} LIVE"
                + ("" if live else f" ({words})")
            )
        _, body = brief.text(paths.schema_text(datamart_id, live[0]["id"]))
        return LiveSchema(live[0]["id"], _unwrapped(body))
    finally:
        brief.close()


def _versions(reader: "Reader", path: str) -> list[dict[str, Any]]:
    """All versions; one request where the answer is no page."""
    first = reader.get(path)
    rows = first["data"]
    if isinstance(rows, list) and all(isinstance(row, dict) and "id" in row for row in rows):
        whole = "max_results" not in first and first.get("total", len(rows)) == len(rows)
        if whole and first.get("count", len(rows)) == len(rows):
            return [{**row, "id": str(row["id"])} for row in rows]
    return read_all(reader, path)


def _unwrapped(body: bytes) -> str:
    """The text itself, where it is answered within JSON."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ReadFailed("the text of the schema is not UTF-8") from None
    if not text.lstrip().startswith(("{", '"')):
        return text
    try:
        found = json_value(text.encode())
    except ValueError:
        return text
    if isinstance(found, dict):
        found = found.get("data")
    if not isinstance(found, str):
        raise ReadFailed("the text of the schema is JSON without a text")
    return found
