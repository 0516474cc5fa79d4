"""Many profiles against a datamart's schema at once: the decision of `reconciler.bulk.records.schema_fit`. Pure.

The schema becomes two types that msgspec decodes into. What decodes into the strict one fits, and nothing more is asked of it: it
has each key that a value can be judged of by itself, and requires the mandatory ones. The other one has keys that depend on
others, or that did not fit before, as they stand, and these are judged by the rule, one by one; so a field that is wrong in every
row costs little. A block that decodes into neither is asked line by line, by the rule. `tests/laws/test_schema_blocks.py`
holds all of them against each other.
"""

import datetime
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Annotated, Any, Literal

import msgspec

from reconciler.bulk.records.lines import blocks
from reconciler.bulk.records.schema_fit import INT_MAX, SECONDS_TO, Fit, Node, Odd
from reconciler.bulk.records.uniform_commands import Known
from reconciler.model.datamart_schema import DatamartSchema, TypeRef
from reconciler.model.profile import OWNER, SYSTEM_KEYS

MOST_WATCHED = 64  # keys that are judged one by one
MOST_VERDICTS = 4096  # verdicts on values that are kept
_DEEPEST = 6
_TYPES = frozenset((b'"', b"{", b"[", b"t", b"f", b"n"))  # how values begin whose type that alone says

_FAST: dict[str, Any] = {
    "Bool": bool,
    "Boolean": bool,
    "Int": Annotated[int, msgspec.Meta(ge=-INT_MAX, lt=INT_MAX)],
    **dict.fromkeys(("Float", "Double", "BigDecimal", "Number"), float),
    "Timestamp": Annotated[int, msgspec.Meta(ge=SECONDS_TO)],
    "Date": datetime.date,
}


_UNNAMEABLE = re.compile(r'[\x00-\x1f"\\]')  # in a key: msgspec has no field of such a name


class _Line(msgspec.Struct):
    operation: str
    force_replace: bool = False
    update_strategy: str = ""
    user_profile: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


_NOTHING: Mapping[str, Node] = {}
_line = msgspec.json.Decoder(_Line).decode
_value = msgspec.json.Decoder().decode


class Profiles:
    """Profiles of lines to send, compared with one schema.

    Attributes:
        known: the keys by which those profiles are found of which nothing more has to be asked; None where there are none.
    """

    def __init__(self, schema: DatamartSchema) -> None:
        self._schema, self._fit = schema, Fit(schema)
        self._watched: dict[str, None] = dict.fromkeys(
            source[0]
            for p in (*self._fit.alternatives, *self._fit.mandatory)
            for source in p.sources
            if (len(source) > 1 or len(p.sources) > 1) and not _UNNAMEABLE.search(source[0])
        )
        self._decode = self._decoder()
        self._joined = frozenset(self._watched)
        self._verdicts: dict[tuple[str, bytes], tuple[Odd, ...]] = {}
        self.known = self._strict_keys()
        self._strict = self._strict_decoder(self.known)

    def odd(self, data: bytes) -> Iterator[tuple[int, Odd]]:
        """What does not fit, with the number of its line (0 is the first); lines each end in a newline."""
        before = 0
        for block in blocks(data):
            before += yield from self._block(block, before)

    def fitting(self, data: bytes) -> int | None:
        """How many lines these are, if certainly nothing of them is odd."""
        if self._strict is None:
            return None
        try:
            return len(self._strict(data))
        except msgspec.MsgspecError:
            return None

    def _block(self, data: bytes, before: int) -> Generator[tuple[int, Odd], None, int]:
        if (fitting := self.fitting(data)) is not None:
            return fitting
        try:
            commands = self._decode(data)
        except msgspec.MsgspecError:
            return (yield from self._one_by_one(data, before))
        if self._watched or self._fit.mandatory:
            yield from self._closer(commands, before)
        return len(commands)

    def _closer(self, commands: list[Any], before: int) -> Iterator[tuple[int, Odd]]:
        """The keys that are watched, and mandatory ones."""
        fit, unset = self._fit, msgspec.UNSET
        for number, command in enumerate(commands, before):
            if (profile := _compared(command)) is None:
                continue
            seen: dict[str, Any] = {}
            joined = False  # whether a key is given whose verdict depends on others
            for key, name in self._attributes:
                raw = getattr(profile, name)
                if raw is unset:
                    continue
                if key in self._joined:
                    joined, seen[key] = True, _value(raw)
                    for odd in fit.key(key, seen[key]):
                        yield number, odd
                else:
                    seen[key] = None
                    for odd in self._told(key, bytes(raw)):
                        yield number, odd
            for odd in fit.doubled(seen) if joined else ():
                yield number, odd
            if fit.mandatory and _replaces(command):
                present = {k: None for k, name in self._mandatory if getattr(profile, name) is not unset}
                for odd in fit.lacking({**present, **seen}):
                    yield number, odd

    def _told(self, key: str, raw: bytes) -> tuple[Odd, ...]:
        """What the rule says of one value of a key that stands for itself; of a key that is not known, it asks for the type alone."""
        alike = raw[:1] if key not in self._fit.tree and raw[:1] in _TYPES else raw
        found = self._verdicts.get((key, alike))
        if found is None:
            if len(self._verdicts) >= MOST_VERDICTS:
                self._verdicts.clear()
            found = self._verdicts[key, alike] = tuple(self._fit.key(key, _value(raw)))
        return found

    def _one_by_one(self, data: bytes, before: int) -> Generator[tuple[int, Odd], None, int]:
        wrong: dict[str, None] = {}
        lines = data.removesuffix(b"\n").split(b"\n")
        for number, raw in enumerate(lines, before):
            command = _line(raw)
            if (profile := _compared(command)) is None:
                continue
            whole = _replaces(command)
            for key, value in profile.items():
                if key not in self._known:
                    wrong[key] = None
                for odd in self._fit.key(key, value):
                    wrong[key] = None
                    yield number, odd
            for odd in (*self._fit.doubled(profile), *(self._fit.lacking(profile) if whole else ())):
                yield number, odd
        self._watch(wrong)
        return len(lines)

    def _watch(self, keys: dict[str, None]) -> None:
        able = [k for k in keys if k not in self._watched and not _UNNAMEABLE.search(k)]
        new = able[: MOST_WATCHED - len(self._watched)]
        if new:
            self._watched |= dict.fromkeys(new)
            self._decode = self._decoder()

    # -- the schema as a type -------------------------------------------------------------------------------------

    def _decoder(self) -> Callable[[bytes], list[Any]]:
        fields = _Fields()
        for key in sorted(OWNER):
            fields.add(key, str | int | None)
        for key, kind in self._judged().items():
            fields.add(key, kind)
        for key in self._watched:
            fields.add(key, msgspec.Raw)
        by_key = {key: name for name, key in fields.names.items()}
        self._known = by_key.keys()
        self._attributes = [(key, by_key[key]) for key in self._watched]
        roots = {source[0] for p in self._fit.mandatory for source in p.sources}
        self._mandatory = [(k, by_key[k]) for k in roots if k in by_key and k not in self._watched]
        return _commands(fields.profile())

    def _strict_keys(self) -> Known | None:
        """What decodes by them fits: there is no key that is watched from the beginning, and all that are mandatory; None where these are."""
        judged, mandatory = self._judged(), {".".join(s) for p in self._fit.mandatory for s in p.sources}
        if not mandatory <= judged.keys():
            return None
        return Known(self._schema.digest, tuple((k, kind, k in mandatory) for k, kind in judged.items()))

    def _strict_decoder(self, known: Known | None) -> Callable[[bytes], list[Any]] | None:
        if known is None:
            return None
        fields = _Fields()
        for key in sorted(OWNER):
            fields.add(key, str | int | None)
        for key, kind, required in known.keys:
            fields.add(key, kind, required=required)
        return _commands(fields.profile())

    def _judged(self) -> dict[str, Any]:
        """The keys whose values are judged by themselves, with the type that only fitting values decode into."""
        found: dict[str, Any] = {}
        for key, node in self._fit.tree.items():
            if key in OWNER | SYSTEM_KEYS or key in self._watched or _UNNAMEABLE.search(key):
                continue  # what the platform sets itself is told whatever its value is
            if (kind := self._of(node)) is not None:
                found[key] = kind
        return found

    def _of(self, node: Node, depth: int = 0) -> Any:
        """The type that only fitting values of a key decode into; None where it takes the rule."""
        if len(node.refs) != 1 or node.computed:
            return None
        return self._type(node.refs[0], depth, node.inner)

    def _type(self, ref: TypeRef, depth: int, more: Mapping[str, Node] = _NOTHING) -> Any:
        kind: Any
        if ref.of is not None:
            element = self._type(ref.of, depth) if ref.of.of is None else None
            kind = None if element is None else list.__class_getitem__(element)
        elif ref.name in self._schema.types:
            kind = self._object(ref.name, depth + 1, more)
        elif ref.name in self._schema.enums:
            values = self._schema.enums[ref.name]
            kind = Literal[values] if values else None
        else:
            kind = _FAST.get(ref.name, str)
        return kind if kind is None or ref.mandatory else kind | None

    def _object(self, name: str, depth: int, more: Mapping[str, Node]) -> Any:
        if depth > _DEEPEST:
            return None
        fields: list[Any] = []
        names: dict[str, str] = {}
        for key, node in {**more, **self._fit.inside(name)}.items():
            kind = self._of(node, depth)
            mandatory = any(ref.mandatory for ref in node.refs) and key not in more
            if kind is None or _UNNAMEABLE.search(key):
                if mandatory and not node.computed:
                    return None  # of a row that lacks it, too
                continue  # a row that has it is asked by the rule
            attribute = f"f{len(fields)}"
            names[attribute] = key
            default = () if mandatory else (msgspec.UNSET,)
            fields.append((attribute, kind if mandatory else kind | msgspec.UnsetType, *default))
        if any(p.type.mandatory and not p.computed and len(p.sources) > 1 for p in self._schema.types[name]):
            return None
        return msgspec.defstruct(
            name, fields, rename=names, forbid_unknown_fields=True, gc=False, kw_only=True
        )


def _compared(command: Any) -> Any:
    """The profile of a command that becomes part of what is stored; None where there is none."""
    given = command.user_profile is not msgspec.UNSET and command.operation != "DELETE"
    return command.user_profile if given and command.update_strategy != "PARTIAL_DELETE" else None


def _replaces(command: Any) -> bool:
    """Whether what a profile lacks will be absent."""
    return bool(command.force_replace or command.update_strategy == "FORCE_REPLACE")


class _Fields:
    """The keys of a profile as fields of a type.

    Attributes:
        names: keys by the names of their fields.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self._required: list[tuple[str, Any]] = []
        self._optional: list[tuple[str, Any, Any]] = []

    def add(self, key: str, kind: Any, *, required: bool = False) -> None:
        name = f"f{len(self.names)}"
        self.names[name] = key
        if required:
            self._required.append((name, kind))
        else:
            self._optional.append((name, kind | msgspec.UnsetType, msgspec.UNSET))

    def profile(self) -> type[msgspec.Struct]:
        fields: list[Any] = [*self._required, *self._optional]
        return msgspec.defstruct("Profile", fields, rename=self.names, forbid_unknown_fields=True, gc=False)


def _commands(profile: type[msgspec.Struct]) -> Callable[[bytes], list[Any]]:
    """Decodes commands, a line each, with such profiles."""
    command = msgspec.defstruct(
        "Command",
        [
            ("operation", str),
            ("force_replace", bool, False),
            ("update_strategy", str, ""),
            ("user_profile", profile | msgspec.UnsetType, msgspec.UNSET),
        ],
        gc=False,
    )
    return msgspec.json.Decoder(command).decode_lines
