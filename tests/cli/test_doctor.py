"""`doctor`: each thing that a run needs is broken in turn, and its line says so and what to do; the others are still made."""

import base64
import http.server
import json
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import __version__
from reconciler.cli.wiring.health import EXTRAS
from reconciler.model.address import Span
from reconciler.model.desired import Desired, DesiredLoad
from reconciler.model.health import Health
from reconciler.model.source import Query, SourceDefinition
from reconciler.origin import LocalSandbox, Origin
from reconciler.settings import Dask, Settings
from reconciler.workflows.doctor.extras import extras_check
from reconciler.workflows.doctor.hook import hook_of
from reconciler.workflows.doctor.platform import skew
from reconciler.workflows.doctor.token import expiry, token_check
from tests.support.emulator import Emulator
from tests.support.hostile import Hostile
from tests.support.workspace import TOKEN, WORKSPACE, Done, Workspace


def test_every_extra_of_users_is_told_of() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].keys() - {"all", "docs", "test", "dev"}
    assert EXTRAS.keys() == extras


def doctor(workspace: Workspace, *args: str, **env: str) -> tuple[Done, dict[str, Any]]:
    done = workspace.run("doctor", "-o", "json", *args, **env)
    document = json.loads(done.out)
    assert document["ok"] is (done.code == 0)
    for c in document["checks"]:
        assert (c["help"] is not None) == (c["state"] in ("failed", "warning")), c
    return done, {c["name"]: c for c in document["checks"]}


def session_token(ends: float | None) -> str:
    parts = [{"alg": "none"}, {} if ends is None else {"exp": ends}]
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts), "s"]
    )


def test_all_is_well(workspace: Workspace, emulator: Emulator) -> None:
    done, checks = doctor(workspace)
    assert done.code == 0, done
    assert {n for n, c in checks.items() if c["state"] != "good"} == {"hook", "plan key", "index"}
    assert "long-lived" in checks["token"]["message"]
    assert __version__ in checks["version"]["message"]
    assert emulator.writes() == []
    assert not (workspace.root / ".reconciler").exists()
    lines = workspace.run("doctor").out.splitlines()
    assert len([line for line in lines if line.startswith(("good", "skipped"))]) == len(checks)


Breaks = Callable[[Workspace, Emulator], dict[str, str]]


def _ledger(text: str) -> Breaks:
    def breaks(workspace: Workspace, _: Emulator) -> dict[str, str]:
        path = workspace.root / "reconciler.yaml"
        path.write_text(path.read_text() + "  ledger: {env: LEDGER}\n")
        workspace.write("plain", "x")
        workspace.write("damaged.db", "no database" * 100)
        return {"LEDGER": text}

    return breaks


def _written(name: str, text: str) -> Breaks:
    def breaks(workspace: Workspace, _: Emulator) -> dict[str, str]:
        workspace.write(name, text)
        return {}

    return breaks


def _faulty(**fault: Any) -> Breaks:
    def breaks(_: Workspace, emulator: Emulator) -> dict[str, str]:
        emulator.fault({"path": "/datamarts", "times": 0, **fault})
        return {}

    return breaks


@pytest.mark.parametrize(
    ("name", "breaks", "told"),
    [
        ("token", lambda *_: {"RECONCILER_TOKEN": ""}, "no API token"),
        ("token", lambda *_: {"RECONCILER_TOKEN": "a token\n"}, "blank"),
        ("token", lambda *_: {"RECONCILER_TOKEN": f"Bearer {session_token(1)}"}, "expired"),
        ("organisation", _faulty(do="status", status=401), "401"),
        ("organisation", _faulty(do="status", status=403), "403"),
        ("endpoint", _faulty(do="drop_before"), "http://"),
        ("workspace", _written("reconciler.yaml", "a: [\n"), "yaml-syntax"),
        ("workspace", lambda *_: {"RECONCILER_ENVIRONMENT": "nowhere"}, "nowhere"),
        ("specs", _written("specs/x.yaml", "kind: Nothing\n"), "error"),
        ("datamarts", _written("specs/datamarts.yaml", "apiVersion: reconciler/v1\nkind: Datamarts\nmetadata: {name: m}\nspec:\n  far: {id: '77'}\n"), "far (77)"),
        ("ledger", _ledger("sqlite:plain/ledger.db"), "is not a folder"),
        ("ledger", _ledger("sqlite:damaged.db"), "damaged"),
        ("ledger", _ledger("mysql://x"), "must be sqlite"),
        ("ledger", _ledger("postgresql://u:hidden@127.0.0.1:9/x"), "cannot be reached"),
    ],
)  # fmt: skip
def test_what_is_broken_is_said_with_what_to_do(
    workspace: Workspace, emulator: Emulator, name: str, breaks: Breaks, told: str
) -> None:
    done, checks = doctor(workspace, **breaks(workspace, emulator))
    assert done.code == 1
    assert checks[name]["state"] == "failed", checks[name]
    assert told in checks[name]["message"]
    assert "hidden" not in done.out + done.err
    assert len(checks) == 18  # the others are still made, or said to be skipped
    text = workspace.run("doctor", **breaks(workspace, emulator))
    assert text.code == 1
    assert "= help: " in text.out


def test_nothing_there_at_all(tmp_path: Path, workspace: Workspace) -> None:
    workspace.root = tmp_path / "nowhere"
    done, checks = doctor(workspace)
    assert done.code == 1
    assert checks["workspace"]["state"] == "failed"


def test_a_held_lock_names_who_and_how_to_release_it(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(5)
    emulator.fault({"do": "delay", "seconds": 4, "method": "POST", "path": "/user_account_compartments"})
    process = workspace.start("apply", "--auto-approve")
    try:
        deadline = time.monotonic() + 20
        while not emulator.writes() and time.monotonic() < deadline:
            _, checks = doctor(workspace)
            if checks["lock"]["state"] == "warning":
                break
        assert checks["lock"]["state"] == "warning"
        assert "reconciler unlock " in checks["lock"]["help"]
    finally:
        process.communicate(timeout=60)
    assert doctor(workspace)[1]["lock"]["message"] == "free"


@contextmanager
def clock_off(seconds: float) -> Iterator[str]:
    """A platform whose clock is off."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = json.dumps({"status": "ok", "data": [], "count": 0, "total": 0}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(int(time.time() + seconds))

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("off", "state", "told"),
    [(-3600, "failed", "ahead"), (3600, "failed", "behind"), (60, "warning", "behind")],
)
def test_a_clock_that_is_off(workspace: Workspace, off: float, state: str, told: str) -> None:
    with clock_off(off) as url:
        workspace.write("reconciler.yaml", WORKSPACE.format(endpoint=url, settle="0", organisation="1185"))
        _, checks = doctor(workspace)
    assert checks["clock"]["state"] == state
    assert told in checks["clock"]["message"]
    assert checks["organisation"]["state"] == "failed"  # it lists no datamart at all


@given(st.floats(1e9, 2e9), st.floats(0, 20), st.floats(0, 1), st.floats(-1e5, 1e5))
def test_skew_is_never_more_than_there_is(at: float, took: float, share: float, off: float) -> None:
    """`off`: this clock is so far ahead; the server answered at some instant between request and answer."""
    date = float(int(at + took * share))
    found = skew(date, at + off, at + took + off)
    assert abs(found) <= abs(off) + 1e-3
    assert found * off >= 0
    assert abs(found) >= abs(off) - took - 1 - 1e-3


@pytest.mark.parametrize(
    ("token", "health", "told"),
    [
        ("api:x", Health.GOOD, "long-lived"),
        ("x", Health.WARNING, "unknown kind"),
        ("", Health.FAILED, "empty"),
        (f"Bearer {session_token(1000 + 3600)}", Health.WARNING, "expires in 60 min"),
        (f"Bearer {session_token(1000 + 9e6)}", Health.GOOD, "expires in 2.5e+03 h"),
        (f"Bearer {session_token(900)}", Health.FAILED, "expired 100 s ago"),
        (session_token(1e6), Health.FAILED, "without 'Bearer '"),
        (f"Bearer {session_token(None)}", Health.WARNING, "unknown kind"),
    ],
)
def test_kinds_of_tokens(token: str, health: Health, told: str) -> None:
    check = token_check(token, "here", 1000)
    assert (check.health, told in check.message) == (health, True), check


@given(
    st.text(st.characters(codec="ascii"), max_size=60)
    | st.binary(max_size=40).map(lambda b: f"a.{base64.urlsafe_b64encode(b).decode()}.c")
)
def test_any_text_as_a_token_is_judged_and_not_repeated(text: str) -> None:
    expiry(text)
    check = token_check(text, "here", 1000)
    if len(text) > 12:
        assert text not in check.message + (check.help or "")


def hooks(rev: str, repo: str = "https://example.org/r", hook: str = "reconciler-validate") -> dict[str, Any]:
    return {"repos": [{"repo": repo, "rev": rev, "hooks": [{"id": hook}]}]}


@pytest.mark.parametrize(
    ("config", "health"),
    [
        (hooks(f"v{__version__}"), Health.GOOD),
        (hooks(__version__, hook="reconciler-validate-files"), Health.GOOD),
        (hooks("v0.0.1"), Health.WARNING),
        (hooks("8c1f3e9"), Health.GOOD),
        (hooks("", "local"), Health.GOOD),
        (hooks("v1", hook="ruff"), Health.SKIPPED),
        ({"repos": [None, {"hooks": None}, {"hooks": [1]}]}, Health.SKIPPED),
        ([], Health.SKIPPED),
        (None, Health.SKIPPED),
    ],
)
def test_versions_of_hooks(config: Any, health: Health) -> None:
    assert hook_of(config, __version__).health is health


def test_the_hook_is_found_in_the_repository_above(workspace: Workspace) -> None:
    (workspace.root.parent / ".git").mkdir()
    config = "repos:\n  - {repo: https://example.org/r, rev: v0.0.1, hooks: [{id: reconciler-validate}]}\n"
    (workspace.root.parent / ".pre-commit-config.yaml").write_text(config)
    _, checks = doctor(workspace)
    assert checks["hook"]["state"] == "warning"
    assert "0.0.1" in checks["hook"]["message"]


def test_the_token_is_nowhere(workspace: Workspace, emulator: Emulator) -> None:
    emulator.fault({"do": "status", "status": 401, "path": "/", "times": 0, "body": {"error": TOKEN}})
    doctor(workspace)  # `Done` looks for it


@pytest.mark.parametrize(
    "fate", ["gigabytes", "bomb in a bomb", "headers without end", "endless redirect", "HTML"]
)
def test_a_remote_that_answers_anything_is_a_failure_and_no_traceback(
    workspace: Workspace, fate: str
) -> None:
    remote = Hostile(fate, 0.05)
    try:
        done, checks = doctor(workspace, "--endpoint", remote.url)
    finally:
        remote.stop()
    assert done.code == 1
    assert {checks[name]["state"] for name in ("endpoint", "organisation")} & {"failed"}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://no-such-host.invalid", "name of the host is not known"),
        ("http://127.0.0.1:9", "was refused"),
    ],
)
def test_an_endpoint_that_is_not_there_says_why(workspace: Workspace, url: str, told: str) -> None:
    _, checks = doctor(workspace, "--endpoint", url)
    assert told in checks["endpoint"]["message"]
    assert checks["endpoint"]["message"].count("http") == 1


def test_the_index_of_sent_rows(workspace: Workspace) -> None:
    workspace.customers(30)
    source = workspace.root / "specs/customers.yaml"
    source.write_text(source.read_text() + "  send: changed\n  duplicates: refuse\n")
    assert doctor(workspace)[1]["index"]["message"].endswith("index: 0 files")
    assert doctor(workspace, CI="1")[1]["index"]["state"] == "warning"
    settings = workspace.root / "reconciler.yaml"
    plain = settings.read_text()
    settings.write_text(plain + "  index_key: {env: SENT_KEY}\n")
    done, checks = doctor(workspace)
    assert (done.code, checks["index"]["state"]) == (1, "failed")
    assert "SENT_KEY" in checks["index"]["help"]
    settings.write_text(plain + "  index: data/customers.csv/index\n")
    assert doctor(workspace)[1]["index"]["state"] == "failed"


def test_a_sandbox_that_takes_one_token_is_asked_with_the_one_of_the_workspace(workspace: Workspace) -> None:
    settings = workspace.root / "reconciler.yaml"
    text = settings.read_text().splitlines()
    text[text.index(next(x for x in text if "endpoint" in x))] = '  endpoint: "sandbox:"'
    settings.write_text("\n".join(text) + "\n")
    assert doctor(workspace)[1]["organisation"]["state"] == "skipped"  # it does not run
    started = workspace.run("plan")
    assert started.code in (0, 2), started
    try:
        workspace.run("sandbox", "set", f"token={TOKEN}")
        assert doctor(workspace)[1]["organisation"]["state"] == "good"
        assert "RECONCILER_TOKEN" in doctor(workspace)[1]["token"]["message"]
        for other in ("", "another"):
            done, checks = doctor(workspace, RECONCILER_TOKEN=other)
            assert (done.code, checks["organisation"]["state"]) == (1, "failed")
    finally:
        workspace.run("sandbox", "stop")


SANDBOX = Settings(workspace="shop", organisation_id="1185", endpoint=LocalSandbox())


def _load(**fields: Any) -> DesiredLoad:
    definition = SourceDefinition(
        **{
            "workspace": "shop",
            "source": "s",
            "files": ("a.csv",),
            "format": "csv",
            "schema": "off",
            **fields,
        }
    )
    return DesiredLoad("s", "fr", "1", definition, suspended=False, span=Span(""), label_span=Span(""))


@pytest.mark.parametrize(
    ("settings", "fields", "extra"),
    [
        ({}, {"gone": "delete"}, "delta"),
        ({}, {"format": "parquet"}, "files"),
        ({}, {"files": ("a.csv.zst",), "compression": "suffix"}, "files"),
        ({}, {"files": ("s3://b/a.csv",)}, "cloud"),
        ({}, {"sql": Query(url="sqlite://", query="SELECT 1")}, "sql"),
        ({}, {"schema": "error"}, "schema"),
        ({"engine": Dask(scheduler="local")}, {}, "dask"),
        ({"ledger": "postgresql://h/d"}, {}, "postgres"),
        ({"index": "s3://b/index"}, {}, "cloud"),
        ({"endpoint": LocalSandbox()}, {}, "sandbox"),
    ],
)
def test_an_extra_that_is_used_and_not_installed(
    settings: dict[str, Any], fields: dict[str, Any], extra: str
) -> None:
    """Each of them is told of where only it is lacking, and not where it is there."""
    chosen = replace(SANDBOX, **{"endpoint": Origin.parse("http://localhost:1"), **settings})
    desired = Desired(loads={"s": _load(**fields)})
    lacking = extras_check(chosen, desired, EXTRAS.keys() - {extra})
    assert lacking.health is (Health.WARNING if extra == "schema" else Health.FAILED)
    assert f"'{extra}'" in lacking.message
    assert lacking.help == f"pip install 'mics-reconciler[{extra}]'"
    assert extras_check(chosen, desired, {extra}).health is Health.GOOD
    assert extras_check(chosen, None, ()).health in (Health.FAILED, Health.SKIPPED)
