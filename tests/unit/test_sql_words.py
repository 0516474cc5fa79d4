"""What is told of a database's error: its class and code, never its text."""

import pytest

from reconciler.bulk.sources.sql import _words


class OperationalError(Exception):
    """Named as drivers name it."""

    sqlstate: str | None = None


class _Wrapped(Exception):
    def __init__(self, original: Exception) -> None:
        super().__init__(str(original))
        self.orig = original


@pytest.mark.parametrize(
    "state", [None, "08006", "22P02", "28P01", "3D000", "42703", "57014", "P0001", "XX000"]
)
def test_no_text_of_the_database_is_passed_on(state: str | None) -> None:
    original = OperationalError('failed for "Dupont" at s3cret@host: FR7630006000011234567890189')
    original.sqlstate = state
    words = _words(_Wrapped(original))
    assert words.startswith("OperationalError")
    assert (state or "") in words
    assert not any(part in words for part in ("Dupont", "s3cret", "FR76"))
