"""Settings with their origins, as a table. Pure; no secret comes here, only where it is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.reports.style import Style, safe


@dataclass(frozen=True, slots=True)
class Row:
    """One setting: its name in reconciler.yaml, its value, and where that is from."""

    name: str
    value: Any
    origin: str


def render(rows: Sequence[Row], style: Style, *, origins: bool) -> str:
    """One line a setting."""
    flat = [one for row in rows for one in _flat(row)]
    name = max(len(r.name) for r in flat)
    shown = [_value(r.value) for r in flat]
    value = min(40, max(len(v) for v in shown))
    lines = []
    for row, text in zip(flat, shown, strict=True):
        line = f"{style.bold(f'{row.name:<{name}}')}  {text:<{value}}"
        lines.append((f"{line}  {style.dim(safe(row.origin))}" if origins else line).rstrip())
    return "\n".join(lines) + "\n"


def _flat(row: Row) -> list[Row]:
    """A row each for the limits of the guards."""
    if row.name != "guards":
        return [row]
    return [Row(f"{row.name}.{key}", value, row.origin) for key, value in row.value.items()]


def _value(value: Any) -> str:
    if value is None or value in ((), [], {}):
        return "-"
    if isinstance(value, str):
        return safe(value)
    return safe(json.dumps(value, ensure_ascii=False).replace('"', ""))
