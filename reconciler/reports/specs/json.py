"""Rendered specs as JSON. Pure."""

import json
from collections.abc import Sequence

from reconciler.spec.rendering import Rendered


def render(documents: Sequence[Rendered], environment: str | None) -> str:
    """All documents as data, with the origin of each value by its path."""
    made = [
        {
            "address": d.address,
            "data": d.data,
            "origins": {".".join(map(str, path)): str(span) for path, span in d.origins.items()},
            "written": {".".join(map(str, path)): value for path, value in d.written.items()},
        }
        for d in documents
    ]
    document = {"format_version": "1.0", "environment": environment, "documents": made}
    return json.dumps(document, indent=2, ensure_ascii=False)
