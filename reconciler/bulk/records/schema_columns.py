"""Rows of text columns against a datamart's schema: what fits is found column by column, without reading the lines made of them. Pure.

A column fits where each of its distinct values does; numbers, where the least and the greatest do, since what is allowed of them is
a range. Where that is not certain the lines are read, by `reconciler.bulk.records.schema_blocks`; so what stands here may be
stricter than the rule, never laxer. `tests/laws/test_schema_blocks.py` holds the two against each other.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from reconciler.bulk.records.frames import properties
from reconciler.bulk.records.uniform_commands import Known
from reconciler.model.source import SourceDefinition

_ANY_TEXT = (str, str | None)


def fits(frame: Any, source: SourceDefinition, known: Known) -> bool:
    """Whether all rows certainly fit; each of them is known to have got a line.

    Args:
        frame: text columns without nulls, as `frames.from_csv` makes them; those of Parquet may be written as something else.
        source: how they are mapped.
        known: of the schema.
    """
    if source.format != "csv":
        return False
    named = properties(frame.columns, source)
    kinds = {key: kind for key, kind, _ in known.keys}
    required = {key for key, _, required in known.keys if required}
    given = {*named.values(), *source.constants}
    if not required <= given <= kinds.keys():
        return False
    typed_out = (c for c in named if named[c] in required and c in source.types)
    if any((frame[c] == "").any() for c in typed_out):  # an empty cell of these is absent
        return False
    return all(_all(kinds[name], [value]) for name, value in source.constants.items()) and all(
        _column_fits(frame[column], source.types.get(column, "string"), kinds[name])
        for column, name in named.items()
    )


def _column_fits(cells: Any, written: str, kind: Any) -> bool:
    match written:
        case "string":
            return kind in _ANY_TEXT or _all(kind, cells.unique().to_list())
        case "integer":
            filled = cells.filter(cells != "")
            numbers = filled.str.to_integer(strict=False)
            return not numbers.null_count() and (
                filled.is_empty() or _all(kind, [numbers.min(), numbers.max()])
            )
        case "number":
            return _all(kind, [0.5])
        case "boolean":
            return _all(kind, [True])
        case _:
            return False


def _all(kind: Any, values: Iterable[Any]) -> bool:
    try:
        for value in values:
            msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True
