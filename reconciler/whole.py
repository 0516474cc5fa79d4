"""Whole numbers as they are written by others: in answers, variables and flags.

`isdigit` is true of `²`, and `int` refuses thousands of digits; so neither is asked elsewhere.
"""

DIGITS = 18  # more are no number of anything here


def whole(text: str) -> int | None:
    """The number that a text of 1 to 18 ASCII digits is; None for any other text."""
    return int(text) if len(text) <= DIGITS and text.isascii() and text.isdigit() else None


def whole_value(value: object) -> int | None:
    """The number that a value of JSON is, written as one or as text; None for any other value, true and false included."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    return whole(value) if isinstance(value, str) else None
