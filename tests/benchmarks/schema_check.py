"""What comparing every profile with the schema of its datamart costs.

The check pass over one source, with and without a schema, in one process, interleaved. Processor time, medians: it says the same
on a busy machine. Three sources: commands, NDJSON and CSV of the same profiles; and commands with fields that do not fit.
"""

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from reconciler.bulk.records.lines import ANY_ID
from reconciler.bulk.scan.scan import scan
from reconciler.kinds.schema_text import read_schema
from reconciler.model.source import Identifier, SourceDefinition, Update
from tests.benchmarks.shape import Row, Size, interleaved
from tests.support.datamart_schema import EXAMPLE

SCHEMA = read_schema(EXAMPLE.replace("country: String!", "country: String"), "schema 1")
TIERS = ("BRONZE", "SILVER", "GOLD")


def profile(n: int) -> dict[str, object]:
    return {
        "first_name": f"Name {n % 997}",
        "country": "fr",
        "bio": "some words about a customer",
        "points": n % 5000,
        "average_basket": n % 100 + 0.5,
        "last_order_ts": 1735600000000 + n,
        "birth_date": "1990-05-17",
        "tier": TIERS[n % 3],
        "opt_in": n % 2 == 0,
    }


def command(n: int, **more: object) -> str:
    owner = {"$compartment_id": "2071", "$user_account_id": f"C{n:09d}"}
    head = {
        "operation": "UPSERT",
        "compartment_id": "2071",
        "user_account_id": f"C{n:09d}",
        "force_replace": True,
    }
    return json.dumps({**head, "user_profile": {**owner, **profile(n), **more}}, separators=(",", ":"))


def row(n: int) -> str:
    return json.dumps({"id": f"C{n:09d}", **profile(n)}, separators=(",", ":"))


def cells(n: int) -> str:
    return ",".join(
        [f"C{n:09d}", *(str(v).lower() if isinstance(v, bool) else str(v) for v in profile(n).values())]
    )


MAPPED = {
    "identify_by": (Identifier(kind="user_account_id", column="id", compartment="c"),),
    "compartments": {"c": "2071"},
    "update": Update(force_replace=True),
}
TYPES = {"points": "integer", "average_basket": "number", "last_order_ts": "integer", "opt_in": "boolean"}
SOURCES: dict[str, tuple[str, Callable[[int], str], dict[str, object]]] = {
    "commands": ("commands", command, {"compartments": {"c": ANY_ID}}),
    "commands, an unknown field": (
        "commands",
        lambda n: command(n, unheard="x"),
        {"compartments": {"c": ANY_ID}},
    ),
    "ndjson": ("ndjson", row, MAPPED),
    "csv": ("csv", cells, {**MAPPED, "types": TYPES}),
}


def made(root: Path, name: str, size: int) -> tuple[SourceDefinition, int]:
    """A file of about that many bytes; its definition and its rows."""
    kind, line, rest = SOURCES[name]
    path = root / f"{name.replace(' ', '-').replace(',', '')}.txt"
    rows = size // len(line(0))
    with path.open("w") as file:
        if kind == "csv":
            file.write(",".join(["id", *profile(0)]) + "\n")
        for n in range(rows):
            file.write(line(n) + "\n")
    return SourceDefinition(workspace="w", source="s", files=(path.name,), format=kind, **rest), rows  # type: ignore[arg-type]


def compare(size: Size) -> Iterator[Row]:
    """The pass with a schema against the pass without one."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in SOURCES:
            source, rows = made(root, name, size.schema_megabytes * 1_000_000)

            def checked(source: SourceDefinition = source, rows: int = rows, *, compared: bool) -> float:
                begun = time.process_time()
                assert scan(root, source, schemas=(SCHEMA,) if compared else ()).sent == rows
                return time.process_time() - begun

            works = {"plain": partial(checked, compared=False), "more": partial(checked, compared=True)}
            interleaved(1, works)
            found = interleaved(size.rounds, works)
            yield Row(f"schema check, {name}", found["more"], "s", "the same, no schema", found["plain"])
