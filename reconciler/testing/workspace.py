"""A copy of a workspace that talks to a sandbox, and the command line run on it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.kinds.counts import few
from reconciler.model.exit_code import Exit
from reconciler.spec.files import read_workspace
from reconciler.workflows.check import Checked, check

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".reconciler", ".sandbox", ".venv", "venv", "node_modules", "__pycache__", "*.plan"
)
TOKEN = "api:sandbox"  # noqa: S105 - the sandbox takes any
SECONDS = 600.0
SHOWN = 3  # actions in the line of a plan
SETTLE = (
    "2s"  # as late as a listing may be; the first apply waits for so long, as nobody knows what was before
)


class Failed(AssertionError):
    """A command did not end as it should; the message is what it printed."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a command did.

    Attributes:
        command: as typed.
        code: its exit code.
        out, err: what it printed.
    """

    command: str
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output, where that is JSON."""
        return json.loads(self.out)

    def ended(self, *codes: int) -> "Result":
        """Itself.

        Raises:
            Failed: it ended with none of these exit codes.
        """
        if self.code in codes:
            return self
        wanted = " or ".join(map(str, codes))
        raise Failed(
            f"`{self.command}` ended with exit code {self.code}, not {wanted}:\n\n{self.out}{self.err}".rstrip()
        )


class PlanResult:
    """A plan; `document` is all of it, as `plan -o json` prints it."""

    def __init__(self, document: Mapping[str, Any], text: str) -> None:
        self.document, self._text = document, text

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        """What a failing assertion shows: what the plan would do, on one line."""
        acts = [f"{action} {address}" for address, action in self.actions.items()]
        return f"<plan: {few(acts, SHOWN) if acts else 'nothing to do'}>"

    @property
    def summary(self) -> dict[str, int]:
        """Counts: create, update, delete, execute, unchanged."""
        return dict(self.document["summary"])

    @property
    def actions(self) -> dict[str, str]:
        """What is to be done, by address; without what stays as it is."""
        changes = {c["address"]: c["change"]["actions"][0] for c in self.document["resource_changes"]}
        loads = {x["address"]: x["actions"][0] for x in self.document["loads"]}
        return {a: v for a, v in {**changes, **loads}.items() if v != "no-op"}

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to do."""
        return not self.actions


class Reconcile:
    """Runs `reconciler` on a copy of the workspace. The copy is yours to change: `root` is where.

    Attributes:
        root: the copy.
        environment: of reconciler.yaml, if one was chosen.
        checked: the workspace as it was read; its findings are printed by whatever is run.
        last: the newest command that was run; a test that fails shows it.
    """

    def __init__(self, source: Path, root: Path, environment: str | None) -> None:
        self.root, self.environment = root, environment
        self.last: Result | None = None
        shutil.copytree(source, root, ignore=LEFT_OUT, symlinks=True)
        self._environ = {k: v for k, v in os.environ.items() if not k.startswith("RECONCILER_")}
        self.checked: Checked = check(root, {"environment": environment}, self._environ)

    def __repr__(self) -> str:
        """What a failing assertion shows."""
        return f"<workspace {self.checked.settings.workspace}>"

    def connect(self, url: str) -> None:
        """Let the copy talk to a sandbox, with a ledger of its own.

        Raises:
            ReconcilerError: the copy has no workspace file.
            SpecError: it cannot be read.
        """
        document: Any = read_workspace(self.root).data
        ours = {"endpoint": url, "ledger": "sqlite:.reconciler/ledger.db", "settle": SETTLE}
        given = {k: v for k, v in document["spec"].items() if k not in ("token", "credential_command")}
        environments = {
            name: {k: v for k, v in fields.items() if k not in (*ours, "token", "credential_command")}
            for name, fields in given.get("environments", {}).items()
        }
        spec = {**given, **ours, **({"environments": environments} if environments else {})}
        (self.root / "reconciler.yaml").write_text(
            json.dumps({**document, "spec": spec}, indent=1)
        )  # JSON is YAML

    def __call__(self, *arguments: str) -> Result:
        """Run any command: `reconcile("drift", "--detailed-exitcode")`. Never raises for how it ended."""
        chosen = {"RECONCILER_ENVIRONMENT": self.environment} if self.environment else {}
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "reconciler", "-C", str(self.root), *arguments],
            env={**self._environ, **chosen, "RECONCILER_TOKEN": TOKEN, "NO_COLOR": "1", "COLUMNS": "100"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        typed = " ".join(["reconciler", *arguments]).replace(f"{self.root}/", "")
        self.last = Result(typed, done.returncode, done.stdout, done.stderr)
        return self.last

    def validate(self) -> Result:
        """Check the specs offline.

        Raises:
            Failed: there are errors.
        """
        return self("validate").ended(Exit.DONE)

    def plan(self, *flags: str) -> PlanResult:
        """Plan.

        Raises:
            Failed: there is no plan, or it is not applyable; the message says why.
        """
        saved = self.root / ".reconciler" / "tested.plan"
        saved.parent.mkdir(exist_ok=True)
        shown = self("plan", "--out", str(saved), *flags).ended(Exit.DONE)
        return PlanResult(json.loads(saved.read_text("utf-8")), shown.out)

    def apply(self, *flags: str) -> Result:
        """Plan and apply.

        Raises:
            Failed: it did not all succeed.
        """
        return self("apply", "--auto-approve", *flags).ended(Exit.DONE)

    def converge(self, runs: int = 8) -> int:
        """Apply until a plan is empty, as a pipeline would that runs again; the number of runs that took.

        Raises:
            Failed: it is still not empty after so many runs, or a run ended in a way that running again does not mend.
        """
        count = 0
        while True:
            count += 1
            last = self("apply", "--auto-approve").ended(Exit.DONE, Exit.FAILED, Exit.PARTLY)
            planned = self("plan", "--detailed-exitcode")
            if planned.code == Exit.DONE:
                return count
            if count >= runs:
                said = f"{last.out}{last.err}\n{planned.out}{planned.err}"
                raise Failed(f"not converged after {runs} runs. The last one:\n\n{said}")
