"""Which profiles the platform would index, and why not (contract 16.1, 16.5): only what is certain to clash.

Written from the contract alone, so that the checks of `reconciler` can be compared with it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from reconciler.sandbox.schema_text import PREDEFINED, Field, Type, profile_fields, types

NUMBERS = {"Int", "Float", "Double", "BigDecimal", "Number"}
TEXTS = {"String", "ID"}
SYSTEM = {"id", *PREDEFINED}
FORM_FACTORS = {"FormFactor": ("WEARABLE_COMPUTER", "TABLET", "SMARTPHONE", "GAME_CONSOLE", "PERSONAL_COMPUTER", "SMART_TV", "OTHER")}  # fmt: skip
_ABSENT: Any = object()
Claims = frozenset[tuple[str, ...]]  # paths in the JSON that some field reads


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one path: `unknown`, `clash`, `null`, or `nested` (null in an element of a list)."""

    path: str
    kind: str

    def words(self) -> str:
        """For the page."""
        what = {
            "unknown": "not in the schema",
            "clash": "of another type than in the schema",
            "null": "null or absent, and mandatory",
            "nested": "a list with an element that is not indexed",
        }
        return f"{self.path}: {what[self.kind]}"


class Schema:
    """The schema of a datamart, ready to be asked about profiles."""

    def __init__(self, text: str) -> None:
        self.types = {t.name: t for t in types(text)}
        self.profile = profile_fields(text)

    def problems(self, profile: dict[str, Any], *, whole: bool) -> list[Problem]:
        """Those of a profile; with `whole`, an absent mandatory field counts as null."""
        if self.profile is None:
            return []
        fields = tuple(
            replace(f, sources=(("$" + f.name,),))
            if f.name in PREDEFINED and f.sources == ((f.name,),)
            else f
            for f in self.profile
        )
        mandatory = tuple(f for f in fields if f.name not in SYSTEM)
        found = list(self._object(profile, fields, "", nested=False))
        if not whole:
            return found
        return found + [Problem(_path(f), "null") for f in mandatory if _lacking(profile, f)]

    def _object(
        self,
        value: dict[str, Any],
        fields: tuple[Field, ...],
        at: str,
        *,
        nested: bool,
        claimed: Claims = frozenset(),
    ) -> Iterator[Problem]:
        claimed |= {s for f in fields if not f.computed for s in f.sources}
        for field in fields:
            given = next((v for v in (_at(value, s) for s in field.sources) if v is not _ABSENT), _ABSENT)
            if not field.computed and given is not _ABSENT and field.name not in SYSTEM:
                within = frozenset(s[1:] for s in claimed if field.sources == ((s[0],),) and s[1:])
                yield from self._value(given, field.type, at + _path(field), nested=nested, claimed=within)
        heads = {s[0] for s in claimed}
        yield from (
            Problem(at + key, "unknown") for key in value if key not in heads and not key.startswith("$")
        )

    def _value(
        self, value: Any, wanted: str, at: str, *, nested: bool, claimed: Claims = frozenset()
    ) -> Iterator[Problem]:
        if value is None:
            if wanted.endswith("!"):
                yield Problem(at, "nested" if nested else "null")
            return
        wanted = wanted.removesuffix("!")
        if not wanted.startswith("["):
            yield from self._one(value, wanted, at, nested=nested, claimed=claimed)
        elif isinstance(value, list):
            for element in value:
                yield from self._element(element, wanted[1:-1], at)

    def _element(self, element: Any, wanted: str, at: str) -> Iterator[Problem]:
        if element is None and wanted.endswith("!"):
            yield Problem(f"{at}[]", "nested")
        elif isinstance(element, list):
            return  # untold
        elif isinstance(element, dict) != self._is_object(wanted.removesuffix("!")):
            yield Problem(f"{at}[]", "clash")
        else:
            yield from self._value(element, wanted, f"{at}[]", nested=True)

    def _is_object(self, name: str) -> bool:
        found = self.types.get(name)
        return found is not None and found.kind != "ENUM"

    def _one(self, value: Any, wanted: str, at: str, *, nested: bool, claimed: Claims) -> Iterator[Problem]:
        found: Type | None = self.types.get(wanted)
        if found is not None and found.kind != "ENUM":
            if isinstance(value, dict):
                yield from self._object(value, found.fields, f"{at}.", nested=nested, claimed=claimed)
                if any(_lacking(value, f) for f in found.fields) and nested:
                    yield Problem(at, "nested")
            elif not isinstance(value, list):
                yield Problem(at, "clash")
        elif _clashes(value, wanted, found.values if found else FORM_FACTORS.get(wanted, ())):
            yield Problem(at, "clash")


def _clashes(value: Any, wanted: str, values: tuple[str, ...]) -> bool:
    """By the column "Clashes" of contract 16.5; what is not told there does not clash."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(value, dict | list):
        return wanted in NUMBERS | TEXTS | {"Boolean", "Bool", "Timestamp", "Date"} or bool(values)
    if values:
        return number or (isinstance(value, str) and value.upper() not in values)
    if wanted in NUMBERS:
        return isinstance(value, str) and not _digits(value)
    if wanted in ("Boolean", "Bool"):
        return isinstance(value, str) and value.lower() not in ("true", "false")
    if wanted == "Timestamp":
        return isinstance(value, str) and not value.isdigit()
    return wanted == "Date" and number


def _digits(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _at(value: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return _ABSENT
        value = value[key]
    return value


def _lacking(value: dict[str, Any], field: Field) -> bool:
    mandatory = field.type.endswith("!") and not field.computed
    return mandatory and all(_at(value, s) is _ABSENT for s in field.sources)


def _path(field: Field) -> str:
    return ".".join(field.sources[0])


def coerced(value: Any, wanted: str) -> Any:
    """What a platform that converts might store: text from anything, a number from text, else nothing."""
    wanted = wanted.removesuffix("!")
    if wanted in TEXTS:
        return str(value)
    if wanted in NUMBERS and isinstance(value, str) and _digits(value):
        return float(value)
    return None
