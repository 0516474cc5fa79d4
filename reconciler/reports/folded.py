"""Lines that are not wider than a terminal. Pure."""

import re

# Patterns are compiled by `re` when first needed: few lines are wider than a terminal.
_COLOUR = r"\x1b\[[0-9]+m"
_KEPT = r" *([0-9]* \||\$ )"  # a line of a file, the marks below it, a command on a line of its own
_WORD = r" *(?:`[^`]*`[^ ]*|[^ ]+)"
_DEEPER = 2  # a continued line
_TOGETHER = r"`[^`\n]*`"
_BLANK = "\x00"  # in place of a blank that no line ends at


def folded(text: str, width: int) -> str:
    """The text, its lines broken between words where they are wider than the terminal.

    A word is never broken, nor a command in backticks or behind a dollar sign: they can be copied. Lines of files stay as they
    are, since marks stand below them.

    Args:
        text: may have colours.
        width: of the terminal, in characters.
    """
    if width < 1:
        return text
    return "\n".join(
        line if len(line) <= width or re.match(_KEPT, re.sub(_COLOUR, "", line)) else _broken(line, width)
        for line in text.split("\n")
    )


def _broken(line: str, width: int) -> str:
    bare = re.sub(_COLOUR, "", line)
    if len(bare) <= width:
        return line
    indent = " " * min(len(bare) - len(bare.lstrip(" ")) + _DEEPER, width // 2)
    lines, used = [""], 0
    for word in re.findall(_WORD, line):
        whole = word
        if used > len(indent) and used + len(re.sub(_COLOUR, "", word)) > width:  # else no room is won
            whole = indent + word.lstrip(" ")
            lines.append("")
            used = 0
        lines[-1] += whole
        used += len(re.sub(_COLOUR, "", whole))
    return "\n".join(lines)


def wrapped(text: str, width: int, *, initial_indent: str = "", subsequent_indent: str = "") -> list[str]:
    """Lines of a text; names and commands in backticks are never broken inside.

    Args:
        text: what to wrap.
        width: of a line.
        initial_indent: before the first line.
        subsequent_indent: before the others.
    """
    import textwrap  # not for `validate`, which wraps nothing

    lines = textwrap.wrap(
        re.sub(_TOGETHER, lambda m: m[0].replace(" ", _BLANK), text),
        width,
        initial_indent=initial_indent,
        subsequent_indent=subsequent_indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_BLANK, " ") for line in lines]
