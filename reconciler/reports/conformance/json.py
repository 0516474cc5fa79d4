"""The answers of a platform to the open questions, as JSON. Pure."""

import json
from collections.abc import Sequence

from reconciler.model.conformance import Found
from reconciler.reports.style import safe


def render(found: Sequence[Found], left: Sequence[str]) -> str:
    """The same for programs; `switches` is what `sandbox serve --switch` takes to behave as this platform does."""
    return json.dumps(
        {
            "format_version": "1.0",
            "switches": {f.switch: f.answer for f in found if f.answer is not None},
            "answers": [
                {"question": f.switch, "section": f.section, "answer": f.answer, "seen": safe(f.why)}
                for f in found
            ],
            "left": list(left),
        },
        indent=2,
        ensure_ascii=False,
    )
