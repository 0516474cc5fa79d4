"""Text that nothing takes for more than text: it moves no cursor, turns no direction of writing and starts no line. Pure."""


def printable(text: str, instead: str = " ", *, kept: str = "") -> str:
    """The text with something else for each character that does not print.

    Args:
        text: of anybody.
        instead: stands for each such character.
        kept: characters that stay although they do not print.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept else instead for c in text)
