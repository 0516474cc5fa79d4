"""What a datamart indexes, as types: the part of its schema that concerns imported profiles."""

from dataclasses import dataclass, field

# Names that the platform maps to keys beginning with `$` by itself, without the schema saying so.
PREDEFINED = ("compartment_id", "user_account_id", "creation_ts", "last_modified_ts")


@dataclass(frozen=True, slots=True)
class TypeRef:
    """A type as a field names it: `String`, `String!`, or a list with the type of its elements in `of`."""

    name: str
    mandatory: bool = False
    of: "TypeRef | None" = None

    def __str__(self) -> str:
        inner = f"[{self.of}]" if self.of else self.name
        return inner + ("!" if self.mandatory else "")


@dataclass(frozen=True, slots=True)
class Property:
    """A field of a type.

    Attributes:
        sources: where its value is in the JSON object, as keys from outside to inside; the first one present counts.
        computed: made by the platform from other fields, never read from JSON.
    """

    name: str
    type: TypeRef
    sources: tuple[tuple[str, ...], ...]
    computed: bool = False


@dataclass(frozen=True, slots=True)
class DatamartSchema:
    """A parsed schema.

    Attributes:
        origin: where it is from: `schema 3042`, or the path of a file.
        digest: SHA-256 (hex) of its text.
        profile: fields of the type that stands for profiles; of all such types, where there are several.
        types: fields of the other object types and interfaces.
        enums: values of the enums that the schema declares.
    """

    origin: str
    digest: str
    profile: tuple[Property, ...]
    types: dict[str, tuple[Property, ...]] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def field_names(self) -> frozenset[str]:
        """Names of all fields, as the schema and as JSON have them."""
        every = [p for fields in (self.profile, *self.types.values()) for p in fields]
        return frozenset(
            [*(p.name for p in every), *(key for p in every for path in p.sources for key in path)]
        )


# What a finding is about. The first six are certain by what the platform documents; UNTOLD is not.
UNKNOWN, CLASH, NULL, DATE_NUMBER, SECONDS = "unknown", "clash", "null", "date-number", "seconds"
COMPUTED, SYSTEM, UNTOLD = "computed", "system", "untold"


@dataclass(frozen=True, slots=True)
class SchemaOddity:
    """Rows whose value at one path is not what the schema says.

    Attributes:
        kind: one of the constants above.
        path: keys joined by dots, `[]` for elements of a list; of an unknown field, as the row writes it.
        wanted: the type in the schema; empty for an unknown field.
        got: the JSON type of the value, never the value; empty where it makes no difference.
        count: how many values.
        first: where the first of them are.
    """

    kind: str
    path: str
    wanted: str
    got: str
    count: int
    first: tuple[str, ...] = ()
