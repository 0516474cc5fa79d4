"""What a load would change, as text; with profile values only where they are asked for. Pure."""

from reconciler.kinds.counts import many
from reconciler.model.preview import Preview
from reconciler.model.source_diff import SourceDiff
from reconciler.reports.preview import text as preview_text
from reconciler.reports.source_diff.counts import Fate, by_fate, by_property, fate, signs
from reconciler.reports.style import Style, safe

MOST_PROPERTIES = 30


def render(found: SourceDiff, style: Style, *, values: bool) -> str:
    """Counts first, then properties, then the profiles that change.

    Args:
        found: one datamart.
        style: of the terminal.
        values: each profile with old and new values.
    """
    looked = len(found.previews) + len(found.unpredicted)
    counts = ", ".join(f"{n:,} {kind.value}" for kind, n in by_fate(found.previews).items() if n)
    lines = [
        f"{style.bold(found.address)}: {many(looked, 'identity')} looked at, in {many(found.commands, 'command')}",
        f"  profiles: {counts or 'none'}",
    ]
    if found.rejected:
        name = found.address.removeprefix("ProfileSource/").partition("@")[0]
        lines.append(
            f"  {many(found.rejected, 'row')} rejected: `reconciler source check {safe(name)}` says why"
        )
    if rows := by_property(found.previews):
        shown = rows[:MOST_PROPERTIES]
        width = max(len("property"), *(len(safe(r.name)) for r in shown))
        lines += ["", style.dim(f"  {'property':<{width}}  {'added':>7}  {'changed':>7}  {'removed':>7}")]
        lines += [
            f"  {safe(r.name):<{width}}  {r.added or '':>7}  {r.changed or '':>7}  {r.removed or '':>7}".rstrip()
            for r in shown
        ]
        if len(rows) > len(shown):
            lines.append(f"  and {many(len(rows) - len(shown), 'more property')} (-o json has all)")
    told = [x for x in found.previews if fate(x) is not Fate.UNCHANGED]
    if values:
        for one in told:
            lines += ["", preview_text.render(one, style)]
    elif told:
        lines += ["", *(_line(one, style) for one in told), "", "  --values shows old and new values."]
    for missed in found.unpredicted:
        lines.append(f"  {safe(missed.path)}:{missed.line} cannot be predicted: {safe(missed.reason)}")
    return "\n".join(lines)


def _line(found: Preview, style: Style) -> str:
    paint = {Fate.NEW: style.green, Fate.DELETED: style.red}.get(fate(found), style.yellow)
    names = ""
    if fate(found) is Fate.CHANGED:
        names = "  " + " ".join(f"{sign}{safe(name)}" for name, sign in signs(found).items())
    return f"  {paint(fate(found).value):<9} {safe(found.path)}:{found.line}{names}"
