"""What `clean` found, as a table that fits 80 columns. Pure."""

from collections.abc import Sequence

from reconciler.kinds.counts import many
from reconciler.model.leftover import Left
from reconciler.reports.folded import wrapped
from reconciler.reports.style import Style, safe, size
from reconciler.reports.times import instant

_KINDS = {
    "rows": "rows",
    "unfinished-rows": "rows, read in part",
    "lists": "lists of lines",
    "temporary": "temporary file",
    "rejected-rows": "rejected rows, with their contents",
    "sent-index": "sent index",
    "scan": "scan of a source",
    "ledger": "damaged ledger",
}


def render(found: Sequence[Left], style: Style) -> str:
    """Two lines or more for each item, and one that says what to do."""
    if not found:
        return "Nothing can be removed.\n"
    lines = [style.bold(f"{'':<9}  {'size':>9}  {'written (UTC)':<16}  what")]
    for x in found:
        mark = style.yellow(f"{'removable':<9}") if x.removable else f"{'needed':<9}"
        at = instant(x.modified).strftime("%Y-%m-%d %H:%M")
        lines.append(f"{mark}  {size(x.size):>9}  {at}  {_KINDS[x.kind]}")
        for text in (x.path, x.why):
            lines += wrapped(safe(text), style.width, initial_indent=" " * 11, subsequent_indent=" " * 11)
    goes = [x for x in found if x.removable]
    lines.append("")
    if goes:
        lines.append(
            f"{many(len(goes), 'item')} can be removed, {size(sum(x.size for x in goes))}: `reconciler clean --remove`."
        )
    else:
        lines.append("Nothing can be removed.")
    return "\n".join(lines) + "\n"
