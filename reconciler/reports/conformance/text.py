"""The answers of a platform to the open questions, as a table. Pure."""

import textwrap
from collections.abc import Sequence

from reconciler.kinds.counts import many
from reconciler.model.conformance import Found
from reconciler.reports.style import Style, safe

_NAME, _ANSWER, _WIDTH = 24, 14, 80


def render(found: Sequence[Found], left: Sequence[str], style: Style) -> str:
    """A table that fits 80 columns, what could not be told, and what was left behind."""
    lines = [style.bold(f"{'question':<{_NAME}}{'answer':<{_ANSWER}}observed (section of the contract)")]
    for f in found:
        answer = (
            style.dim(f"{'?':<{_ANSWER}}") if f.answer is None else style.green(f"{f.answer!s:<{_ANSWER}}")
        )
        words = textwrap.wrap(f"{safe(f.why)[:300]} ({f.section})", _WIDTH - _NAME - _ANSWER)
        lines.append(f"{f.switch:<{_NAME}}{answer}{words[0]}")
        lines += [f"{'':<{_NAME + _ANSWER}}{more}" for more in words[1:]]
    told = sum(f.answer is not None for f in found)
    lines += ["", f"{told} of {many(len(found), 'question')} answered."]
    if left:
        lines += textwrap.wrap(
            f"Left on the platform, because these cannot be removed: {', '.join(left)}.", _WIDTH
        )
    return "\n".join(lines)


def as_markdown(found: Sequence[Found], left: Sequence[str]) -> str:
    """The same for an issue or a page."""
    lines = ["| Question | Answer | Seen | Section |", "|---|---|---|---|"]
    for f in found:
        why = safe(f.why)[:300].replace("|", "\\|")
        lines.append(
            f"| `{f.switch}` | {'?' if f.answer is None else f'**{f.answer}**'} | {why} | {f.section} |"
        )
    if left:
        lines += ["", f"Left on the platform: {', '.join(left)}."]
    return "\n".join(lines)
