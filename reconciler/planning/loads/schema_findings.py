"""How the profiles of a source fit the schema of a datamart, as findings. Pure; paths, types and places, never a value."""

from collections.abc import Sequence

from reconciler.kinds.counts import many
from reconciler.kinds.nearest import closest
from reconciler.model.datamart_schema import (
    CLASH,
    COMPUTED,
    DATE_NUMBER,
    NULL,
    PREDEFINED,
    SECONDS,
    SYSTEM,
    UNKNOWN,
    UNTOLD,
    DatamartSchema,
    SchemaOddity,
)
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.load import Scan
from reconciler.model.source import SourceDefinition

_ORDER = (UNKNOWN, CLASH, NULL, DATE_NUMBER, SECONDS, COMPUTED, SYSTEM, UNTOLD)


def schema_findings(want: DesiredLoad, scan: Scan, schema: DatamartSchema | None) -> list[Diagnostic]:
    """One finding for each field path that does not fit; errors where the source says so, and where it is certain."""
    if schema is None:
        return []
    found = sorted(scan.schema.get(schema.digest, ()), key=lambda o: (_ORDER.index(o.kind), o.path))
    return [_finding(want, odd, schema) for odd in found]


def misfits(scan: Scan, schema: DatamartSchema) -> list[str]:
    """The fields that do not fit a schema, with how and where first: in words, for a run."""
    found = sorted(scan.schema.get(schema.digest, ()), key=lambda o: (_ORDER.index(o.kind), o.path))
    return [f"{_path(odd)}: {_words(odd)}{_first(odd)}" for odd in found]


def misfit(source: SourceDefinition, scan: Scan, schema: DatamartSchema | None, datamart: str) -> str | None:
    """Why profiles must not be sent, where the source stops at what certainly does not fit; None if they may be.

    Args:
        source: as declared.
        scan: of it.
        schema: of the datamart; None where it is not known.
        datamart: its name.
    """
    if schema is None or source.schema != "error":
        return None
    if all(odd.kind == UNTOLD for odd in scan.schema.get(schema.digest, ())):
        return None
    first, *more = misfits(scan, schema)
    others = f"; {len(more):,} more" if more else ""
    return f"the profiles do not fit the schema of {datamart}: {first}{others}"


def _first(odd: SchemaOddity) -> str:
    return f"; first at {odd.first[0]}" if odd.first else ""


def _path(odd: SchemaOddity) -> str:
    return odd.path or '""'


def _finding(want: DesiredLoad, odd: SchemaOddity, schema: DatamartSchema) -> Diagnostic:
    stops = want.definition.schema == "error" and odd.kind != UNTOLD
    more = ["…"] if odd.count > len(odd.first) else []
    return Diagnostic(
        {
            UNKNOWN: "schema-unknown-field",
            CLASH: "schema-type",
            NULL: "schema-null",
            DATE_NUMBER: "schema-date-number",
            SECONDS: "schema-seconds",
            COMPUTED: "schema-computed-field",
            SYSTEM: "schema-system-field",
            UNTOLD: "schema-undocumented",
        }[odd.kind],
        Severity.ERROR if stops else Severity.WARNING,
        f"{_path(odd)}: {_words(odd)}",
        want.span,
        address=str(want.address),
        help=_hint(odd, schema),
        note="\n".join([f"schema of {want.datamart}: {schema.origin}", *odd.first, *more]),
    )


def _words(odd: SchemaOddity) -> str:
    values = many(odd.count, "value")
    match odd.kind:
        case "unknown":
            return f"{values} of a field that the schema does not have; stored, but not queryable"
        case "clash":
            return (
                f"{values} of type {odd.got} where the schema has {odd.wanted}; such profiles are not indexed"
            )
        case "null":
            absent = many(odd.count, "row has no value", "rows have no value")
            what = absent if odd.got == "absent" else many(odd.count, "value is null", "values are null")
            return f"{what} in a mandatory field ({odd.wanted}); such profiles are not indexed"
        case "date-number":
            numbers = many(odd.count, "value is a number", "values are numbers")
            return f"{numbers} where the schema has {odd.wanted}; queries on such a field fail"
        case "seconds":
            seconds = many(odd.count, "value looks like seconds", "values look like seconds")
            return f"{seconds}; a {odd.wanted} counts milliseconds, so that is a day in 1970"
        case "computed":
            return f"{values} of a field that the platform computes itself ({odd.wanted}); they are not used"
        case "system":
            return f"{values} of a field that the platform sets itself"
        case _:
            return _untold(odd, values)


def _untold(odd: SchemaOddity, values: str) -> str:
    if odd.got == "absent":
        lacking = many(odd.count, "value lacks a mandatory field", "values lack a mandatory field")
        return f"{lacking} ({odd.wanted}); what the platform does then is not documented"
    if odd.got == "second source":
        return f"{values} of a second key for one field; which one counts is not documented"
    return f"{values} of type {odd.got} where the schema has {odd.wanted}; what the platform does with them is not documented"


def _hint(odd: SchemaOddity, schema: DatamartSchema) -> str | None:
    match odd.kind:
        case "unknown":
            return _other_name(odd.path, schema)
        case "date-number":
            return "send YYYY-MM-DD, or send a Timestamp and let the schema derive the date with @Function(ISODate)"
        case "seconds":
            return "send milliseconds: multiply by 1,000"
        case "clash" | "untold" if odd.got == "text" and odd.wanted.rstrip("!") in _NUMERIC:
            return "set `types:` in the source, so that the column is sent as a number or a boolean"
        case "system" | "computed":
            return "exclude it: `profile: {exclude: [...]}`"
        case _:
            return None


_NUMERIC = {"Int", "Float", "Double", "BigDecimal", "Number", "Timestamp", "Bool", "Boolean"}


def _other_name(path: str, schema: DatamartSchema) -> str:
    """What the field may be meant to be."""
    name = path.rpartition(".")[2].removesuffix("[]")
    if name in PREDEFINED and "." not in path:
        return f"the platform's own field is written ${name}"
    fed = [".".join(s) for p in schema.profile if p.name == name for s in p.sources if ".".join(s) != path]
    if fed:
        return f"the schema reads the field {name} from {' or '.join(fed)}"
    known = _known(path, schema)
    by_case = {k.casefold(): k for k in known}
    if (same := by_case.get(name.casefold())) is not None:
        return f"the schema has {same}"
    meant = f"did you mean {near}? Else " if (near := closest(name, known)) else ""
    return f"{meant}rename it, exclude it, or add it to the schema before the load: a field added later covers later loads only"


def _known(path: str, schema: DatamartSchema) -> list[str]:
    """Keys that the schema has at the level of a path."""
    fields = schema.profile
    for part in path.split(".")[:-1]:
        key = part.removesuffix("[]").removesuffix("[]")
        found: Sequence[str] = [
            p.type.of.name if p.type.of else p.type.name for p in fields if p.sources == ((key,),)
        ]
        fields = schema.types.get(found[0], ()) if found else ()
    return [s[0] for p in fields for s in p.sources if not p.computed]
