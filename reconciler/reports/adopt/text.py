"""How specs match the platform, and what was written into them, as text that fits 80 columns. Pure."""

from collections.abc import Iterator, Sequence

from reconciler.kinds.counts import few_lines, many
from reconciler.model.adoption import Adoption, SpecEdit
from reconciler.model.plan import Unmanaged
from reconciler.reports import unmanaged as unmanaged_text
from reconciler.reports.style import Style, safe

_SHOWN = 20


def render(
    found: Adoption,
    edits: Sequence[SpecEdit],
    by_hand: Sequence[SpecEdit],
    unmanaged: Sequence[Unmanaged],
    written: Sequence[str],
    differing: Sequence[str] | None,
    style: Style,
) -> str:
    """What matches, what does not, what differs, and what to do next.

    Args:
        found: how specs and platform match.
        edits: values that differ.
        by_hand: of these, those that were not or would not be made.
        unmanaged: what no spec declares.
        written: files that were changed.
        differing: addresses that a plan would still change; None where nothing was written.
        style: how to mark text.
    """
    lines = _matches(found, style)
    if found.ambiguous:
        lines += [style.red(style.bold("Ambiguous: more than one compartment could be meant"))]
        lines += [f"  {safe(a)}: the compartments {' and '.join(ids)}" for a, ids in found.ambiguous.items()]
        lines += ["  Write `id:` of one of them into the spec. Nothing is written until then.", ""]
    if found.missing:
        lines += [style.bold("Not on the platform (apply would create them)")]
        lines += [*few_lines([f"  {safe(a)}" for a in found.missing], _SHOWN, indent="  "), ""]
    if edits:
        lines += [
            style.bold("Specs that say something else than the platform"),
            *edit_lines(edits, by_hand),
            "",
        ]
    lines += _unmanaged(found, edits, unmanaged)
    return "\n".join([*lines, *_verdict(found, edits, by_hand, written, differing, style)])


def edit_lines(edits: Sequence[SpecEdit], by_hand: Sequence[SpecEdit]) -> list[str]:
    """Each value with its place; those that are left to the user say so."""
    lines = []
    for edit in edits:
        after = "(no such key)" if edit.after is None else edit.after
        lines.append(f"  {safe(edit.file)}:{edit.line}  {safe('.'.join(map(str, edit.path)))}")
        lines.append(f"      {safe(edit.before)} -> {safe(after)}")
        if edit in by_hand:
            lines.append(
                "      not changed, edit it by hand: a YAML alias shares it, or a comment would be lost"
            )
    return lines


def written_lines(
    found: Adoption,
    edits: Sequence[SpecEdit],
    by_hand: Sequence[SpecEdit],
    written: Sequence[str],
    differing: Sequence[str] | None,
    limited: str | None = None,
) -> list[str]:
    """What `drift --write` changed, and what is left.

    Args:
        found: how specs and platform match.
        edits: values that differ.
        by_hand: of these, those that were not made.
        written: files that were changed.
        differing: addresses that a plan would still change; None where nothing was written.
        limited: that flags limit what was compared; None where all was.
    """
    if differing is None:
        return [
            f"Nothing was written: {safe(a)} could be the compartments {' and '.join(ids)}; write `id:` of one into the spec."
            for a, ids in found.ambiguous.items()
        ]
    lines = ["Written into the specs:" if written else "Nothing was written into the specs."]
    lines += edit_lines(edits, by_hand)
    if differing:
        lines.append("Still not as the specs declare: " + ", ".join(safe(a) for a in differing))
    elif found.missing:
        lines.append("Not on the platform, so a plan creates: " + ", ".join(safe(a) for a in found.missing))
    elif limited is None:
        lines.append("Specs and platform agree: a plan has no changes.")
    else:
        lines.append("Of what was compared, specs and platform agree.")
    if limited is not None:
        lines.append(f"{safe(limited)} `reconciler drift` compares all.")
    return lines


def _unmanaged(found: Adoption, edits: Sequence[SpecEdit], unmanaged: Sequence[Unmanaged]) -> list[str]:
    """What is unmanaged also once the edits are made: compartments without a spec, and activations that a spec says nothing of."""
    keys = {b.id: b.key for b in found.bound}
    taken = {address for edit in edits for address in edit.addresses}
    others = [u for u in unmanaged if u.compartment_id not in keys]
    # A compartment that is matched here, by its name or id, has its spec: only its activations may lack one.
    mine = [u for u in unmanaged if u.compartment_id in keys and u.kind == "Activation" and u.ignored is None]
    left = [u for u in mine if f"Activation/{keys[u.compartment_id]}@{u.datamart}" not in taken]
    lines = []
    if said := unmanaged_text.sentence(others):
        lines += [f"{said} `reconciler export` writes specs for them.", ""]
    if left:
        said = unmanaged_text.sentence(left)
        lines += [f"{said} `activations:` in the specs of their compartments declares them.", ""]
    return lines


def _matches(found: Adoption, style: Style) -> list[str]:
    rows = [f"  {safe(b.address)}: {b.id} {safe(repr(b.token))}" for b in found.bound]
    return [
        style.bold(f"Matched: {many(len(rows), 'compartment')}"),
        *few_lines(rows, _SHOWN, indent="  "),
        "",
    ]


def _verdict(
    found: Adoption,
    edits: Sequence[SpecEdit],
    by_hand: Sequence[SpecEdit],
    written: Sequence[str],
    differing: Sequence[str] | None,
    style: Style,
) -> Iterator[str]:
    count = len(edits) - len(by_hand)
    if differing is None:
        if count and not found.ambiguous:
            yield f"Nothing was written. `reconciler adopt --write` makes {many(count, 'change')} in the specs."
        elif not edits:
            yield f"Specs say what the platform has{_but_for(found)}."
        return
    if written:
        yield f"Changed: {', '.join(safe(w) for w in written)}"
    if differing:
        yield style.bold(f"Specs and platform differ in {many(len(differing), 'address')}:")
        yield from few_lines([f"  {safe(a)}" for a in differing], _SHOWN, indent="  ")
    else:
        yield style.bold(f"Specs and platform agree: a plan has no changes{_but_for(found)}.")


def _but_for(found: Adoption) -> str:
    return f", apart from the {many(len(found.missing), 'compartment')} to create" if found.missing else ""
