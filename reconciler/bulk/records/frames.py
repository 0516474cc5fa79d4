"""Many rows at once: the lines of `reconciler.bulk.records.mapping`, made column by column where nothing is doubtful.

A row that is not certainly good, or whose line might come out otherwise, gets no line here and is asked by itself; so what
stands here may be narrower than the rule, never another one. `tests/laws/test_frames.py` holds the two against each other.
Needs polars (extra: files); without it every row is asked by itself, and the lines are the same.
"""

import codecs
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from reconciler.bulk.records import parquet_values
from reconciler.bulk.records.lines import UNKNOWN_ID, BadLine
from reconciler.bulk.records.mapping import INTEGER, NUMBER, flags_of, identifying, identity_columns
from reconciler.model.source import Identifier, SourceDefinition

# What has to be escaped in JSON; and what is so rare that such rows are rather asked by themselves.
_ESCAPED, _RARE = r'["\\]', "[\\x00-\\x1f\\x7f\u2028\u2029]"
_EITHER = _RARE.removesuffix("]") + _ESCAPED.removeprefix("[")
_INTEGER, _NUMBER = f"^{INTEGER.pattern}$", f"^{NUMBER.pattern}$"
_LONG, _ODD = 300, "^-0$|[eE]"
_SMALL, _LARGE = 1e-4, 1e15
_encode = msgspec.json.Encoder().encode


def mapper(source: SourceDefinition) -> Callable[[Any, Mapping[str, Any] | None], Any] | None:
    """A function from a frame, and types of its columns that say more, to a column of lines (null: ask the row by itself); None where there is none for this source."""
    try:
        import polars
    except ImportError:
        return None
    if not _plain(source):
        return None
    return lambda frame, schema: _lines(polars, frame, schema, source)


def _plain(source: SourceDefinition) -> bool:
    """Whether the mapping is one of columns to properties, without paths, recipes or fallbacks."""
    names = (
        *(source.include or ()),
        *source.exclude,
        *source.rename,
        *source.rename.values(),
        *source.types,
        *source.constants,
    )
    one = len(source.identify_by) == 1
    return (
        one
        and source.operation.column is None
        and source.operation.value == "UPSERT"
        and not any("." in n for n in (*names, *identity_columns(source)))
        and not any(i.hash for i in source.identify_by)
        and source.identify_by[0].kind != "user_agent_id"
        and "json" not in source.types.values()
    )


def from_csv(data: bytes, columns: Sequence[str], source: SourceDefinition) -> Any:
    """A frame of text columns from CSV without quotes; None where its lines may not be what they seem."""
    import polars

    dialect = source.csv
    delimiter, quote = dialect.delimiter.encode(), dialect.quote.encode()
    if len(delimiter) != 1 or dialect.nulls:
        return None
    if dialect.encoding not in ("utf-8", "us-ascii"):
        try:
            data = data.decode(dialect.encoding).encode()
        except UnicodeDecodeError:
            return None
    elif dialect.encoding == "us-ascii" and not data.isascii():
        return None
    if quote in data or data.startswith(codecs.BOM_UTF8):  # polars takes a mark away, here a part of a cell
        return None
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if b"\r" in data or data.startswith(b"\n") or b"\n\n" in data or b"\xef\xbf\xbd" in data or b"\0" in data:
        return None
    if data.count(delimiter) != lines * (len(columns) - 1) or len(columns) < 2:
        return None
    try:
        frame = polars.read_csv(
            io.BytesIO(data),
            has_header=False,
            new_columns=list(columns),
            separator=dialect.delimiter,
            quote_char=None,
            infer_schema=False,
            empty_string_is_null=False,
            missing_columns="raise",
            extra_columns="raise",
        )
    except polars.exceptions.PolarsError:
        return None
    return frame if frame.height == lines and frame.width == len(columns) else None


def _lines(polars: Any, frame: Any, schema: Mapping[str, Any] | None, source: SourceDefinition) -> Any:
    made = _Columns(polars, frame, schema)
    identifier = source.identify_by[0]
    who = made.identity(identifier)
    head, flags = _head(source, identifier), flags_of(source)[0]
    pieces: list[Any] = [head, who, '"' + "".join(f",{_text(k)}:{_text(v)}" for k, v in flags.items())]
    pieces.append(',"user_profile":{')
    owner = source.owner or (identifier if identifier.kind == "user_account_id" else None)
    if owner is not None:
        compartment = source.compartments.get(owner.compartment or "") or UNKNOWN_ID
        owned = who if owner is identifier else made.identity(owner)
        pieces += [f'"$compartment_id":{_text(compartment)},"$user_account_id":"', owned, '"']
    named = properties(frame.columns, source)
    taken = list(named)
    if any(n.startswith("$") for n in named.values()) or len({*named.values(), *source.constants}) != len(
        named
    ) + len(source.constants):
        return polars.Series([None] * frame.height, dtype=polars.String)  # one property from two places
    if owner is None and (source.constants or not taken):
        return polars.Series([None] * frame.height, dtype=polars.String)
    for column in taken:
        pieces.append(
            made.property(column, named[column], source, first=owner is None and column == taken[0])
        )
    pieces += [f",{_text(k)}:{_text(v)}" for k, v in source.constants.items()]
    pieces.append("}}")
    return made.joined(pieces, source.max_bytes)


def properties(columns: Sequence[str], source: SourceDefinition) -> dict[str, str]:
    """The columns that become properties, with the names of these."""
    dropped = frozenset(source.exclude) | identity_columns(source)
    taken = [c for c in columns if (c in source.include if source.include is not None else c not in dropped)]
    return {c: source.rename.get(c, c) for c in taken}


def identifiers(frame: Any, identifier: Identifier, types: Mapping[str, Any] | None) -> list[str]:
    """The values of an identifier, as lines name it; those of rows without a line mean nothing.

    Args:
        frame: the rows.
        identifier: of which the values are wanted.
        types: of the columns as their file says them; those of the frame, where none is given.
    """
    import polars

    column = identifier.column
    if _as_it_stands(polars, frame, column, types):
        return frame[column].cast(polars.String).to_list()  # type: ignore[no-any-return]
    return [a or "" for a in _accounts(frame, column, types)]


def _as_it_stands(polars: Any, frame: Any, column: str, types: Mapping[str, Any] | None) -> bool:
    """Whether a column holds the very text or whole numbers that name somebody."""
    stored = frame.schema[column]
    return bool(
        (stored == polars.String or stored.is_integer()) and (types or frame.schema)[column] == stored
    )


def _accounts(frame: Any, column: str, types: Mapping[str, Any] | None) -> list[str | None]:
    """What values of any other type name by the rule for them; None where they name nobody."""
    if (texts := _uuids(frame, column, types)) is not None:
        return texts.to_list()  # type: ignore[no-any-return]
    rows = parquet_values.rows(frame.select(column), lambda _: True, types, nulls=False)
    return [_account(row, column) for row in rows]


def _uuids(frame: Any, column: str, types: Mapping[str, Any] | None) -> Any | None:
    """The texts of a column of UUIDs; None for any other."""
    import polars as pl

    stored = frame[column]
    if (types or frame.schema)[column] != pl.UInt128 or stored.dtype != pl.Binary:
        return None
    if (stored.bin.size() != parquet_values.UUID_BYTES).any():
        return None  # no UUIDs after all; the rule says so
    hexadecimal = stored.bin.encode("hex")
    parts = [hexadecimal.str.slice(at, length) for at, length in ((0, 8), (8, 4), (12, 4), (16, 4), (20, 12))]
    frame = pl.DataFrame({str(n): part for n, part in enumerate(parts)})
    return frame.select(text=pl.concat_str(pl.all(), separator="-"))["text"]


def _account(row: Mapping[str, Any] | BadLine, column: str) -> str | None:
    try:
        return None if isinstance(row, BadLine) else identifying(row.get(column), column)
    except BadLine:
        return None


def _head(source: SourceDefinition, identifier: Identifier) -> str:
    if identifier.kind != "user_account_id":
        return f'{{"operation":"UPSERT",{_text(identifier.kind)}:"'
    compartment = source.compartments.get(identifier.compartment or "") or UNKNOWN_ID
    return f'{{"operation":"UPSERT","compartment_id":{_text(compartment)},"user_account_id":"'


def _text(value: Any) -> str:
    return _encode(value).decode()


class _Columns:
    """Expressions over one frame, and the conditions under which they hold."""

    def __init__(self, polars: Any, frame: Any, schema: Mapping[str, Any] | None) -> None:
        self.pl, self.frame, self.types = polars, frame, schema or frame.schema
        self.conditions: list[Any] = []
        self.made: dict[str, Any] = {}

    def identity(self, identifier: Identifier) -> Any:
        """Text or a whole number that is there; text is escaped."""
        pl, column, dtype = self.pl, self.pl.col(identifier.column), self.types[identifier.column]
        self.conditions.append(column.is_not_null())
        if not _as_it_stands(pl, self.frame, identifier.column, self.types):
            accounts = _accounts(self.frame, identifier.column, self.types)
            found = self._added([None if a is None else _text(a)[1:-1] for a in accounts])
            self.conditions.append(found.is_not_null())
            return found
        if dtype == pl.String:
            self.conditions.append(column != "")
            return self._escaped(identifier.column)
        return column.cast(pl.String)

    def property(self, column: str, name: str, source: SourceDefinition, *, first: bool) -> Any:
        """A comma, the name and the value; nothing where the value is absent."""
        pl, dtype, kind = self.pl, self.types[column], source.types.get(column, "string")
        key = f"{'' if first else ','}{_text(name)}:"
        keeps = source.nulls == "keep"
        if dtype == pl.String and kind == "string":
            value = pl.concat_str([pl.lit(f'{key}"'), self._escaped(column), pl.lit('"')])
        elif dtype == pl.String:
            return self._typed(column, key, kind, first=first)
        else:
            value = pl.concat_str([pl.lit(key), self._written(column, nulls=keeps)])
        if not self.frame[column].null_count():
            return value
        if first and not keeps:
            self.conditions.append(pl.col(column).is_not_null())
        absent = pl.lit(f"{key}null" if keeps else "")
        return pl.when(pl.col(column).is_null()).then(absent).otherwise(value)

    def _typed(self, column: str, key: str, kind: str, *, first: bool) -> Any:
        """Text of a declared type: as it stands, if it is of that type; an empty cell is absent."""
        pl, cell = self.pl, self.pl.col(column)
        empty = cell == ""
        value = cell.str.to_lowercase() if kind == "boolean" else cell
        good = (
            value.is_in(["true", "false"])
            if kind == "boolean"
            else cell.str.contains(_INTEGER if kind == "integer" else _NUMBER)
        )
        self.conditions.append(good if first else good | empty)
        if kind != "boolean":
            self._ordinary(column)
        return pl.when(empty).then(pl.lit("")).otherwise(pl.concat_str([pl.lit(key), value]))

    def _ordinary(self, column: str) -> None:
        """Numbers that are written as they stand: neither long, nor with an exponent, nor a zero below zero."""
        found, cell = self.frame[column], self.pl.col(column)
        if (found.str.len_bytes().max() or 0) > _LONG or found.str.contains(_ODD).any():
            self.conditions.append((cell.str.len_bytes() <= _LONG) & ~cell.str.contains(_ODD))

    def _escaped(self, column: str) -> Any:
        found, cell = self.frame[column], self.pl.col(column)
        if not found.str.contains(_EITHER).any():  # one look, as most columns need no more
            return cell
        if found.str.contains(_RARE).any():
            self.conditions.append(~cell.str.contains(_RARE) | cell.is_null())
            if not found.str.contains(_ESCAPED).any():
                return cell
        return cell.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)

    def _written(self, column: str, *, nulls: bool) -> Any:
        """Any other value as JSON; such as the rule for values writes it."""
        pl, dtype = self.pl, self.types[column]
        if dtype == self.frame.schema[column] and (dtype.is_integer() or dtype == pl.Boolean):
            return pl.col(column).cast(pl.String)
        if dtype == pl.Float64:
            # Between these two, polars writes the digits that msgspec writes; beyond, the exponent looks otherwise.
            size = pl.col(column).abs()
            usual = (size == 0) | (
                (size >= _SMALL) & (size < _LARGE)
            )  # neither for NaN nor for the infinities
            self.conditions.append(usual.fill_null(value=True))
            return pl.col(column).cast(pl.String)
        if (texts := _uuids(self.frame, column, self.types)) is not None:
            return self._added('"' + texts + '"')
        rows = parquet_values.rows(self.frame.select(column), lambda _: True, self.types, nulls=nulls)
        made = [
            _encode(row[column]).decode()
            if not isinstance(row, BadLine) and row.get(column) is not None
            else None
            for row in rows
        ]
        found = self._added(made)
        self.conditions.append(found.is_not_null() | pl.col(column).is_null())
        return found

    def _added(self, texts: Any) -> Any:
        """A column of texts that are JSON already."""
        name = f"\0{len(self.made)}"
        self.made[name] = self.pl.Series(name, texts, dtype=self.pl.String)
        return self.pl.col(name)

    def joined(self, pieces: Sequence[Any], max_bytes: int) -> Any:
        """The lines, where all conditions hold."""
        pl = self.pl
        parts = [pl.lit(p) if isinstance(p, str) else p for p in pieces]
        frame = self.frame.with_columns(list(self.made.values())) if self.made else self.frame
        good = pl.all_horizontal(self.conditions) if self.conditions else pl.lit(True)
        line = pl.concat_str(parts)
        made = frame.select(line=pl.when(good).then(line))["line"]
        if (made.str.len_bytes().max() or 0) >= max_bytes:
            made = frame.select(line=pl.when(made.str.len_bytes() < max_bytes).then(made))["line"]
        return made


def as_bytes(lines: Any) -> bytes:
    """Lines without nulls, each ended by a newline."""
    out = io.BytesIO()
    lines.to_frame().write_csv(out, include_header=False, quote_style="never")
    return out.getvalue()
