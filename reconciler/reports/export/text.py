"""What `export` wrote, as text that fits 80 columns. Pure."""

from collections.abc import Sequence

from reconciler.kinds.counts import few_lines, many
from reconciler.model.export import Export
from reconciler.reports.folded import wrapped
from reconciler.reports.style import Style, safe

_SHOWN = 10


def render(export: Export, written: Sequence[str], differing: Sequence[str] | None, style: Style) -> str:
    """Files, counts, what stays unmanaged, and whether the specs now agree with the platform.

    Args:
        export: what was declared.
        written: paths of the new files.
        differing: addresses where specs and platform still differ; None where they were not compared.
        style: how to mark text.
    """
    lines = few_lines([f"wrote {safe(path)}" for path in written], _SHOWN, indent="  ", of=" files") or [
        "Nothing to export: specs declare everything that they can declare."
    ]
    activations = sum(len(c.datamarts) for c in export.compartments)
    if written:
        counts = (
            many(len(export.datamarts), "datamart"),
            many(len(export.compartments), "compartment"),
            many(activations, "activation"),
        )
        lines += ["", f"Exported: {', '.join(counts)}."]
    if export.declared:
        lines.append(f"Left as they are: {many(export.declared, 'compartment')} that specs declared before.")
    if export.remarks:
        lines += ["", style.bold(f"Unmanaged: {many(len(export.remarks), 'object')}")]
        shown = [
            "\n".join(
                wrapped(
                    f"{safe(r.about)}: {safe(r.why)}",
                    style.width,
                    initial_indent="  ",
                    subsequent_indent="      ",
                )
            )
            for r in export.remarks
        ]
        lines += few_lines(shown, _SHOWN, indent="  ", of=" objects")
    lines.append("")
    if differing is None:
        lines.append("Specs and platform were not compared: this folder is none that `specs:` names.")
    elif differing:
        count = many(len(differing), "address")
        lines.append(style.bold(f"Specs and platform differ in {count}:"))
        lines += few_lines([f"  {safe(a)}" for a in differing], _SHOWN, indent="  ", of=" addresses")
    else:
        lines.append("Specs and platform agree: a plan has no changes.")
    lines.append("Next: `reconciler plan`")
    return "\n".join(lines)
