"""Moments as people read them. Pure."""

import datetime


def utc(seconds: float) -> str:
    """A moment in UTC, `2026-01-31 12:00:00`; from seconds since 1970."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")


def moment(text: str) -> str:
    """The same of a moment in UTC as plans write it, with its zone."""
    return f"{text[:19].replace('T', ' ')} UTC"
