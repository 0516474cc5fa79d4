"""`sandbox serve | set | faults | status | stop | reset | open` as a user types them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from reconciler.cli.commands.demo import run_demo
from reconciler.cli.commands.sandbox import has_own
from reconciler.errors import MissingExtra
from reconciler.reports.style import PLAIN
from reconciler.sandbox.server import serve
from reconciler.sandbox.store import Store
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace
from tests.unit.test_fault_scripts import READY


@pytest.fixture
def ws(tmp_path: Path, emulator: Emulator) -> Iterator[Workspace]:
    made = Workspace(tmp_path / "ws", emulator.url)
    yield made
    assert not (made.root / ".sandbox").exists(), "a sandbox of its own was started, and runs on"


def test_set_changes_and_shows_a_running_sandbox(ws: Workspace, emulator: Emulator) -> None:
    done = ws.run(
        "sandbox", "set", "total=without", "lag_reads=2", "--faults", "rate-limited", "--url", emulator.url
    )
    assert done.code == 0, done
    assert "total                   without" in done.out
    assert "fault status" in done.out
    assert (emulator.sandbox.switches.total, emulator.sandbox.switches.lag_reads) == ("without", 2)
    assert len(emulator.sandbox.faults.rules) == 2
    assert ws.run("sandbox", "set", "--faults", "none", "--url", emulator.url).code == 0
    assert emulator.sandbox.faults.rules == []
    # Showing changes nothing, and shows no token.
    emulator.switch(token="the-one")
    shown = ws.run("sandbox", "set", "--url", emulator.url)
    assert "the-one" not in shown.out
    assert "the-one" not in httpx.get(f"{emulator.url}/_sandbox/control").text
    assert emulator.sandbox.switches.total == "without"


@pytest.mark.parametrize(
    ("fields", "own"),
    [
        ("", True),
        ("  endpoint: 'sandbox:'\n", True),
        ("  endpoint: http://127.0.0.1:8089\n", False),
        ("  endpoint: http://127.0.0.1:8089\n  environments: {dev: {endpoint: 'sandbox:'}}\n", True),
        ("  endpoint: http://127.0.0.1:8089\n  environments: {dev: {organisation_id: '7'}}\n", False),
        ("  endpoint: [\n", True),
    ],
)
def test_a_workspace_with_a_sandbox_of_its_own_changes_no_other(
    fields: str, own: bool, tmp_path: Path
) -> None:
    head = "apiVersion: reconciler/v1\nkind: Workspace\nmetadata: {name: shop}\nspec:\n  organisation_id: '1185'\n"
    (tmp_path / "reconciler.yaml").write_text(head + fields)
    assert has_own(tmp_path) is own


def test_a_port_that_is_taken(ws: Workspace, emulator: Emulator) -> None:
    port = emulator.url.rpartition(":")[2]
    done = ws.run("sandbox", "serve", "--port", port)
    assert (done.code, f"port {port} is taken" in done.err) == (1, True), done
    assert "a sandbox runs there already; for one more: --port N" in done.err


def test_the_ready_scripts_are_listed_in_80_columns(ws: Workspace) -> None:
    done = ws.run("sandbox", "faults")
    assert [line.split()[0] for line in done.out.splitlines() if not line.startswith(" ")] == list(READY)
    assert all(len(line) <= 80 for line in done.out.splitlines())


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ("faults:\n  - {do: html}\n  - {do: explode}\n", 1, "f.yaml:3:5: rule 2: unknown action 'explode'"),
        ("faults:\n  - {do: html, status: 9}\n", 1, "f.yaml:2:5: rule 1: status cannot be 9"),
        ("fault: []\n", 1, "f.yaml:1:1: unknown field 'fault'"),
        ("faults: [\n", 1, "f.yaml:2:1"),
        ("faults:\n  - {do: html, do: status}\n", 1, "the key 'do' occurs twice"),
        ("- 1\n", 1, "is not a fault script"),
    ],
)
def test_a_wrong_script_says_where(
    script: str, code: int, words: str, ws: Workspace, emulator: Emulator
) -> None:
    path = ws.write("f.yaml", script)
    for command in (("serve", "--port", "0"), ("set", "--url", emulator.url)):
        done = ws.run("sandbox", *command, "--faults", str(path))
        assert (done.code, words in done.err) == (code, True), done


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("serve", "--faults", "nonsense"), 1, "a file, or one of did-it-happen"),
        (("serve", "--switch", "order=never"), 64, "one of fifo, shuffled, parallel"),
        (("serve", "--switch", "page_cap=-1"), 64, "a number from 0"),
        (("serve", "--switch", "page_cap=many"), 64, "page_cap is a number"),
        (("serve", "--switch", "order"), 64, "is not KEY=VALUE"),
        (("serve", "--seed", "/nonexistent"), 1, "cannot start"),
        (
            ("set", "total=without", "--url", "http://127.0.0.1:9"),
            1,
            "start a sandbox with `reconciler sandbox serve`",
        ),
        (("set", "total"), 64, "is not KEY=VALUE"),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], code: int, words: str, ws: Workspace) -> None:
    done = ws.run("sandbox", *arguments)
    assert (done.code, words in done.err) == (code, True), done


def test_set_shows_the_answer_of_the_sandbox(ws: Workspace, emulator: Emulator) -> None:
    done = ws.run("sandbox", "set", "nope=1", "--url", emulator.url)
    assert done.code == 64
    assert "unknown switch 'nope'" in done.err


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace whose endpoint is a sandbox of its own; of an organisation that no sandbox begins with."""
    made = Workspace(tmp_path / "own", '"sandbox:"', organisation="777001")
    made.write("specs/datamarts.yaml", MARKETS.format(second='"4102"'))
    yield made
    made.run("sandbox", "stop")


MARKETS = """\
apiVersion: reconciler/v1
kind: Datamarts
metadata: {{name: markets}}
spec:
  retail-fr: {{id: "4101", labels: {{country: fr}}}}
  retail-de: {{id: {second}, labels: {{country: de}}}}
"""


def test_a_workspaces_own_sandbox_holds_what_its_specs_name(own: Workspace) -> None:
    assert "does not run" in own.run("sandbox", "status").out
    first = own.plan()
    assert first["errored"] is False
    assert [d["code"] for d in first["diagnostics"] if d["severity"] == "error"] == []
    assert own.run("apply", "--auto-approve").code == 0
    status = own.run("sandbox", "status")
    assert "datamart              2" in status.out
    # A datamart that the specs name from now on is there with the next command, beside what was applied.
    own.write("specs/datamarts.yaml", MARKETS.format(second='"4103"'))
    assert own.plan()["summary"]["create"] == 1
    assert "datamart              3" in own.run("sandbox", "status").out
    assert "has ended; its state stays" in own.run("sandbox", "stop").out
    assert own.plan()["summary"]["create"] == 1
    assert "is empty" in own.run("sandbox", "reset").out
    assert own.plan()["summary"] == first["summary"]
    assert own.run("sandbox", "open", BROWSER="true").out.startswith(
        "The page of the sandbox is http://127.0.0.1:"
    )


@pytest.mark.parametrize("command", ["status", "open", "stop", "reset"])
def test_a_folder_that_is_no_workspace_has_no_sandbox(command: str, workspace: Workspace) -> None:
    (workspace.root / "reconciler.yaml").unlink()
    before = sorted(workspace.root.rglob("*"))
    done = workspace.run("sandbox", command, BROWSER="true")
    assert (done.code, done.out, "no reconciler.yaml in" in done.err) == (1, "", True), done
    assert sorted(workspace.root.rglob("*")) == before


def test_a_sandbox_is_ended_without_the_workspace_file(own: Workspace) -> None:
    assert own.run("sandbox", "open", BROWSER="true").code == 0
    (own.root / "reconciler.yaml").rename(own.root / "kept")
    assert "The sandbox runs at" in own.run("sandbox", "status").out
    assert "has ended" in own.run("sandbox", "stop").out


def test_a_sandbox_that_runs_is_used_where_its_folder_cannot_be_written(own: Workspace) -> None:
    assert own.run("sandbox", "open", BROWSER="true").code == 0
    lock = own.root / ".sandbox/start.lock"
    lock.unlink()
    lock.mkdir()  # nobody can write into that, not even root
    assert own.plan()["errored"] is False
    lock.rmdir()


def test_a_demo_says_how_its_sandbox_and_its_folder_go(tmp_path: Path) -> None:
    root = tmp_path / "the demo"
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "demo", str(root)], capture_output=True, text=True, check=False
    )
    try:
        assert done.returncode == 0, done
        assert done.stdout.endswith(f"  reconciler -C '{root}' sandbox stop\n  rm -r '{root}'\n"), done.stdout
    finally:
        stop = [sys.executable, "-m", "reconciler", "-C", str(root), "sandbox", "stop"]
        ended = subprocess.run(stop, capture_output=True, text=True, check=False)
    assert "has ended" in ended.stdout


def test_a_demo_without_the_sandbox_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(MissingExtra):
        run_demo(tmp_path / "demo", PLAIN)
    assert not (tmp_path / "demo").exists()


def test_two_objects_of_one_id_are_no_seed(workspace: Workspace) -> None:
    row = {"id": "7", "name": "x", "organisation_id": "1", "token": "x"}
    seed = workspace.write("seed.json", json.dumps({"datamarts": [row], "compartments": [row]}))
    done = workspace.run("sandbox", "serve", "--seed", str(seed))
    assert (
        done.code,
        "compartment 7 cannot be added: the sandbox has another object with this id" in done.err,
    ) == (64, True), done


def test_nothing_is_left_of_a_seed_that_is_refused(tmp_path: Path) -> None:
    row = {"id": "7", "name": "x", "organisation_id": "1"}
    for bad in ({"datamarts": [row, row]}, {"datamarts": [row], "compartments": [{"id": "8"}]}):
        with pytest.raises(ValueError, match=r"seed|another object"):
            serve(tmp_path / "state", 0, switches={}, seed=bad)
        assert Store(tmp_path / "state").empty()


def test_planting_adds_and_never_changes(emulator: Emulator) -> None:
    before = emulator.compartments()
    seed = {
        "datamarts": [{"id": "1509", "name": "Other name", "organisation_id": "2000"}],
        "compartments": [{"id": "1000", "organisation_id": "2000", "token": "x", "name": "y"}],
        "activations": [{"datamart_id": "1509", "compartment_id": "1000"}],
    }
    for _ in range(2):
        httpx.post(f"{emulator.url}/_sandbox/plant", json=seed).raise_for_status()
    assert emulator.compartments() == before
    assert [a["compartment_id"] for a in emulator.activations("1509")] == ["1000"]
    taken = {"datamarts": [{"id": "1000", "name": "x", "organisation_id": "1"}]}
    answer = httpx.post(f"{emulator.url}/_sandbox/plant", json=taken)
    words = "datamart 1000 cannot be added: the sandbox has another object with this id; give one of them another id"
    assert (answer.status_code, answer.json()["error"]) == (400, words)
    for bad in ({"datamarts": [{"name": "x"}]}, {"datamarts": [1]}, {"activations": [{}]}):
        assert httpx.post(f"{emulator.url}/_sandbox/plant", json=bad).status_code == 400


HALF = r"half \ud800 of a pair"


def test_half_of_a_surrogate_pair_is_no_text(emulator: Emulator, ws: Workspace) -> None:
    """In a body, a seed or a line: refused in words, never stored, and never an error of the sandbox."""
    base = f"{emulator.url}/v1/datamarts/1509/document_imports"
    body = f'{{"name": "{HALF}", "document_type": "USER_PROFILE", "mime_type": "APPLICATION_X_NDJSON", "encoding": "utf-8"}}'
    head = {"Authorization": "x", "Content-Type": "application/json"}
    answer = httpx.post(base, content=body, headers=head)
    assert (answer.status_code, "surrogate" in answer.json()["error"]) == (400, True)
    planted = f'{{"datamarts": [{{"id": "4", "name": "{HALF}", "organisation_id": "1"}}]}}'
    answer = httpx.post(
        f"{emulator.url}/_sandbox/plant", content=planted, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    done = ws.run("sandbox", "serve", "--port", "0", "--seed", str(ws.write("seed.json", planted)))
    assert (done.code, "surrogate" in done.err) == (1, True), done
    made = httpx.post(base, json={**json.loads(body), "name": "x"}, headers=head).json()["data"]["id"]
    account = '"compartment_id":"1000","user_account_id":"u","force_replace":true'
    line = f'{{"operation":"UPSERT",{account},"user_profile":{{"$compartment_id":"1000","$user_account_id":"u","name":"{HALF}"}}}}\n'
    sent = {"Authorization": "x", "Content-Type": "application/x-ndjson"}
    httpx.post(f"{base}/{made}/executions", content=line, headers=sent).raise_for_status()
    for _ in range(50):
        (execution,) = httpx.get(f"{base}/{made}/executions", headers=head).json()["data"]
        if execution["status"] not in ("PENDING", "RUNNING"):
            break
    assert (execution["result"]["total_success"], execution["result"]["total_failure"]) == (0, 1)


def test_a_sandbox_that_is_terminated_ends_without_a_word(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "reconciler", "sandbox", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as served:
        assert served.stderr is not None
        assert "The sandbox serves http://127.0.0.1:" in served.stderr.readline()
        served.terminate()
        assert served.stderr.read() == ""
    assert served.returncode == 143
