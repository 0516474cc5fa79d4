"""`plan` where nothing changed, against merely fetching and decoding the same pages, and against octoDNS.

python -m tests.benchmarks.plans [COMPARTMENTS] [DATAMARTS]      10,000 on 20 by default; octoDNS if it is installed

Pages are ready-made and served with 20 ms of latency each, 500 rows a page. The processor's time of octoDNS is that of planning as
many unchanged records as there are compartments, from YAML to YAML, in the same run.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.benchmarks.applies import workspace

LATENCY, PAGE, PARALLELISM, ROUNDS = 0.02, 500, 10, 3


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

    def __init__(self, made: dict[tuple[str, int], bytes]) -> None:
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
                time.sleep(LATENCY)
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


OCTODNS = """\
import time
from pathlib import Path
import sys
root = Path(sys.argv[1]); count = int(sys.argv[2])
(root / "config").mkdir()
(root / "config/example.com.yaml").write_text("---\\n" + "".join(f"r{n}:\\n  type: A\\n  value: 10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}\\n" for n in sorted(range(count), key=lambda n: f"r{n}")))
(root / "c.yaml").write_text(f"providers:\\n  a: {{class: octodns.provider.yaml.YamlProvider, directory: {root}/config, enforce_order: false}}\\n  b: {{class: octodns.provider.yaml.YamlProvider, directory: {root}/config, enforce_order: false}}\\nzones:\\n  example.com.: {{sources: [a], targets: [b]}}\\n")
from octodns.manager import Manager
before = time.process_time()
Manager(str(root / "c.yaml")).sync(dry_run=True)
print(time.process_time() - before)
"""


def octodns(count: int) -> float | None:
    """Seconds of processor of planning so many unchanged records; None if it is not installed."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", OCTODNS, folder, str(count)], check=False, capture_output=True, text=True
        )
        return float(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def main() -> None:
    compartments = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    datamarts = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    resources = compartments * (datamarts + 1)
    made = pages(compartments, datamarts)
    server = Server(made)
    print(
        f"{os.cpu_count()} cores, {compartments:,} compartments on {datamarts} datamarts, {len(made)} pages, {LATENCY * 1000:g} ms",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        import tests.benchmarks.applies as applies

        applies.DATAMARTS = datamarts
        workspace(root / "ws", server.url, compartments, PARALLELISM)
        command = [sys.executable, "-m", "reconciler", "-C", str(root / "ws"), "plan", "--detailed-exitcode"]
        run([sys.executable, "-m", "reconciler", "--version"])
        rounds = []
        for _ in range(ROUNDS):
            limit, before = fetched(server.url, made), server.asked[0]
            rounds.append((limit, *run(command, RECONCILER_TOKEN="t"), server.asked[0] - before))
        limit, took, cpu, peak, asked = (statistics.median(column) for column in zip(*rounds, strict=True))
        print(f"medians of {ROUNDS} rounds; fetching and decoding: {limit:.2f} s")
        print(f"plan: {took:.2f} s, {cpu:.2f} s of processor, {peak:.0f} MB, {asked:.0f} requests")
        print(
            f"  {took / limit:.2f} x fetching and decoding (aim: at most 1.5); {cpu / resources * 1e6:.0f} µs of processor a resource"
        )
    peer = octodns(compartments)
    if peer is None:
        print("octoDNS is not installed: pip install octodns")
    else:
        each, theirs = cpu / resources, peer / compartments
        print(f"octoDNS: {theirs * 1e6:.0f} µs a record, {theirs / each:.1f} x ours (aim: at least 10)")


if __name__ == "__main__":
    main()
