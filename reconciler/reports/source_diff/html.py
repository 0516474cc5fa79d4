"""What a load would change, as one page of HTML that needs nothing else. Pure, but for its template."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reconciler.model.preview import Preview
from reconciler.model.source_diff import SourceDiff
from reconciler.reports.page import template
from reconciler.reports.source_diff.counts import Fate, by_fate, by_property, changes, fate, signs

_TEMPLATE = Path(__file__).parent / "templates" / "source_diff.html"


def render(name: str, found: Sequence[SourceDiff], *, values: bool) -> str:
    """The page.

    Args:
        name: of the source.
        found: one for each datamart.
        values: with old and new values.

    Raises:
        MissingExtra: jinja2 is not installed.
    """
    page: str = template(_TEMPLATE).render(
        name=name, diffs=[_diff(x, values=values) for x in found], values=values
    )
    return page


def _diff(found: SourceDiff, *, values: bool) -> dict[str, Any]:
    return {
        "address": found.address,
        "commands": found.commands,
        "rejected": found.rejected,
        "looked": len(found.previews) + len(found.unpredicted),
        "fates": [(kind.value, n) for kind, n in by_fate(found.previews).items()],
        "properties": by_property(found.previews),
        "profiles": [_profile(x, values=values) for x in found.previews if fate(x) is not Fate.UNCHANGED],
        "unpredicted": found.unpredicted,
    }


def _profile(found: Preview, *, values: bool) -> dict[str, Any]:
    if values:
        rows = [(x.sign, x.path, _value(x.old), _value(x.new)) for x in changes(found)]
    else:
        rows = [(sign, name, "", "") for name, sign in signs(found).items()]
    return {"place": f"{found.path}:{found.line}", "fate": fate(found).value, "rows": rows}


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
