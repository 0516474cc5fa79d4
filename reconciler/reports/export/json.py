"""What `export` wrote, as JSON. Pure."""

import json
from collections.abc import Sequence

from reconciler.model.export import Export
from reconciler.reports.style import safe


def render(export: Export, written: Sequence[str], differing: Sequence[str] | None) -> str:
    """The same for programs.

    Args:
        export: what was declared.
        written: paths of the new files.
        differing: addresses where specs and platform still differ; None where they were not compared.
    """
    return json.dumps(
        {
            "format_version": "1.0",
            "written": list(written),
            "datamarts": [d.name for d in export.datamarts],
            "compartments": [c.key for c in export.compartments],
            "unmanaged": [{"about": safe(r.about), "reason": safe(r.why)} for r in export.remarks],
            "differing": None if differing is None else list(differing),
        },
        indent=2,
        ensure_ascii=False,
    )
