"""`watch`: what it shows is what is there, it goes on after a failed look, ends at once, and never writes."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.output.metrics import Metrics
from reconciler.cli.wiring.watch_server import address
from reconciler.errors import UsageError
from reconciler.model.observation import Observation
from reconciler.workflows.watch import Watch, pause_s, watch
from tests.support.emulator import Emulator
from tests.support.workspace import TOKEN, Workspace

MONITORING = Path(__file__).parents[2] / "examples" / "monitoring"
LABELLED = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


class Watcher:
    def __init__(self, workspace: Workspace, port: int, *args: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        options = ("--every", "1s", "--jitter", "0", "--listen", f"127.0.0.1:{port}", *args)
        self.process = workspace.start("watch", *options)

    def get(self, page: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"{self.url}{page}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()
        except OSError:
            return 0, ""

    def metrics(self) -> dict[tuple[str, str], float]:
        return {
            (name, labels): float(value) for name, labels, value in LABELLED.findall(self.get("/metrics")[1])
        }

    def until(self, holds: Callable[[dict[tuple[str, str], float]], object]) -> dict[tuple[str, str], float]:
        deadline = time.monotonic() + 25
        while not holds(found := self.metrics()):
            assert time.monotonic() < deadline, found
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.05)
        return found

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float, list[dict[str, Any]]]:
        begun = time.monotonic()
        os.kill(self.process.pid, number)
        out, err = self.process.communicate(timeout=30)
        assert TOKEN not in out + err
        assert out == ""
        return self.process.returncode, time.monotonic() - begun, [json.loads(x) for x in err.splitlines()]


@contextmanager
def watching(workspace: Workspace, *args: str) -> Iterator[Watcher]:
    watcher = Watcher(workspace, free_port(), *args)
    try:
        yield watcher
    finally:
        if watcher.process.poll() is None:
            os.kill(watcher.process.pid, signal.SIGKILL)
            watcher.process.wait()


def ok(times: int) -> Callable[[dict[tuple[str, str], float]], bool]:
    return lambda m: m.get(("reconciler_observations_total", 'result="ok"'), 0) >= times


def test_it_shows_what_is_there_and_never_writes(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(50)
    emulator.quarantine("c000003", "c000004")
    assert workspace.run("apply", "--auto-approve").code == 3
    written = len(emulator.writes())
    ledger = (workspace.root / ".reconciler" / "ledger.db").read_bytes()
    loyalty = next(c["id"] for c in emulator.compartments() if c["token"] == "loyalty")
    row = next(a["id"] for a in emulator.activations("1510") if a["compartment_id"] == loyalty)
    emulator.store.remove("activation", row)  # in the console
    workspace.customers(60, mark="v2")
    with watching(workspace) as watcher:
        found = watcher.until(ok(3))
        status, _ = watcher.get("/readyz")
        assert (status, watcher.get("/healthz")[0], watcher.get("/other")[0]) == (200, 200, 404)
        head = urllib.request.Request(f"{watcher.url}/metrics", method="HEAD")
        with urllib.request.urlopen(head, timeout=5) as answer:
            assert (answer.status, int(answer.headers["Content-Length"]) > 0, answer.read()) == (
                200,
                True,
                b"",
            )
        code, took, log = watcher.stop()
    assert found["reconciler_failed_rows", 'datamart="retail-fr",source="customers"'] == 2
    assert found["reconciler_last_success_timestamp_seconds", 'datamart="retail-fr"'] > time.time() - 120
    assert (
        found["reconciler_pending_changes", 'action="execute",datamart="retail-fr",kind="ProfileSource"'] == 1
    )
    assert found["reconciler_in_sync", 'datamart="retail-fr"'] == 0
    assert found["reconciler_in_sync", 'datamart="retail-de"'] == 0
    assert found["reconciler_drift", 'kind="Activation"'] == 1
    assert found["reconciler_drift", 'kind="Compartment"'] == 0
    assert sum(n for (name, _), n in found.items() if name == "reconciler_requests_total") > 0
    assert (code, took < 5) == (0, True)
    assert {line["event"] for line in log} == {"listening", "observed", "stopping", "stopped"}
    assert len(emulator.writes()) == written
    assert (workspace.root / ".reconciler" / "ledger.db").read_bytes() == ledger


def test_it_never_writes_whatever_is_pending(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(20)
    with watching(workspace) as watcher:
        found = watcher.until(ok(2))
        watcher.stop()
    assert found["reconciler_in_sync", 'datamart="retail-de"'] == 0
    assert sum(n for (name, _), n in found.items() if name == "reconciler_pending_changes") == 4
    assert {r["method"] for r in emulator.requests()} == {"GET"}
    assert not (workspace.root / ".reconciler").exists()


def test_a_failed_look_is_counted_and_the_next_one_comes(workspace: Workspace, emulator: Emulator) -> None:
    spec = workspace.write("specs/broken.yaml", "kind: [\n")
    failed = ("reconciler_observations_total", 'result="failed"')
    with watching(workspace) as watcher:
        watcher.until(lambda m: m.get(failed, 0) >= 2)
        assert watcher.get("/readyz")[0] == 503
        assert watcher.get("/healthz")[0] == 200
        damaged = workspace.write(".reconciler/ledger.db", "no database" * 500)
        spec.unlink()
        before = watcher.metrics()[failed]
        watcher.until(lambda m: m[failed] >= before + 2)
        emulator.fault({"do": "status", "status": 403, "path": "/user_account_compartments", "times": 1})
        damaged.unlink()
        watcher.until(ok(2))
        assert watcher.get("/readyz")[0] == 200
        _, _, log = watcher.stop()
    failures = [line for line in log if line["event"] == "observation failed"]
    assert failures
    assert all(line["level"] == "error" and line["help"] for line in failures)
    assert any(line["event"] == "observed" and line["errored"] for line in log)


def test_what_cannot_be_read_stays_as_it_was_last_seen(workspace: Workspace, emulator: Emulator) -> None:
    """A platform that does not answer is neither in sync nor without drift: the numbers of the last good look stay, with its time."""
    workspace.customers(5)
    assert workspace.run("apply", "--auto-approve").code == 0
    loyalty = next(c["id"] for c in emulator.compartments() if c["token"] == "loyalty")
    emulator.store.update("compartment", loyalty, {"name": "By hand"})
    failed = ("reconciler_observations_total", 'result="failed"')
    shown = ("reconciler_drift", "reconciler_pending", "reconciler_in_sync", "reconciler_unmanaged", "reconciler_last")  # fmt: skip
    with watching(workspace, "--only", "config") as watcher:
        watcher.until(ok(2))
        emulator.fault({"do": "status", "status": 403, "method": "GET", "path": "/v1/", "times": 0})
        watcher.until(lambda m: m[failed] >= 1)
        last = watcher.metrics()
        later = watcher.until(lambda m: m[failed] >= last[failed] + 2)
        _, _, log = watcher.stop()
    assert last["reconciler_drift", 'kind="Compartment"'] == 1
    assert {k: v for k, v in last.items() if k[0].startswith(shown)} == {
        k: v for k, v in later.items() if k[0].startswith(shown)
    }
    assert later["reconciler_plan_errored", ""] == 1
    assert all(("drift" in x) != x["errored"] for x in log if x["event"] == "observed")


@given(
    st.booleans(),
    st.booleans(),
    st.dictionaries(st.sampled_from(["Compartment", "Activation"]), st.integers(1, 9)),
)
def test_only_a_look_that_read_all_changes_what_is_shown_of_the_platform(
    first: bool, second: bool, drift: dict[str, int]
) -> None:
    def text(*looks: tuple[bool, dict[str, int]]) -> set[str]:
        metrics = Metrics()
        for at, (errored, moved) in enumerate(looks):
            metrics.observed(Observation(datamarts=("fr",), drift=moved, errored=errored), 1.0, float(at))
        lines = metrics.text()[0].decode().splitlines()
        return {
            x
            for x in lines
            if x.startswith(("reconciler_drift", "reconciler_in_sync", "reconciler_last_obs"))
        }

    good = [(errored, moved) for errored, moved in ((first, {}), (second, drift)) if not errored]
    if good == [(False, drift)] and first:
        return  # the time differs: it is that of the second look
    assert text((first, {}), (second, drift)) == text(*good)


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_it_ends_within_seconds_even_in_a_request_that_hangs(
    workspace: Workspace, emulator: Emulator, number: int
) -> None:
    emulator.fault({"do": "delay", "seconds": 60, "path": "/v1/datamarts", "times": 1})
    with watching(workspace) as watcher:
        deadline = time.monotonic() + 60
        while not emulator.sandbox.faults.rules[0].seen:  # it is asked, and does not answer
            assert time.monotonic() < deadline
            time.sleep(0.05)
        code, took, log = watcher.stop(number)
    assert (code, took < 25) == (0, True), (code, took)
    assert log[-1]["event"] == "stopped"


def test_a_port_that_is_taken_is_an_error(workspace: Workspace) -> None:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        done = workspace.run("watch", "--listen", f"127.0.0.1:{s.getsockname()[1]}")
    assert done.code == 1
    assert "cannot listen" in done.err
    assert workspace.run("watch", "--listen", "nowhere").code == 64
    assert workspace.run("watch", "--every", "10ms").code == 64


@pytest.mark.parametrize(
    ("text", "read"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), (":9464", ("127.0.0.1", 9464)), ("[::1]:1", ("::1", 1)), ("0.0.0.0:1", ("0.0.0.0", 1))],
)  # fmt: skip
def test_addresses(text: str, read: tuple[str, int]) -> None:
    assert address(text) == read


@pytest.mark.parametrize("text", ["", "x", "h:", "h:x", "h:65536", "h:-1", "9464"])
def test_what_is_no_address(text: str) -> None:
    if text.isdigit():
        assert address(text) == ("127.0.0.1", int(text))
        return
    with pytest.raises(UsageError):
        address(text)


@given(st.floats(1, 1e5), st.floats(0, 0.5), st.integers())
def test_jitter_stays_within_its_share(every: float, jitter: float, seed: int) -> None:
    found = pause_s(every, jitter, random.Random(seed))
    assert every * (1 - jitter) - 1e-6 <= found <= every * (1 + jitter) + 1e-6


@given(st.lists(st.sampled_from([None, ValueError, OSError, KeyError, UsageError]), min_size=1, max_size=20))
def test_the_loop_makes_each_look_and_records_each_failure(ends: list[type[Exception] | None]) -> None:
    told: list[object] = []
    waits: list[float] = []
    left = list(ends)

    class Recorder:
        def observed(self, found: Observation, seconds: float, following: float) -> None:
            told.append(None)

        def failed(self, error: Exception, seconds: float, following: float) -> None:
            told.append(type(error))

    def look() -> Observation:
        if (kind := left.pop(0)) is not None:
            raise kind("x")
        return Observation()

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return not left

    watch(Watch(look=look, recorder=Recorder(), now=lambda: 0.0, wait=wait, every=10, jitter=0.1, dice=random.Random(1)))  # fmt: skip
    assert told == ends
    assert len(waits) == len(ends)


def names_in(text: str) -> set[str]:
    return {re.sub("_(bucket|sum|count)$", "", n) for n in re.findall(r"\breconciler_[a-z_]+", text)}


def test_alerts_and_dashboard_name_metrics_that_exist() -> None:
    metrics = Metrics()
    existing = set(re.findall(r"^# HELP (\w+)", metrics.text()[0].decode(), re.MULTILINE))
    for file in ("alerts.yml", "dashboard.json"):
        used = names_in((MONITORING / file).read_text())
        assert used, file
        assert used <= existing, (file, used - existing)


def test_promtool_takes_the_alerts() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    for words in (
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts_test.yml"),
        ("check", "config", "prometheus.yml"),
    ):
        done = subprocess.run(
            ["promtool", *words], cwd=MONITORING, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_real_prometheus_scrapes_it(workspace: Workspace, tmp_path: Path) -> None:
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed: apt-get install prometheus")
    with watching(workspace) as watcher:
        watcher.until(ok(1))
        target = watcher.url.removeprefix("http://")
        config = (MONITORING / "prometheus.yml").read_text().replace("127.0.0.1:9464", target)
        (tmp_path / "prometheus.yml").write_text(config.replace("30s", "1s"))
        shutil.copy(MONITORING / "alerts.yml", tmp_path)
        port = free_port()
        with (tmp_path / "log").open("wb") as log:
            server = subprocess.Popen(
                ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"],
                cwd=tmp_path, stdout=log, stderr=log,
            )  # fmt: skip
            try:
                ask = f"http://127.0.0.1:{port}/api/v1/query?"
                deadline, found = time.monotonic() + 25, []
                while not found and time.monotonic() < deadline:
                    time.sleep(0.2)
                    with suppress(OSError):
                        found = asked(ask, "sum(reconciler_pending_changes)")
                shown = {q: bool(asked(ask, q)) for q in queries()}
            finally:
                server.terminate()
                server.wait(20)
        assert found, (tmp_path / "log").read_text()
        assert found[0]["value"][1] == "3"
        # Failed rows and the last success need a load; a rate needs two scrapes, and may have them or not.
        assert {
            q for q, there in shown.items() if not there and "rate(" not in q and "increase(" not in q
        } <= {'time() - reconciler_last_success_timestamp_seconds{instance=~".*"}'}


def queries() -> list[str]:
    """What the panels of the dashboard ask, as Grafana would send it."""
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    found = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    assert len(found) > 10
    return [q.replace("$instance", ".*").replace("$__rate_interval", "1m") for q in found]


def asked(url: str, query: str) -> list[dict[str, Any]]:
    """The answer of Prometheus; a query that it does not understand is an error."""
    with urllib.request.urlopen(url + urllib.parse.urlencode({"query": query}), timeout=5) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found
