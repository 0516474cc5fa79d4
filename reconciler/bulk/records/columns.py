"""Names that a source's spec uses, held against what is there, before a row is sent. Pure.

A table (CSV, Parquet, the cursor of a query) has its columns at once; rows of JSON are looked at one by one, and a name that
none of them has stops the source at its end, when still nothing is sent.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from reconciler.bulk.records.mapping import identity_columns, value_at
from reconciler.bulk.records.present_names import PresentNames, meant
from reconciler.errors import WrongColumn
from reconciler.kinds.counts import few, many
from reconciler.kinds.nearest import proposal
from reconciler.model.profile import OWNER
from reconciler.model.source import SPOOL, SourceDefinition

_ABSENT = msgspec.UNSET
_VALUE = (
    r"[-+]?\d+(?:[.,]\d+)*|\d{4}-\d\d-\d\d.*|[^@\s]+@[^@\s]+\.[^@\s]+"  # a number, a date, an e-mail address
)
_LISTED = 30  # names of columns in a message


def repeated(names: Sequence[str]) -> str | None:
    """The first name that stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def listed(names: Sequence[str]) -> str:
    """Names in words; one of which a letter is not seen is quoted, with that letter as a number."""
    return few([n if n.isprintable() and n == n.strip() and n else ascii(n) for n in names], _LISTED)


def named(source: SourceDefinition) -> list[str]:
    """Every column the spec names, sorted."""
    given = {
        *identity_columns(source),
        *source.types,
        *source.rename,
        *(source.include or ()),
        *source.exclude,
    }
    return sorted(given)


def require_columns(
    columns: Sequence[str],
    source: SourceDefinition,
    name: str,
    holds: Callable[[str], bool] = lambda _: False,
    looks: Callable[[], str | None] = lambda: None,
) -> None:
    """A table has every column that is named, and no two of them become one property.

    Args:
        columns: those of the table.
        source: its definition.
        name: of the table, for people.
        holds: whether a path with dots, whose first part is a column, may lead to something.
        looks: says what to set if the file looks otherwise than the spec says.

    Raises:
        WrongColumn: one is missing, or two become one property.
    """
    for column in named(source):
        root = column.partition(".")[0]
        if column not in columns and not (root in columns and root != column and holds(column)):
            words = f"{name} has no column '{column}'"
            if root in columns:
                words += f": '{root}' holds no such field"
            raise WrongColumn(words, column=column, help=looks() or _advice(column, columns, source))
    _require_one_source(columns, source, name)


def _advice(column: str, columns: Sequence[str], source: SourceDefinition) -> str:
    """The name that may be meant, where it can be read; and the names there are."""
    near = meant(column, columns)
    named_by_file = source.format == "csv" and source.csv.header
    if near is None and named_by_file and any(re.fullmatch(_VALUE, c) for c in columns):
        return (
            "its first line looks like a row, not like names, so it is not shown: set csv: {header: false}, "
            f"and write column_1, column_2 … for its {many(len(columns), 'column')}"
        )
    return f"{proposal(near) + ' ' if near else ''}its columns: {listed(columns)}"


def _require_one_source(columns: Sequence[str], source: SourceDefinition, name: str) -> None:
    if source.include is not None:
        taken = list(source.include)
    else:
        dropped = {*source.exclude, *identity_columns(source)}
        taken = [c for c in columns if c not in dropped]
        taken += [c for c in source.rename if c not in taken and c not in dropped]
    before: dict[str, str] = {}
    for column in taken:
        new = source.rename.get(column, column)
        if new in before or (new in source.constants and new not in OWNER):
            other = f"the column '{before[new]}'" if new in before else "a constant"
            renamed = next((c for c in (column, before.get(new)) if c in source.rename), None)
            raise WrongColumn(
                f"{name}: the column '{column}' and {other} both become the property '{new}'",
                column=renamed or column,
                field="profile",
                help="rename or exclude one of them",
            )
        before[new] = column
    if source.format == "csv":
        _require_objects(before, source, name)


def _require_objects(properties: Mapping[str, str], source: SourceDefinition, name: str) -> None:
    """No property lies within another one that is text or a number."""
    columns = {new: c for new, c in properties.items() if c in source.rename}
    for new in (*columns, *source.constants):
        what = f"the column '{columns[new]}'" if new in columns else "a constant"
        parts = new.split(".")
        for n in range(1, len(parts)):
            above = ".".join(parts[:n])
            other = properties.get(above)
            if other is not None and source.types.get(other) != "json":
                raise WrongColumn(
                    f"{name}: {what} becomes the property '{new}', but the column '{other}' becomes '{above}', which is no object",
                    column=columns.get(new) or other,
                    field="profile",
                    help="rename or exclude one of them",
                )


def require_text(others: Collection[str], source: SourceDefinition, name: str) -> None:
    """A type is declared for columns of text alone: other columns have theirs.

    Args:
        others: columns that are not text.
        source: its definition.
        name: of the table, for people.

    Raises:
        WrongColumn: one is declared for another column.
    """
    if typed := sorted(set(others) & set(source.types)):
        raise WrongColumn(
            f"{name}: 'types' names the column '{typed[0]}', which is not text and has a type already",
            column=typed[0],
            field="types",
            help="remove it from 'types'",
        )


class Fields:
    """Which of the names that rows of JSON must have were in a row; one for each segment.

    Attributes:
        found: names that some row has.
        lacking: names that a row, which might have had them, has not.
    """

    def __init__(self, source: SourceDefinition) -> None:
        self.found: set[str] = set()
        self.lacking: set[str] = set()
        self._rows = PresentNames()
        # Columns of a query were looked at when it was read; what is left is paths into values of JSON.
        self._paths_only = source.format == SPOOL
        watched = named(source) if source.format in ("ndjson", SPOOL) else []
        self.open = [n for n in watched if not self._paths_only or "." in n]

    def look(self, row: Mapping[str, Any]) -> None:
        """One row; costs nothing once every name was found."""
        for name in list(self.open):
            if value_at(row, name) is not _ABSENT:
                self.found.add(name)
                self.open.remove(name)
            elif not self._paths_only or row.get(name.partition(".")[0]) is not None:
                self.lacking.add(name)
        if self.lacking and self.open:
            self._rows.look(row)

    @property
    def present(self) -> tuple[str, ...]:
        """Names that the first rows have, kept where one of the spec is lacking."""
        return tuple(self._rows.names)


def require_fields(found: Collection[str], lacking: Collection[str], present: Sequence[str]) -> None:
    """Every name was in some row that might have had it.

    Args:
        found: names that some row has.
        lacking: names that some row, which might have had them, has not.
        present: names that rows have.

    Raises:
        WrongColumn: one was in none.
    """
    if missing := sorted(set(lacking) - set(found)):
        near = meant(missing[0], present)
        advice = "correct the name, or remove the column from the spec; names are case-sensitive"
        raise WrongColumn(
            f"no row has the field '{missing[0]}', which the spec names",
            column=missing[0],
            help=f"{proposal(near)} Else {advice}" if near else advice,
        )
