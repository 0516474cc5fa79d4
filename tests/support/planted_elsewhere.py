"""More places where secrets are planted: programs of the user, rollouts, the pages of `watch`, spans of OpenTelemetry, schemas."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from tests.support.emulator import Emulator
from tests.support.receiver import Receiver
from tests.support.workspace import Workspace

PAGES = ("/metrics", "/readyz", "/healthz")
ROLLOUT = """\
apiVersion: reconciler/v1
kind: Rollout
metadata: {name: default}
spec:
  waves:
    - {name: canary, datamarts: retail-fr, gates: {max_failed_lines: 1000, command: {run: [sh, gate.sh]}}}
    - {name: everyone, datamarts: rest}
"""
Step = Callable[[Workspace, Emulator], str]


def watched(workspace: Workspace, _: Emulator) -> str:
    """What `watch` shows in two looks: its pages and its log."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    words = ("--every", "1s", "--jitter", "0", "--listen", f"127.0.0.1:{port}")
    process = workspace.start("watch", *words, "--request-log", str(workspace.root / "requests.ndjson"))
    found, deadline, looked = list[str](), time.monotonic() + 120, 0.0
    while looked < 2 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.3)
        pages = [_page(f"http://127.0.0.1:{port}{page}") for page in PAGES]
        found = pages if all(pages) else found
        lines = [line for line in pages[0].splitlines() if line.startswith("reconciler_observations_total")]
        looked = sum(float(line.split()[-1]) for line in lines)
    assert found, "it never listened"
    if process.poll() is None:
        os.kill(process.pid, signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    return "\n".join((*found, out, err))


def _page(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as e:
        return e.read().decode()
    except OSError:
        return ""


def traced(*words: str) -> Step:
    """A command in a process of its own, with all that a receiver of OpenTelemetry got of it."""

    def step(workspace: Workspace, _: Emulator) -> str:
        receiver = Receiver()
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("RECONCILER_", "OTEL_")) and k != "CI"
        }
        try:
            done = subprocess.run(
                [sys.executable, "-m", "reconciler", "-C", str(workspace.root), *words],
                env={**kept, **workspace.env, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "NO_PROXY": "127.0.0.1"},
                capture_output=True, text=True, check=False, timeout=300,
            )  # fmt: skip
            assert receiver.bodies, done
            spans = "\n".join(b.decode("latin-1").translate(_BINARY) for b in receiver.bodies)
            return f"{spans}\n{done.stdout}{done.stderr}"
        finally:
            receiver.close()

    return step


_BINARY = dict.fromkeys((*range(32), *range(127, 256)), " ")  # lengths and tags of the wire format
