"""`plan` where nothing changed, against merely fetching and decoding the same pages, and against octoDNS.

Pages are ready-made and served with 20 ms of latency each, 500 rows a page. The processor's time of octoDNS is that of planning as
many unchanged records as there are compartments, from YAML to YAML, in the same run.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.benchmarks import octodns
from tests.benchmarks.applies import workspace
from tests.benchmarks.shape import Row, Size, median

LATENCY, PAGE, PARALLELISM = 0.02, 500, 10


def pages(compartments: int, datamarts: int) -> dict[tuple[str, int], bytes]:
    """Every answer, by path and first row."""
    made: dict[tuple[str, int], bytes] = {}

    def add(path: str, rows: list[dict[str, Any]]) -> None:
        # A page begins with the last row of the one before.
        for first in range(0, max(1, len(rows) - 1), PAGE - 1):
            page = rows[first : first + PAGE]
            body = {
                "status": "ok",
                "data": page,
                "count": len(page),
                "total": len(rows),
                "first_result": first,
            }
            made[path, first] = json.dumps(body).encode()

    head = {"organisation_id": "1185", "archived": False}
    add(
        "/v1/datamarts",
        [{"id": str(7000 + n), "name": f"m{n}", "type": "DATAMART", **head} for n in range(datamarts)],
    )
    rows = [{"id": str(1000 + n), "token": f"c{n}", "name": f"C {n}", **head} for n in range(compartments)]
    add("/v1/user_account_compartments", rows)
    for d in range(datamarts):
        active = [
            {"id": str(10**6 + d * compartments + n), "datamart_id": str(7000 + d), "compartment_id": str(1000 + n), "default": False}
            for n in range(compartments)
        ]  # fmt: skip
        add(f"/v1/datamarts/{7000 + d}/compartments", active)
    return made


class Server:
    """Serves them from a thread of its own process."""

    def __init__(self, made: dict[tuple[str, int], bytes], latency: float = LATENCY) -> None:
        self.made = made = dict(made)
        asked = self.asked = [0]

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                first = int(parse_qs(parts.query).get("first_result", ["0"])[0])
                body = made.get(
                    (parts.path.rstrip("/"), first), b'{"status":"ok","data":[],"count":0,"total":0}'
                )
                asked[0] += 1
                time.sleep(latency)
                head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                self.wfile.write(head.encode() + body)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


def fetched(url: str, made: dict[tuple[str, int], bytes]) -> float:
    """Seconds to fetch and decode every page, as many at once as plan does."""
    local = threading.local()

    def get(key: tuple[str, int]) -> int:
        if not hasattr(local, "client"):
            local.client = httpx.Client(base_url=url, headers={"Authorization": "t"}, trust_env=False)
        answer = local.client.get(key[0], params={"first_result": key[1], "max_results": PAGE})
        return len(json.loads(answer.content)["data"])

    begun = time.perf_counter()
    with ThreadPoolExecutor(PARALLELISM) as pool:
        list(pool.map(get, made))
    return time.perf_counter() - begun


def run(command: list[str], **env: str) -> tuple[float, float, float]:
    """Seconds, seconds of processor, and peak MB of a command that has to succeed."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **env}, check=False, capture_output=True, text=True)
    took, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr[-2000:]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return took, cpu, after.ru_maxrss / 1000


def plan(size: Size) -> Iterator[Row]:
    """Time and memory of `plan` where nothing changed, and the processor's time a resource."""
    compartments, datamarts = size.compartments, size.datamarts
    made = pages(compartments, datamarts)
    server = Server(made)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        workspace(root / "ws", server.url, compartments, PARALLELISM, datamarts)
        command = [sys.executable, "-m", "reconciler", "-C", str(root / "ws"), "plan", "--detailed-exitcode"]
        zone = octodns.records(root / "theirs", compartments, one_file=True)
        run([sys.executable, "-m", "reconciler", "--version"])
        rounds, theirs = [], []
        for _ in range(size.rounds):
            limit, before = fetched(server.url, made), server.asked[0]
            rounds.append((limit, *run(command, RECONCILER_TOKEN="t"), server.asked[0] - before))
            theirs += [octodns.planning(zone)] if octodns.INSTALLED else []
    limit, took, cpu, peak, asked = (median(list(column)) for column in zip(*rounds, strict=True))
    name = f"plan, {compartments:,} compartments on {datamarts} datamarts, no change"
    yield Row(name, took, "s", "fetch and decode the same pages", limit, most=1.5)
    yield Row("plan: requests", asked, "requests", "pages of 500", len(made), most=1.0)
    yield Row("plan: memory", peak, "MB", "bytes of the pages", sum(map(len, made.values())) / 1e6)
    each = cpu / (compartments * (datamarts + 1)) * 1e6
    record = median(theirs) / compartments * 1e6 if theirs else octodns.MISSING
    yield Row("plan: processor, one resource", each, "us", "octodns-sync, one record", record, most=0.1)
