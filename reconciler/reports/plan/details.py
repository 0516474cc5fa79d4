"""All that a plan says of one address: each field, what it requires, the request, digests, findings. Pure."""

from collections.abc import Iterable, Sequence
from itertools import chain

from reconciler.kinds.counts import many
from reconciler.kinds.selectors import selects
from reconciler.model.diagnostic import Diagnostic
from reconciler.model.plan import LoadChange, Plan, ResourceChange
from reconciler.model.unchanged import resources
from reconciler.reports.folded import wrapped
from reconciler.reports.plan.words import value
from reconciler.reports.style import Style, safe, size

# What a source is, in the order in which people ask; the rest of a definition is in the JSON.
_SOURCE = (
    "files",
    "format",
    "compression",
    "content",
    "ordering",
    "duplicates",
    "allow",
    "max_bytes",
)


def chosen(plan: Plan, patterns: Sequence[str]) -> list[ResourceChange | LoadChange]:
    """Changes and loads that selectors of addresses mean; without any all that act.

    Args:
        plan: any.
        patterns: the selectors.
    """
    if not patterns:
        acting: list[ResourceChange | LoadChange] = [*plan.resource_changes, *plan.loads]
        return [x for x in acting if _actions(x) != ("no-op",)]
    every: Iterable[ResourceChange | LoadChange] = chain(resources(plan), plan.loads)
    return [x for x in every if selects(patterns, x.address)]


def render(plan: Plan, found: Iterable[ResourceChange | LoadChange], style: Style) -> str:
    """Some of a plan, one after the other.

    Args:
        plan: any.
        found: of it.
        style: how to mark text.
    """
    lines = []
    for x in found:
        facts = _of_load(x) if isinstance(x, LoadChange) else _of_change(x)
        lines.append(f"{style.bold(safe(x.address))}  {', '.join(_actions(x))}")
        for name, text in facts:
            lines += wrapped(
                f"{name}: {safe(text)}", style.width, initial_indent="    ", subsequent_indent="        "
            )
        for d in (d for d in plan.diagnostics if d.address == x.address):
            lines += wrapped(_finding(d), style.width, initial_indent="    ", subsequent_indent="        ")
        lines.append("")
    return "\n".join(lines)


def _actions(x: ResourceChange | LoadChange) -> tuple[str, ...]:
    return x.actions if isinstance(x, LoadChange) else x.change.actions


def _finding(d: Diagnostic) -> str:
    place = f" ({d.span.path}:{d.span.line})" if d.span else ""
    return f"{d.severity.value}[{d.code}]: {safe(d.message)}{safe(place)}"


def _of_change(x: ResourceChange) -> list[tuple[str, str]]:
    before, after = x.change.before or {}, x.change.after or {}
    facts = []
    for key in dict.fromkeys([*before, *after]):
        new = "(known after apply)" if x.change.after_unknown.get(key) else value(after.get(key))
        if x.change.after is None:
            facts.append((key, value(before[key])))
        elif x.change.before is None or before.get(key) == after.get(key):
            facts.append((key, new))
        else:
            facts.append((key, f"{value(before.get(key))} -> {new}"))
    if x.former_default is not None:
        facts.append(
            (
                "loses the default",
                f"compartment '{token}'"
                if (token := x.former_default.get("token"))
                else f"id {x.former_default.get('compartment_id')}",
            )
        )
    return [*facts, *_common(x.reason, x.requires, x.wave), *_known(x)]


def _known(x: ResourceChange) -> list[tuple[str, str]]:
    told = {"request": x.request, "id on the platform": x.remote_id, "spec": x.origin}
    return [(name, text) for name, text in told.items() if text]


def _of_load(x: LoadChange) -> list[tuple[str, str]]:
    said = {k: v for k, v in x.definition.items() if v and v != "suffix"}
    facts = [(key.replace("_", " "), _words(said[key])) for key in _SOURCE if key in said]
    if not x.unread:
        facts += [
            ("load", f"{x.generation}{f' (retry {x.retry})' if x.retry else ''}"),
            (
                "rows",
                f"{x.lines:,}: {many(x.upserts, 'upsert')}, {many(x.deletes, 'delete')}, {x.rejected:,} rejected",
            ),
            ("volume", f"{many(x.chunks, 'chunk')}, {size(x.bytes)}"),
            ("sending a chunk again", "safe" if x.replay_safe else "not safe"),
            ("source digest", x.source_digest),
            ("load digest", x.load_digest or "(known after apply)"),
        ]
    facts += (
        [("unfinished", ", ".join(f"{n:,} {k}" for k, n in x.unfinished.items()))] if x.unfinished else []
    )
    facts += [("compartment", f"{key}, token {token}") for key, token in x.tokens.items()]
    return [*facts, *_common(x.reason, x.requires, x.wave)]


def _common(reason: str, requires: Sequence[str], wave: str | None) -> list[tuple[str, str]]:
    found = [("because", reason)] if reason else []
    found += [("requires", ", ".join(requires))] if requires else []
    return [*found, *([("wave", wave)] if wave else [])]


def _words(found: object) -> str:
    return ", ".join(map(str, found)) if isinstance(found, list | tuple) else str(found)
