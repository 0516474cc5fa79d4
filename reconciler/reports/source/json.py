"""What reading a source shows, as JSON; no contents of rows come here. Pure."""

import json
from collections.abc import Sequence
from typing import Any


def render(reads: Sequence[dict[str, Any]], diagnostics: Sequence[dict[str, Any]]) -> str:
    """Every reading of the source, and the findings, as one document."""
    return json.dumps(
        {"format_version": "1.0", "reads": list(reads), "diagnostics": list(diagnostics)},
        indent=2,
        ensure_ascii=False,
    )
