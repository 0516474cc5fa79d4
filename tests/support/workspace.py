"""A workspace on disk, and the command line run on it as a user would."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.support import zygote

WORKSPACE = """\
apiVersion: reconciler/v1
kind: Workspace
metadata: {{name: shop}}
spec:
  organisation_id: "{organisation}"
  endpoint: {endpoint}
  settle: {settle}
  specs: [specs]
  lock_folder: ../locks
"""
DATAMARTS = """\
apiVersion: reconciler/v1
kind: Datamarts
metadata: {name: markets}
spec:
  retail-fr: {id: "1509", labels: {country: fr}, default_compartment: loyalty}
  retail-de: {id: "1510", labels: {country: de}}
"""
LOYALTY = """\
apiVersion: reconciler/v1
kind: Compartment
metadata: {name: loyalty, labels: {team: crm}}
spec: {name: Loyalty programme, token: loyalty, activations: all}
"""
CUSTOMERS = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: customers}
spec:
  files: ["data/*.csv"]
  datamarts: retail-fr
  identify_by: {compartment: loyalty, user_account_id: id}
  update: {force_replace: true}
"""
TOKEN = "api:t0ken-that-must-never-be-shown"


class Workspace:
    """Files below `root`; `run` runs the CLI there."""

    def __init__(self, root: Path, endpoint: str, *, settle: str = "0", organisation: str = "1185") -> None:
        self.root = root
        self.env: dict[str, str] = {}
        (root / "specs").mkdir(parents=True)
        (root / "data").mkdir()
        self.write(
            "reconciler.yaml", WORKSPACE.format(endpoint=endpoint, settle=settle, organisation=organisation)
        )
        self.write("specs/datamarts.yaml", DATAMARTS)
        self.write("specs/loyalty.yaml", LOYALTY)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def customers(
        self, lines: int, *, max_bytes: int | None = None, source: str = CUSTOMERS, mark: str = "v1"
    ) -> None:
        chunk = f"  chunk: {{max_bytes: {max_bytes}}}\n" if max_bytes else ""
        self.write("specs/customers.yaml", source + chunk)
        self.write("data/customers.csv", "id,tier\n" + "".join(f"c{n:06d},{mark}\n" for n in range(lines)))

    def start(self, *args: str, **env: str) -> "subprocess.Popen[str] | zygote.Process":
        clean = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith("RECONCILER_") and k not in ("CI", "FORCE_COLOR")
        }
        arguments = ["-C", str(self.root), *args]
        environment = {**clean, "RECONCILER_TOKEN": TOKEN, **self.env, **env}
        if not os.environ.get("RECONCILER_TESTS_EXEC"):
            return self._kept(zygote.start(arguments, environment))
        process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        return self._kept(process)

    def _kept(
        self, process: "subprocess.Popen[str] | zygote.Process"
    ) -> "subprocess.Popen[str] | zygote.Process":
        _STARTED.append(process)
        return process

    def run(self, *args: str, timeout: float = 120, **env: str) -> "Done":
        process = self.start(*args, **env)
        out, err = process.communicate(timeout=timeout)
        return Done(process.returncode, out, err)

    def plan(self, *args: str) -> dict[str, Any]:
        done = self.run("plan", "-o", "json", *args)
        return json.loads(done.out)

    def forget_ledger(self) -> None:
        shutil.rmtree(self.root / ".reconciler", ignore_errors=True)


_STARTED: "list[subprocess.Popen[str] | zygote.Process]" = []


def kill_what_runs() -> None:
    """Nothing that a test started outlives it: a test that fails has not ended what it began."""
    for process in _STARTED:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(Exception):
                process.wait(10)
    _STARTED.clear()


class Done:
    """What a command printed; never with the token, never a traceback."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        assert TOKEN not in out + err
        assert "Traceback" not in out + err, err
        assert "bug in reconciler" not in err, err

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def kill(process: "subprocess.Popen[str] | zygote.Process", *, group: bool, after: float) -> bool:
    """SIGKILL after a while; False if it ended before."""
    deadline = time.monotonic() + after
    while time.monotonic() < deadline:
        if process.poll() is not None:
            process.communicate()
            return False
        time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError):  # it ended this very moment
        (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
    process.wait()  # not for its children: the next run has to cope with what is left of them
    if isinstance(process, zygote.Process):
        process.forget()
    else:
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()
    return True
