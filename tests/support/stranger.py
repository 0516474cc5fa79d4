"""A second, unfriendly remote, written from the contract alone and unlike the sandbox wherever the contract leaves a choice.

Plain http.server threads; numbers as ids; lists that are not paginated and carry only a count; 201 for creations; bare
execution rows, oldest first; listings that lag; and a storm: each request may be dropped before or after its effect,
answered with HTML, 429, 500, a truncated body, or a 2xx that says error.
"""

import json
import random
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Row = dict[str, Any]
STORMS = ("drop_before", "drop_after", "html", "429", "500", "502_after", "truncated", "error_in_2xx")


class Stranger:
    """State, and the knobs of the storm."""

    def __init__(self, seed: int, *, storm: float, lag: float, paged: int | None) -> None:
        self.dice, self.storm, self.lag, self.paged = random.Random(seed), storm, lag, paged
        self.lower_tokens = False
        self.lock = threading.Lock()
        self.next_id = 5000
        self.compartments: list[Row] = [
            {"id": 1000, "organisation_id": 1185, "token": "default", "name": None}
        ]
        self.activations: dict[str, list[Row]] = {
            d: [{"id": 1, "compartment_id": 1000, "default": True}] for d in ("1509", "1510")
        }
        self.imports: dict[str, list[Row]] = {"1509": [], "1510": []}
        self.executions: dict[str, list[Row]] = {}
        self.bodies: list[bytes] = []
        self.unseen: dict[int, int] = {}  # executions that so many listings will not show yet
        self.slow: float | None = None  # uploads lose their answer, and take effect so many seconds later
        self.slow_ones: list[threading.Timer] = []
        self.upper_names = False  # imports are not called what was asked for
        self.meanwhile: list[tuple[int, Callable[[], None]]] = []  # what somebody does after so many requests
        stranger = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                stranger.answer(self)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 - names of http.server

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        size = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(size) if size else b""
        if len(body) != size:  # cut off: it never happened
            handler.close_connection = True
            return None
        if (
            self.slow is not None
            and handler.command == "POST"
            and handler.path.partition("?")[0].endswith("/executions")
        ):
            self.arrive_later(self.slow, handler.path, body)
            handler.close_connection = True
            return None
        with self.lock:
            due = [act for left, act in self.meanwhile if left <= 0]
            self.meanwhile = [(left - 1, act) for left, act in self.meanwhile if left > 0]
            for act in due:
                act()
            fate = self.dice.choice(STORMS) if self.dice.random() < self.storm else ""
            before = {
                "drop_before": None,
                "html": (200, b"<html>maintenance</html>"),
                "429": (429, b"slow down"),
                "500": (500, b"{}"),
            }
            if fate in before:
                return self.send(handler, before[fate])
            status, reply = self.route(handler.command, handler.path, body)
        raw = json.dumps(reply).encode()
        after = {
            "drop_after": None,
            "502_after": (502, b"<html>Bad Gateway</html>"),
            "truncated": (status, raw[: len(raw) // 2]),
            "error_in_2xx": (200, b'{"status":"error","error":"oops"}'),
        }
        self.send(handler, after.get(fate, (status, raw)))
        return None

    def arrive_later(self, seconds: float, path: str, body: bytes) -> None:
        """An upload that outlives its connection: it is all there, somewhere on the way."""

        def arrive() -> None:
            with self.lock:
                self.route("POST", path, body)

        timer = threading.Timer(seconds, arrive)
        timer.daemon = True
        self.slow_ones.append(timer)
        timer.start()

    def arrived(self) -> None:
        """Wait until nothing is on its way."""
        for timer in self.slow_ones:
            timer.join()
        self.slow_ones = []

    def send(self, handler: BaseHTTPRequestHandler, reply: tuple[int, bytes] | None) -> None:
        if reply is None:
            handler.close_connection = True
            return
        handler.send_response(reply[0])
        handler.send_header("Content-Length", str(len(reply[1])))
        if reply[0] == 429:
            handler.send_header("Retry-After", "0")
        handler.end_headers()
        handler.wfile.write(reply[1])

    def new(self, row: Row) -> Row:
        self.next_id += 1
        return {"id": self.next_id, **row, "at": time.time()}

    def listing(self, rows: list[Row], query: str) -> tuple[int, Row]:
        seen = [
            {k: v for k, v in r.items() if k != "at"}
            for r in rows
            if time.time() - r.get("at", 0) >= self.lag
        ]
        if self.paged is None:
            return 200, {"status": "ok", "data": seen, "count": len(seen)}
        first = int((re.search(r"first_result=(\d+)", query) or [0, "0"])[1])
        page = seen[first : first + self.paged]
        return 200, {"status": "ok", "data": page, "count": len(page), "total": len(seen)}

    def route(self, method: str, target: str, body: bytes) -> tuple[int, Row]:
        path, _, query = target.partition("?")
        given = json.loads(body) if body[:1] == b"{" and "executions" not in path else {}
        m = re.fullmatch(
            r"/v1/datamarts(?:/(\d+)/(compartments|document_imports)(?:/(\d+)(/executions)?)?)?/?", path
        )
        if path.startswith("/v1/user_account_compartments"):
            return self.compartment(method, path.rstrip("/"), query, given)
        if m is None:
            return 404, {"status": "error", "error": "Resource Not Found"}
        datamart, kind, identity, executions = m.groups()
        if datamart is None:
            rows: list[Row] = [
                {"id": int(d), "name": d, "organisation_id": 1185, "type": "DATAMART", "archived": False}
                for d in self.imports
            ]
            return self.listing(rows, query)
        rows = self.activations[datamart] if kind == "compartments" else self.imports[datamart]
        if executions:
            return self.execute(method, str(identity), query, body)
        if method == "GET":
            return self.listing(rows, query)
        if method == "DELETE":
            gone = [r for r in rows if str(r["id"]) == identity]
            rows[:] = [r for r in rows if r not in gone]
            return (
                (200, {"status": "ok", "data": gone[0]})
                if gone
                else (404, {"status": "error", "error": "Gone"})
            )
        if method == "PUT":
            for row in rows:
                row["default"] = str(row["id"]) == identity
            return 200, {"status": "ok", "data": {"id": int(identity)}}
        row = self.new(
            {"compartment_id": int(given["compartment_id"]), "default": False}
            if kind == "compartments"
            else {"name": given["name"].upper() if self.upper_names else given["name"]}
        )
        rows.append(row)
        if given.get("default"):
            for other in rows:
                other["default"] = other is row
        return 201, {"status": "ok", "data": row}

    def compartment(self, method: str, path: str, query: str, given: Row) -> tuple[int, Row]:
        identity = path.removeprefix("/v1/user_account_compartments").strip("/")
        if identity:
            row = next(r for r in self.compartments if str(r["id"]) == identity)
            row.update(given if method == "PUT" else {})
            return 200, {"status": "ok", "data": row}
        if method == "GET":
            return self.listing(self.compartments, query)
        row = self.new(
            {
                "organisation_id": int(given["organisation_id"]),
                "token": given["token"].lower() if self.lower_tokens else given["token"],
                "name": given["name"],
            }
        )
        self.compartments.append(row)
        return 201, {"status": "ok", "data": row}

    def execute(self, method: str, identity: str, query: str, body: bytes) -> tuple[int, Row]:
        rows = self.executions.setdefault(identity, [])
        if method == "GET":
            for row in rows:
                row["status"] = "SUCCEEDED" if time.time() - row["at"] > 0.2 else "RUNNING"
            hidden = [row["id"] for row in rows if self.unseen.get(row["id"], 0) > 0]
            self.unseen |= {identity: self.unseen[identity] - 1 for identity in hidden}
            return self.listing([row for row in rows if row["id"] not in hidden], query)
        rows.append(self.new({"status": "PENDING"}))
        self.bodies.append(body)
        return 202, {"status": "ok", "data": {"id": rows[-1]["id"]}}
