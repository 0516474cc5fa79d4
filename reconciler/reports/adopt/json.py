"""How specs match the platform, and what was written into them, as JSON. Pure."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from reconciler.model.adoption import Adoption, SpecEdit
from reconciler.model.plan import Unmanaged


def render(
    found: Adoption,
    edits: Sequence[SpecEdit],
    by_hand: Sequence[SpecEdit],
    unmanaged: Sequence[Unmanaged],
    written: Sequence[str],
    differing: Sequence[str] | None,
) -> str:
    """The same for programs.

    Args:
        found: how specs and platform match.
        edits: values that differ.
        by_hand: of these, those that were not or would not be made.
        unmanaged: what no spec declares.
        written: files that were changed.
        differing: addresses that a plan would still change; None where nothing was written.
    """
    return json.dumps(
        {
            "format_version": "1.0",
            "matched": [
                {"address": b.address, "id": b.id, "token": b.token, "name": b.name} for b in found.bound
            ],
            "missing": list(found.missing),
            "ambiguous": {a: list(ids) for a, ids in found.ambiguous.items()},
            "edits": [entry(e, by_hand=e in by_hand) for e in edits],
            "unmanaged": msgspec.to_builtins(list(unmanaged)),
            "written": list(written),
            "differing": None if differing is None else list(differing),
        },
        indent=2,
        ensure_ascii=False,
    )


def entry(edit: SpecEdit, *, by_hand: bool) -> dict[str, Any]:
    """One value of a spec that differs."""
    return {
        "addresses": list(edit.addresses),
        "file": edit.file,
        "line": edit.line,
        "path": ".".join(map(str, edit.path)),
        "before": edit.before,
        "after": edit.after,
        "by_hand": by_hand,
    }
