"""Rows of a source that is read once, where the reading ends in the middle: by an error, by Ctrl-C, by a kill.

What a process can still remove it removes; what it cannot is readable by its owner only, and goes with the next run or `clean`.
"""

import http.server
import os
import signal
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.workspace import Workspace, kill

PLANTED = b"planted-person-"
SOURCE = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {{name: crm}}
spec:
  {where}
  datamarts: retail-fr
  identify_by: {{compartment: loyalty, user_account_id: id}}
  update: {{force_replace: true}}
  {more}
"""
SQL = 'sql: {{url: "sqlite:///crm.db", query: "{query}"}}'
ROWS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {last}) "
    "SELECT (SELECT word FROM words) || i AS id{more} FROM n"
)
ENDLESS = SQL.format(query=ROWS.format(last=100_000_000, more=""))
SILENT = SQL.format(  # some rows, and then none for ever
    query=ROWS.format(last=20_000, more="")
    + " UNION ALL SELECT (WITH RECURSIVE m(j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM m) SELECT count(*) FROM m)"
)
FAILS = SQL.format(  # in row 5,000, when others are written
    query=ROWS.format(last=9000, more=", CASE WHEN i = 5000 THEN abs(-9223372036854775807 - 1) END AS n")
)
FINE = SQL.format(query=ROWS.format(last=20, more=""))
APPLY, CHECK = ("apply", "--auto-approve"), ("source", "check", "crm")
CLEAN = ("clean", "--remove", "--auto-approve")


class Web:
    """A web server that promises nothing: it begins to send a table, and then waits, or ends too early."""

    def __init__(self) -> None:
        self.waits, web, self.go_on = True, self, threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "100000000")
                self.end_headers()
                if self.command == "HEAD":
                    return
                rows = b"".join(PLANTED + b"%d\n" % n for n in range(200_000))
                self.wfile.write(b"id\n" + rows)
                if web.waits:
                    web.go_on.wait(60)

            do_HEAD = do_GET  # noqa: N815 - a name of http.server

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/crm.csv"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.go_on.set()
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def crm(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace; its temporary folder and its cache are its own, to be looked into."""
    with sqlite3.connect(workspace.root / "crm.db") as db:
        db.execute("CREATE TABLE words AS SELECT ? AS word", (PLANTED.decode(),))
    db.close()
    for name in ("TMPDIR", "XDG_CACHE_HOME"):
        (tmp_path / name).mkdir()
        workspace.env[name] = str(tmp_path / name)
    return workspace


def declare(crm: Workspace, where: str, more: str = "") -> None:
    crm.write("specs/crm.yaml", SOURCE.format(where=where, more=more))


def planted(crm: Workspace) -> list[Path]:
    """Files anywhere a run may write that hold rows of the source."""
    places = (crm.root / ".reconciler", *(Path(crm.env[n]) for n in ("TMPDIR", "XDG_CACHE_HOME")))
    return [p for place in places for p in place.rglob("*") if p.is_file() and PLANTED in p.read_bytes()]


def reading(crm: Workspace, command: tuple[str, ...]) -> Any:
    """A command that has begun to write what it reads."""
    process = crm.start(*command)
    deadline = time.monotonic() + 60
    while not planted(crm):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def is_private(path: Path, root: Path) -> bool:
    """True if no one but its owner can read a file, or list the folders of ours that it lies in."""
    folders = [p for p in path.parents if p.is_relative_to(root / ".reconciler")]
    modes = [stat.S_IMODE(p.stat().st_mode) for p in (path, *folders)]
    return bool(folders) and modes[0] & 0o177 == 0 and all(m & 0o077 == 0 for m in modes[1:])


@pytest.mark.parametrize("command", [APPLY, CHECK], ids=" ".join)
@pytest.mark.parametrize("of", ["sql", "web"])
def test_an_error_in_the_middle_leaves_nothing(
    of: str, command: tuple[str, ...], crm: Workspace, web: Web
) -> None:
    web.waits = False
    declare(crm, FAILS if of == "sql" else f'files: ["{web.url}"]')
    done = crm.run(*command)
    assert done.code in (1, 3), done
    assert planted(crm) == []
    assert PLANTED.decode() not in done.out + done.err
    assert crm.run("clean").out == "Nothing can be removed.\n"


@pytest.mark.parametrize(
    ("of", "command", "number"),
    [
        ("sql", APPLY, signal.SIGINT),
        ("sql", APPLY, signal.SIGTERM),
        ("sql", CHECK, signal.SIGINT),
        ("sql", CHECK, signal.SIGTERM),
        ("silence", APPLY, signal.SIGINT),  # nothing can be asked to stop, so the process ends at once
        ("web", CHECK, signal.SIGTERM),
    ],
)
def test_an_interruption_in_the_middle_leaves_nothing(
    of: str, command: tuple[str, ...], number: signal.Signals, crm: Workspace, web: Web
) -> None:
    declare(crm, {"sql": ENDLESS, "silence": SILENT, "web": f'files: ["{web.url}"]'}[of])
    process = reading(crm, command)
    while of == "silence" and any(b"person-18000" not in p.read_bytes() for p in planted(crm)):
        time.sleep(0.05)
    time.sleep(0.5 if of == "silence" else 0)  # all of them are there, or wait for more to be written
    begun = time.monotonic()
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - begun < 12, "an interrupted run ends within seconds"
    assert process.returncode in (128 + number, 3), (process.returncode, out, err)
    assert PLANTED.decode() not in out + err
    assert planted(crm) == []
    assert crm.run("clean").out == "Nothing can be removed.\n"


@pytest.mark.parametrize(
    ("of", "command", "sweep"),
    [("sql", APPLY, CHECK), ("sql", CHECK, APPLY), ("sql", APPLY, CLEAN), ("web", APPLY, APPLY), ("web", CHECK, CLEAN)],
)  # fmt: skip
def test_what_a_kill_leaves_is_private_and_goes_with_the_next_run_or_with_clean(
    of: str, command: tuple[str, ...], sweep: tuple[str, ...], crm: Workspace, web: Web
) -> None:
    mask = os.umask(0)  # as careless as can be
    try:
        declare(crm, ENDLESS if of == "sql" else f'files: ["{web.url}"]')
        assert kill(reading(crm, command), group=True, after=0.0)
    finally:
        os.umask(mask)
    left = planted(crm)
    assert left
    assert [p for p in left if not is_private(p, crm.root)] == []
    shown = crm.run("clean")
    assert shown.code == 0, shown
    assert PLANTED.decode() not in shown.out + shown.err
    assert planted(crm) == left, "shown, and not removed"
    declare(crm, FINE)
    done = crm.run(*sweep)
    assert done.code == 0, done
    assert planted(crm) == []
    assert crm.run("clean").out == "Nothing can be removed.\n"
