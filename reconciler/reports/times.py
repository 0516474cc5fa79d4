"""Moments as people read them. Pure."""

import datetime

_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # the years 1 and 9999


def utc(seconds: float) -> str:
    """A moment in UTC, `2026-01-31 12:00:00`; from seconds since 1970."""
    return instant(seconds).strftime("%Y-%m-%d %H:%M:%S")


def instant(seconds: float) -> datetime.datetime:
    """A moment in UTC; one that no calendar here has (a file may say any) is the first or the last that it has."""
    return datetime.datetime.fromtimestamp(min(max(seconds, _FIRST), _LAST), datetime.UTC)


def moment(text: str) -> str:
    """The same of a moment in UTC as plans write it, with its zone."""
    return f"{text[:19].replace('T', ' ')} UTC"
