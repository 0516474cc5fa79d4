"""PgBouncer in transaction mode before the PostgreSQL of the tests: each statement may meet another session of the server."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

POOL = 3  # connections to the server
CONFIG = """\
[databases]
* = host={host} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = {clients}
server_round_robin = 1
logfile = {folder}/log
ignore_startup_parameters = extra_float_digits
"""


@contextmanager
def pooled(url: str, folder: Path, *, size: int = POOL, clients: int = 200) -> Iterator[str]:
    """URL of the same database through PgBouncer; the test is skipped where it is not installed.

    Args:
        url: of the database.
        folder: for its files.
        size: connections to the server.
        clients: at once.
    """
    program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if program is None:
        pytest.skip("pgbouncer is not installed: apt-get install pgbouncer")
    with psycopg.connect(url) as connection:
        host, name = connection.info.host, connection.info.dbname
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = folder / "pgbouncer.ini"
    config.write_text(CONFIG.format(host=host, port=port, size=size, clients=clients, folder=folder))
    owner = Path(host).stat()
    if os.getuid() == 0:  # it will not run as root; the server's socket is its user's alone
        folder.chmod(0o777)
    process = subprocess.Popen(
        [program, "-q", str(config)],
        stderr=subprocess.PIPE,
        text=True,
        **({"user": owner.st_uid, "group": owner.st_gid} if os.getuid() == 0 else {}),
    )
    made = f"postgresql://postgres@127.0.0.1:{port}/{name}"
    try:
        _until_it_answers(process, made)
        yield made
    finally:
        process.terminate()
        process.communicate(timeout=10)


def _until_it_answers(process: "subprocess.Popen[str]", url: str) -> None:
    deadline = time.monotonic() + 30
    while not _answers(url):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
