"""The examples for orchestrators, containers and Kubernetes: their steps are run for real, against the sandbox."""

import ast
import importlib.util
import logging
import os
import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.support import zygote
from tests.support.emulator import Emulator
from tests.support.workspace import TOKEN, Workspace

EXAMPLES = Path(__file__).parents[2] / "examples"
COMMAND = (sys.executable, "-m", "reconciler")
ADDRESS = "ProfileSource/customers@retail-fr"


@pytest.fixture(scope="module")
def step() -> ModuleType:
    path = EXAMPLES / "orchestrators" / "reconciler_step.py"
    spec = importlib.util.spec_from_file_location("reconciler_step", path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules["reconciler_step"] = made
    spec.loader.exec_module(made)
    return made


def load(step: ModuleType, workspace: Workspace, source: str = "customers", **env: str) -> Any:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("RECONCILER_")}
    environ |= {"RECONCILER_TOKEN": TOKEN, **env}
    return step.load(str(workspace.root), source, ["retail-fr"], command=COMMAND, environ=environ)


@pytest.fixture
def applied(workspace: Workspace) -> Workspace:
    workspace.customers(30)
    assert workspace.run("apply", "--only", "config", "--auto-approve").code == 0
    return workspace


def test_a_good_load_is_done_and_its_events_are_logs(
    step: ModuleType, applied: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ended = load(step, applied)
    assert (ended.code, ended.next, ended.actions) == (0, step.Next.DONE, {ADDRESS: "succeeded"})
    assert ended.run == 2
    assert any('"event":"run_finished"' in m for m in caplog.messages)
    assert any("Apply complete" in m for m in caplog.messages)
    assert TOKEN not in caplog.text
    again = load(step, applied)
    assert (again.code, again.next, again.actions) == (0, step.Next.DONE, {})


def test_drift_is_for_a_person(step: ModuleType, applied: Workspace) -> None:
    """It changes nothing, and no example applies a configuration that nobody reviewed."""
    environ = {**os.environ, "RECONCILER_TOKEN": TOKEN}
    for text, then in (("Loyalty programme", "DONE"), ("Renamed", "FAIL")):
        path = applied.root / "specs/loyalty.yaml"
        path.write_text(path.read_text().replace("Loyalty programme", text))
        assert step.drift(str(applied.root), command=COMMAND, environ=environ).next is step.Next[then]
    for example in sorted((EXAMPLES / "orchestrators").iterdir()):
        if example.is_file():
            assert '"config"' not in example.read_text()


def test_failed_rows_need_a_person(step: ModuleType, applied: Workspace, emulator: Emulator) -> None:
    emulator.quarantine("c000003")
    ended = load(step, applied)
    assert (ended.code, ended.next, ended.failed_rows) == (3, step.Next.FAIL, {ADDRESS: 1})


def test_what_may_pass_is_tried_again(step: ModuleType, applied: Workspace, emulator: Emulator) -> None:
    emulator.fault({"do": "status", "status": 403, "method": "POST", "path": "/executions", "times": 0})
    ended = load(step, applied)
    assert (ended.code, ended.next) == (3, step.Next.RETRY)
    assert load(step, applied, RECONCILER_TOKEN="").next is step.Next.RETRY  # 1: no token


def test_what_is_refused_fails_at_once(step: ModuleType, applied: Workspace) -> None:
    applied.write("data/customers.csv", "id,tier\n,v1\n")  # no row can be sent: past the limit
    ended = load(step, applied)
    assert (ended.code, ended.next, ended.run) == (4, step.Next.FAIL, None)
    assert ended.told == "exit 4: the log above says why"
    assert step.run(str(applied.root), "apply", "--nonsense", command=COMMAND).next is step.Next.FAIL  # 64


@pytest.mark.parametrize(("code", "then"), [(0, "DONE"), (1, "RETRY"), (2, "FAIL"), (4, "FAIL"), (5, "RETRY"), (64, "FAIL"), (130, "RETRY"), (143, "RETRY"), (-9, "RETRY")])  # fmt: skip
def test_exit_codes(step: ModuleType, code: int, then: str) -> None:
    assert step.Ended(code).next is step.Next[then]


def test_a_task_that_is_ended_ends_its_run(step: ModuleType, applied: Workspace, emulator: Emulator) -> None:
    """As an orchestrator does it: an exception in the thread that waits."""
    emulator.fault({"do": "delay", "seconds": 3, "method": "POST", "path": "/executions"})
    ended: list[str] = []

    class Interrupted(Exception):
        pass

    real = step.subprocess.Popen

    class Process(real):
        def wait(self, timeout: float | None = None) -> int:
            if not ended:
                while not any(r["method"] == "POST" and "imports" in r["path"] for r in emulator.requests()):
                    threading.Event().wait(0.05)
                ended.append("once")
                raise Interrupted
            return super().wait(timeout)

    step.subprocess.Popen = Process
    try:
        with pytest.raises(Interrupted):
            load(step, applied)
    finally:
        step.subprocess.Popen = real
    emulator.fault()
    assert load(step, applied).next is step.Next.DONE


@pytest.mark.parametrize("name", ["airflow_dag.py", "dagster_job.py"])
def test_definitions_are_python_and_use_the_step_as_it_is(step: ModuleType, name: str) -> None:
    tree = ast.parse((EXAMPLES / "orchestrators" / name).read_text())
    (used,) = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "reconciler_step"]
    assert all(hasattr(step, alias.name) for alias in used.names)


def from_cron(applied: Workspace, folder: Path) -> "subprocess.CompletedProcess[str]":
    """The script in an environment such as cron's; it does not wait between its tries."""
    made = {
        "reconciler.env": f"RECONCILER_TOKEN={TOKEN}\n",
        "reconciler": f'#!/bin/sh\necho try >>{folder}/tries\nexec {shlex.join(zygote.command())} "$@"\n',
        "sleep": "#!/bin/sh\n",
    }
    for name, text in made.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o700)
    (folder / "tries").unlink(missing_ok=True)
    return subprocess.run(
        ["/bin/sh", str(EXAMPLES / "orchestrators" / "nightly.sh"), str(applied.root)],
        env={"HOME": str(folder), "PATH": f"{folder}:/usr/bin:/bin", "RECONCILER_ENV": f"{folder}/reconciler.env", "RECONCILER": f"{folder}/reconciler"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_cron_is_told_of_failures_alone(applied: Workspace, emulator: Emulator, tmp_path: Path) -> None:
    emulator.fault({"do": "status", "status": 403, "method": "POST", "path": "/executions", "times": 0})
    ended = from_cron(applied, tmp_path)
    assert (ended.returncode, (tmp_path / "tries").read_text()) == (3, "try\n" * 3), ended
    assert "403" in ended.stdout
    emulator.fault()
    ended = from_cron(applied, tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    applied.write("data/customers.csv", "id,tier\n,v1\n")
    ended = from_cron(applied, tmp_path)
    assert (ended.returncode, (tmp_path / "tries").read_text()) == (4, "try\n"), ended
    assert TOKEN not in ended.stdout + ended.stderr


def containers(name: str) -> list[dict[str, Any]]:
    found = []
    for document in yaml.safe_load_all((EXAMPLES / "kubernetes" / name).read_text()):
        spec = document["spec"]
        pod = (
            spec["jobTemplate"]["spec"]["template"]["spec"]
            if document["kind"] == "CronJob"
            else spec["template"]["spec"]
        )
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        found += [(pod, c) for c in (*pod.get("initContainers", ()), *pod["containers"])]
    for pod, container in found:
        locked = container["securityContext"]
        assert locked["readOnlyRootFilesystem"] is True
        assert locked["allowPrivilegeEscalation"] is False
        assert locked["capabilities"] == {"drop": ["ALL"]}
        assert re.search(r":\d+\.\d+\.\d+$", container["image"])  # a version, never `latest`
        assert container["resources"]["limits"]["memory"]
        volumes = {v["name"] for v in pod["volumes"]}
        assert {m["name"] for m in container["volumeMounts"]} <= volumes
    return [c for _, c in found if c["name"] == "reconciler"]


def test_the_nightly_job_runs_as_it_stands(applied: Workspace, tmp_path: Path) -> None:
    (container,) = containers("nightly.yaml")
    token = tmp_path / "token"
    token.write_text(TOKEN)
    arguments = [str(token) if a.startswith("/run/secrets/") else a for a in container["args"]]
    assert applied.run(*arguments, RECONCILER_TOKEN="").code == 0
    values = yaml.safe_load((EXAMPLES / "kubernetes" / "nightly.yaml").read_text())
    rule = values["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"][0]
    assert rule["onExitCodes"]["values"] == [4, 64]
    assert values["spec"]["concurrencyPolicy"] == "Forbid"


def test_the_watcher_of_the_cluster_starts_as_it_stands(workspace: Workspace) -> None:
    (container,) = containers("watch.yaml")
    arguments = [a for a in container["args"] if not a.startswith("/run/secrets/") and a != "--token-file"]
    taken = arguments[arguments.index("--listen") + 1]
    assert taken == f"0.0.0.0:{container['ports'][0]['containerPort']}"
    arguments[arguments.index("--listen") + 1] = "nowhere"  # every flag is read before that one is refused
    done = workspace.run(*arguments)
    assert (done.code, "is not HOST:PORT" in done.err) == (64, True), done
    for probe, page in (("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")):
        assert container[probe]["httpGet"] == {"path": page, "port": "metrics"}


def test_the_container_runs_without_rights() -> None:
    text = (EXAMPLES / "container" / "Containerfile").read_text()
    last = text[text.rindex("\nFROM ") :]
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", last, re.MULTILINE)
    assert 'ENTRYPOINT ["reconciler"]' in last
    assert not re.search(r"^(ADD|VOLUME)\b|:latest|--privileged", text, re.MULTILINE)
    extras = re.search(r"mics-reconciler\[([a-z,]+)\]", text)
    assert extras
    project = (EXAMPLES.parent / "pyproject.toml").read_text()
    assert all(re.search(rf"^{extra} = ", project, re.MULTILINE) for extra in extras[1].split(","))
