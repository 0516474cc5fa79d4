"""Plain data as YAML, written in a style drawn at random, with comments."""

from typing import Any

from hypothesis import strategies as st


def render(draw: st.DrawFn, comment: st.SearchStrategy[str], value: Any, depth: int, flow: bool) -> str:
    """A value as YAML, in a style drawn at random; begins behind `key:` and ends before a newline."""
    if isinstance(value, str):
        styles = [f'"{value}"'] if '"' not in value else [f"'{value}'"]
        if value.replace("-", "").isalpha() and value != "null":
            styles += [value, f"'{value}'"]
        if not flow and value.strip() == value:
            head = draw(st.sampled_from(["|-", ">-", f"|-  # {draw(comment)}", f">-\t# {draw(comment)}"]))
            styles.append(f"{head}\n{'  ' * depth}  {value}")
        anchor = draw(st.sampled_from(["", "", f"&a{draw(st.integers(0, 9))} "]))
        return (
            draw(st.sampled_from([" ", "\t" if not flow else " "])) + anchor + draw(st.sampled_from(styles))
        )
    pad = "  " * depth
    if flow or draw(st.booleans()):
        gap = draw(st.sampled_from(["", " "]))
        parts = [
            f"{render(draw, comment, v, depth, True).strip()}"
            if isinstance(value, list)
            else f"{v[0]}:{render(draw, comment, v[1], depth, True)}"
            for v in (value if isinstance(value, list) else value.items())
        ]
        between = draw(st.sampled_from([", ", ",", f", # {draw(comment)}\n{pad}    "]))
        left, right = "[]" if isinstance(value, list) else "{}"
        return f" {left}{gap}{between.join(parts)}{gap}{right}"
    lines = []
    items = [("-", v) for v in value] if isinstance(value, list) else [(f"{k}:", v) for k, v in value.items()]  # type: ignore[attr-defined]
    for head, item in items:
        if draw(st.booleans()):
            lines.append(f"{pad}# {draw(comment)}")
        tail = draw(st.sampled_from(["", f"  # {draw(comment)}", f"\t# {draw(comment)}"]))
        body = render(draw, comment, item, depth + 1, False)
        body = f" {body[1:]}" if head == "-" and body[0] == "\t" else body  # no tab there in YAML
        lines.append(f"{pad}{head}{body}{tail if chr(10) not in body else ''}")
    return "\n" + "\n".join(lines)
