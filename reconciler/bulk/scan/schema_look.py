"""What of a source does not fit the schemas of its datamarts, counted by path while it is read. Values stay here.

The lines to send are looked at, so that every way in which they are made counts the same. Memory is bounded: so many paths of
each kind are kept apart, and the rest is counted together.
"""

import threading
from collections.abc import Callable, Sequence

import msgspec

from reconciler.bulk.records.schema_blocks import Profiles
from reconciler.bulk.records.schema_fit import Odd
from reconciler.bulk.records.uniform_commands import Known
from reconciler.model.datamart_schema import DatamartSchema, SchemaOddity

SHOWN = 3
MOST_PATHS = 200
_KEPT = 64  # schemas that are ready to be asked, in each thread
_ready = threading.local()


class Misfits(msgspec.Struct):
    """What of one segment does not fit one schema: how often, and lines (from 0) of the first few, by finding."""

    counts: dict[Odd, int] = {}
    first: dict[Odd, list[int]] = {}

    def add(self, odd: Odd, line: int) -> None:
        """One more."""
        if odd not in self.counts and len(self.counts) >= MOST_PATHS:
            odd = (odd[0], "…", "", "")
        self.counts[odd] = self.counts.get(odd, 0) + 1
        places = self.first.setdefault(odd, [])
        if len(places) < SHOWN:
            places.append(line)


Looker = Callable[[bytes, Sequence[int]], tuple[Misfits, ...]]


def looker(schemas: Sequence[DatamartSchema]) -> Looker:
    """A function that compares lines to send, given the line of the record of each, with every schema."""

    def look(data: bytes, places: Sequence[int]) -> tuple[Misfits, ...]:
        made = []
        for schema in schemas:
            misfits = Misfits()
            for number, odd in _profiles(schema).odd(data):
                misfits.add(odd, places[number])
            made.append(misfits)
        return tuple(made)

    return look


def known_keys(schemas: Sequence[DatamartSchema]) -> Known | None:
    """What is known of the keys of profiles, where they are compared with one schema alone."""
    return _profiles(schemas[0]).known if len(schemas) == 1 else None


def _profiles(schema: DatamartSchema) -> Profiles:
    """Ready to be asked; one for each thread, since it learns which keys do not fit."""
    kept: dict[str, Profiles] = _ready.__dict__.setdefault("profiles", {})
    if schema.digest not in kept:
        if len(kept) >= _KEPT:
            kept.clear()
        kept[schema.digest] = Profiles(schema)
    return kept[schema.digest]


class SchemaLooks:
    """Gathers what segments show, in order."""

    def __init__(self, names: Sequence[str], schemas: Sequence[DatamartSchema]) -> None:
        self._names, self._schemas = names, schemas
        self._counts: list[dict[Odd, int]] = [{} for _ in schemas]
        self._first: list[dict[Odd, list[str]]] = [{} for _ in schemas]

    def add(self, misfits: Sequence[Misfits], file: int, before: int) -> None:
        """What a segment shows, which has so many lines before it in its file."""
        for found, counts, first in zip(misfits, self._counts, self._first, strict=False):
            for seen, count in found.counts.items():
                odd = seen
                if odd not in counts and len(counts) >= MOST_PATHS:
                    odd = (odd[0], "…", "", "")
                counts[odd] = counts.get(odd, 0) + count
                places = first.setdefault(odd, [])
                places += [
                    f"{self._names[file]}:{before + n + 1}" for n in found.first[seen][: SHOWN - len(places)]
                ]

    def result(self) -> dict[str, tuple[SchemaOddity, ...]]:
        """By the digest of the schema."""
        return {
            schema.digest: tuple(
                SchemaOddity(*odd, count, tuple(first[odd])) for odd, count in counts.items()
            )
            for schema, counts, first in zip(self._schemas, self._counts, self._first, strict=True)
        }
