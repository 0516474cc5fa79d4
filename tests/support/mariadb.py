"""A MariaDB server of its own for tests; they are skipped where it is not installed."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_NO_FILE = "--no-defaults"


@contextmanager
def server(folder: Path) -> Iterator[int]:
    """The port of a server with an empty database `t`, and a user `root` without a password.

    Args:
        folder: for its files.
    """
    program = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("MariaDB is not installed: apt-get install mariadb-server")
    pymysql = pytest.importorskip("pymysql")
    user = f"--user={getpass.getuser()}"
    data = f"--datadir={folder / 'data'}"
    subprocess.run(
        [
            "mariadb-install-db",
            _NO_FILE,
            user,
            data,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ],
        check=True,
        capture_output=True,
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    process = subprocess.Popen(
        [
            program,
            _NO_FILE,
            user,
            data,
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={folder / 's'}",
            "--skip-log-bin",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not _answers(pymysql, port):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        execute(port, "CREATE DATABASE t CHARACTER SET utf8mb4")
        yield port
    finally:
        process.terminate()
        process.communicate(timeout=60)


def execute(port: int, *statements: str) -> list[Any]:
    """Run statements, each committed, with any date allowed; the rows of the last."""
    import pymysql

    with (
        pymysql.connect(host="127.0.0.1", port=port, user="root", autocommit=True, sql_mode="") as connection,
        connection.cursor() as cursor,
    ):
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())


def _answers(pymysql: Any, port: int) -> bool:
    try:
        pymysql.connect(host="127.0.0.1", port=port, user="root").close()
    except pymysql.err.OperationalError:
        return False
    return True
