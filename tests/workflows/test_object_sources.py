"""Objects behind URLs as sources, end to end: S3 (moto), and web servers with and without a strong validator."""

import gzip
import hashlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import moto.backends
import obstore
import polars
import pytest
from moto.server import ThreadedMotoServer
from obstore.store import S3Store

from reconciler.api.answers import Answer, Verdict
from reconciler.bulk.sources import object_store
from reconciler.cli.wiring import cluster_worker, destination
from tests.support.emulator import Emulator
from tests.support.served import served
from tests.support.workspace import Workspace, kill
from tests.workflows.test_sender import Sink, job

SOURCE = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {{name: crm}}
spec:
  files: [{files}]
  datamarts: retail-fr
  identify_by: {{compartment: loyalty, user_account_id: id}}
  update: {{force_replace: true}}
  chunk: {{max_bytes: 20000}}
"""
ROWS = 1500


def csv(mark: str, rows: int = ROWS) -> bytes:
    return ("id,tier\n" + "".join(f"c{n:05d},{mark}\n" for n in range(rows))).encode()


@pytest.fixture
def bucket(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Store]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    httpx.post(f"{url}/moto-api/reset")  # what an earlier test of this process put is kept otherwise
    httpx.put(f"{url}/crm-exports")
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "us-east-1"}
    workspace.env |= {**keys, "AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true"}
    for name, value in workspace.env.items():
        monkeypatch.setenv(name, value)
    object_store._store.cache_clear()  # it has the endpoint of the test before
    yield S3Store("crm-exports", client_options={"allow_http": True})
    server.stop()


def test_a_worker_that_sends_knows_nothing_of_an_object_that_was_replaced(
    bucket: S3Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A worker of a cluster outlives a command; the next one sends what is there by then."""
    seen: list[bytes] = []

    def upload(*_: object) -> Answer:
        with object_store.open_object("s3://crm-exports/a.csv") as file:
            seen.append(file.read())
        return Answer(Verdict.DONE, "")

    monkeypatch.setattr(cluster_worker, "upload", upload)
    reference = destination.Credential(None, (), None, any_token=True)
    errand = cluster_worker.Errand(
        job=job(tmp_path, Sink(), 1), credential=reference, run="r", ticket="t", limit=1.0
    )
    for content in (b"id\none\n", b"id\nanother\n"):
        obstore.put(bucket, "a.csv", content)
        assert cluster_worker.upload_on_worker(errand).answer.verdict is Verdict.DONE
    assert seen == [b"id\none\n", b"id\nanother\n"]


def tiers(emulator: Emulator) -> dict[str, int]:
    found: dict[str, int] = {}
    for _, _, body in emulator.profiles("1509"):
        tier = json.loads(body)["tier"]
        found[tier] = found.get(tier, 0) + 1
    return found


def test_a_bucket_of_csv_gzip_and_parquet(workspace: Workspace, emulator: Emulator, bucket: S3Store) -> None:
    obstore.put(bucket, "day/2026/a.csv", csv("plain"))
    obstore.put(bucket, "day/2026/b.csv.gz", gzip.compress(csv("packed", 900).replace(b"c0", b"d0")))
    obstore.put(bucket, "day/other.txt", b"not matched")
    workspace.write(
        "specs/crm.yaml",
        SOURCE.format(files='"s3://crm-exports/day/**/*.csv", "s3://crm-exports/**/b.csv.gz"'),
    )
    checked = workspace.run("source", "check", "crm")
    assert checked.code == 0, checked.out
    assert "2,400 rows" in checked.out
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert tiers(emulator) == {"plain": 1500, "packed": 900}
    assert workspace.run("plan", "--detailed-exitcode").code == 0

    frame = polars.DataFrame({"id": [f"e{n}" for n in range(ROWS)], "tier": ["columns"] * ROWS})
    frame.write_parquet(workspace.root / "x.parquet")
    obstore.put(bucket, "x.parquet", workspace.root / "x.parquet")
    workspace.write("specs/crm.yaml", SOURCE.format(files='"s3://crm-exports/x.parquet"'))
    assert workspace.run("apply", "--auto-approve").code == 0
    assert tiers(emulator)["columns"] == ROWS


ODD = [
    "part.csv", "part.csv#2", "part.csv?x", "a b.csv", "a%20b.csv", "é/ü.csv", "a+b&c=d.csv", "[2026] a.csv", "2 a.csv",
    "😀 é.csv", "q'u\"o.csv", "back\\slash.csv", "100%.csv", "~t.csv", "part-10.csv", "part-2.csv", "day/.hidden.csv", "day/.a.csv.crc",
]  # fmt: skip


def test_keys_are_taken_literally_each_is_read_once_and_markers_are_none(
    workspace: Workspace, emulator: Emulator, bucket: S3Store
) -> None:
    for number, key in enumerate(ODD):
        obstore.put(bucket, key, f"id,tier\nc{number},{number}\n".encode())
    for marker in ("day/_SUCCESS", "_SUCCESS", "day"):
        obstore.put(bucket, marker, b"")

    def sent(*patterns: str) -> set[str]:
        files = ", ".join(json.dumps(f"s3://crm-exports/{p}", ensure_ascii=False) for p in patterns)
        workspace.write(
            "specs/crm.yaml", SOURCE.format(files=files).replace("  datamarts", "  format: csv\n  datamarts")
        )
        checked = workspace.run("source", "check", "crm", "-o", "json")
        assert checked.code == 0, checked
        (read,) = json.loads(checked.out)["reads"]
        shown = {f.removeprefix("s3://crm-exports/") for f in read["files"]}
        assert read["lines"] == len(shown) == read["sent"]
        return shown

    whole = {k for k in ODD if not k.startswith("day/")}
    assert sent("**") == whole
    assert sent("*") == {k for k in whole if "/" not in k}
    assert sent("part.csv?*") == {"part.csv#2", "part.csv?x"}
    assert sent("part-?.csv") == {"part-2.csv"}
    assert sent("[2026] a.csv") == {"[2026] a.csv"}
    for key in whole - {"part.csv?x"}:
        assert sent(key) == {key}
    assert sent("day/.hidden.csv") == {"day/.hidden.csv"}


def test_ten_thousand_objects_are_listed_in_natural_order(bucket: S3Store) -> None:
    backend = moto.backends.get_backend("s3")["123456789012"]["global"]
    for number in range(10_000):
        backend.put_object("crm-exports", f"many/part-{number}.csv", b"id,tier\n")
    object_store.forget()
    names = object_store.find("s3://crm-exports/many/*.csv")
    assert names == tuple(f"s3://crm-exports/many/part-{n}.csv" for n in range(10_000))


def test_an_object_that_changes_is_new_content_and_a_plan_made_before_is_stale(
    workspace: Workspace, emulator: Emulator, bucket: S3Store
) -> None:
    obstore.put(bucket, "a.csv", csv("v1"))
    workspace.write("specs/crm.yaml", SOURCE.format(files='"s3://crm-exports/a.csv"'))
    plan = str(workspace.root / "p.json")
    assert workspace.run("plan", "--out", plan).code == 0
    obstore.put(bucket, "a.csv", csv("v2"))
    stale = workspace.run("apply", plan)
    assert stale.code == 4, stale
    assert "the source changed since it was planned" in stale.err
    assert workspace.run("apply", "--auto-approve").code == 0
    assert tiers(emulator) == {"v2": ROWS}


def test_a_load_from_a_bucket_is_resumed(workspace: Workspace, emulator: Emulator, bucket: S3Store) -> None:
    obstore.put(bucket, "a.csv", csv("v1"))
    workspace.write("specs/crm.yaml", SOURCE.format(files='"s3://crm-exports/a.csv"'))
    emulator.switch(running_seconds=0.2)
    kill(workspace.start("apply", "--auto-approve", "--parallelism", "2"), group=True, after=2.5)
    emulator.switch(running_seconds=0.0)
    assert workspace.run("apply", "--auto-approve").code == 0
    assert all(len(e) == 1 for n, e in emulator.executions("1509").items() if "sealed" not in n)
    assert tiers(emulator) == {"v1": ROWS}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ('"s3://crm-exports/nothing.csv"', "the object does not exist"),
        ('"s3://crm-exports/no*.csv"', "no object matches"),
        ('"s3://crm-exports/broken.csv.gz"', "cannot read s3://crm-exports/broken.csv.gz"),
        ('"http://127.0.0.1:9/x.csv"', "cannot read http://127.0.0.1:9/x.csv"),
        ('"http://127.0.0.1:9/*.csv"', "files on a web server cannot be listed"),
    ],
)
def test_what_cannot_be_read_is_said_in_words_of_our_own(
    files: str, words: str, workspace: Workspace, bucket: S3Store
) -> None:
    obstore.put(bucket, "broken.csv.gz", gzip.compress(csv("x"))[:200])
    workspace.write("specs/crm.yaml", SOURCE.format(files=files))
    done = workspace.run("plan", timeout=300)
    assert done.code == 1, done
    assert words in " ".join(done.err.split())


@pytest.mark.parametrize(
    "url", ["ftp://x/a.csv", "https://me@x/a.csv", "https://x/a.csv?sig=abc", "s3://k:s@b/a.csv"]
)
def test_urls_that_are_refused_offline(url: str, workspace: Workspace) -> None:
    workspace.write("specs/crm.yaml", SOURCE.format(files=f'"{url}"'))
    done = workspace.run("validate")
    assert done.code == 1
    assert "source-url" in done.err


class Web:
    """A web server with one file; `validator` says whether it promises that bytes stay the same."""

    def __init__(self, validator: bool) -> None:
        self.body, self.gets = csv("v1"), 0
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                tag = f'"{hashlib.sha256(web.body).hexdigest()}"'
                if validator and self.headers.get("If-Match", tag) != tag:
                    self.send_response(412)
                    self.end_headers()
                    return
                web.gets += self.command == "GET"
                part, wanted = web.body, self.headers.get("Range")
                if wanted and validator:
                    first, last = wanted.removeprefix("bytes=").split("-")
                    part = web.body[int(first) : int(last) + 1]
                    self.send_response(206)
                    self.send_header(
                        "Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(web.body)}"
                    )
                else:
                    self.send_response(200)
                self.send_header("ETag", tag if validator else f"W/{tag}")
                self.send_header("Last-Modified", "Wed, 25 Nov 2026 12:00:00 GMT")
                self.send_header("Content-Length", str(len(part)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(part)

            do_HEAD = do_GET  # noqa: N815 - a name of http.server

        self.server, address = served(Handler)
        self.url = f"{address}/exports/crm.csv"


@pytest.fixture
def web() -> Iterator[Callable[[bool], Web]]:
    made: list[Web] = []

    def make(validator: bool) -> Web:
        made.append(Web(validator))
        return made[-1]

    yield make
    for server in made:
        server.server.shutdown()
        server.server.server_close()


def test_a_web_server_with_a_strong_validator_is_read_as_often_as_needed(
    web: Callable[[bool], Web], workspace: Workspace, emulator: Emulator
) -> None:
    server = web(True)
    workspace.write("specs/crm.yaml", SOURCE.format(files=f'"{server.url}"'))
    assert workspace.plan()["loads"][0]["lines"] == ROWS
    assert workspace.run("apply", "--auto-approve").code == 0
    assert tiers(emulator) == {"v1": ROWS}
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_a_web_server_without_one_is_read_once_by_apply(
    web: Callable[[bool], Web], workspace: Workspace, emulator: Emulator
) -> None:
    server = web(False)
    workspace.write("specs/crm.yaml", SOURCE.format(files=f'"{server.url}"'))
    assert workspace.plan()["loads"][0]["after_unknown"]["lines"] is True
    assert server.gets == 0
    assert workspace.run("apply", "--auto-approve").code == 0
    assert server.gets == 1
    assert tiers(emulator) == {"v1": ROWS}
    assert list(Path(workspace.root / ".reconciler/spool").iterdir()) == []
    server.body = csv("v2")
    assert workspace.run("apply", "--auto-approve").code == 0
    assert tiers(emulator) == {"v2": ROWS}


class Plain:
    """A web server that answers a GET as it is told to."""

    def __init__(
        self, *, head: int = 200, length: bool = True, tag: bool = False, chunked: bool = False
    ) -> None:
        self.body, self.gets, self.cut, self.status = csv("v1"), 0, 0, 200
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1" if chunked else "HTTP/1.0"

            def log_message(self, *_: Any) -> None:
                pass

            def do_HEAD(self) -> None:
                self.send_response(head)
                self._headers()

            def do_GET(self) -> None:
                web.gets += 1
                self.send_response(web.status)
                self._headers()
                body = web.body[: len(web.body) - web.cut]
                self.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body)

            def _headers(self) -> None:
                if tag:
                    self.send_header("ETag", '"strong"')
                if chunked:
                    self.send_header("Transfer-Encoding", "chunked")
                elif length:
                    self.send_header("Content-Length", str(len(web.body)))
                self.send_header("Connection", "close")
                self.end_headers()

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/exports/crm%20é.csv"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.mark.parametrize(
    "answers",
    [{"length": False}, {"tag": True}, {"head": 405}, {"head": 501, "length": False}, {"chunked": True}, {"chunked": True, "tag": True}],
    ids=str,
)  # fmt: skip
def test_web_servers_that_promise_little_are_read_whole(
    answers: dict[str, Any], workspace: Workspace, emulator: Emulator
) -> None:
    server = Plain(**answers)
    workspace.write("specs/crm.yaml", SOURCE.format(files=f'"{server.url}"'))
    assert workspace.plan()["loads"][0]["after_unknown"]["lines"] is True
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert tiers(emulator) == {"v1": ROWS}
    server.server.shutdown()
    server.server.server_close()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"body": b"<!DOCTYPE html>\n<html><body>Sign in</body></html>"}, "answered with a page of HTML"),
        ({"cut": 100}, "the answer was interrupted"),
        ({"status": 503}, "answered 503"),
    ],
)
@pytest.mark.parametrize("answers", [{}, {"head": 405}, {"tag": True}], ids=str)
def test_what_a_web_server_gives_wrongly_is_told_with_its_address(
    answers: dict[str, Any], fields: dict[str, Any], words: str, workspace: Workspace, emulator: Emulator
) -> None:
    server = Plain(**answers)
    for name, value in fields.items():
        setattr(server, name, value)
    workspace.write("specs/crm.yaml", SOURCE.format(files=f'"{server.url}"'))
    done = workspace.run("apply", "--auto-approve")
    assert done.code in (1, 3), done
    told = " ".join((done.out + done.err).split())
    assert words in told
    assert f"cannot read {server.url}" in told
    assert emulator.executions("1509") == {}
    server.server.shutdown()
    server.server.server_close()
