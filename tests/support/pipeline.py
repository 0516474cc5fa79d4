"""A small GitHub: it runs the jobs of workflow files for an event, step by step, with a `gh` that keeps what it is told in files.

What is real: the shell of every step, its environment, `if`, `needs`, outputs, artefacts, exit codes. What is left out: `pip install`,
and the time between.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support import zygote

GH = Path(__file__).with_name("gh.py")


class Dots(dict[str, Any]):
    """What an expression reads with dots; what is not there is empty."""

    def __getattr__(self, name: str) -> Any:
        found = self.get(name, "")
        return Dots(found) if isinstance(found, dict) else found


@dataclass
class Job:
    """How a job ended, and what its steps printed and could see."""

    conclusion: str
    printed: str = ""
    seen: list[dict[str, str]] = field(default_factory=list)


class GitHub:
    """One repository: `files` is its main branch; comments, issues, runs and artefacts lie in `kept`."""

    def __init__(self, folder: Path, files: Path, secrets: dict[str, str], env: dict[str, str]) -> None:
        self.kept, self.files, self.secrets, self.env = folder / "github", files, secrets, env
        self.kept.mkdir()
        self.store = self.kept / "store.json"
        self.save({"comments": [], "issues": [], "runs": [], "pulls": []})
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.bin / "gh").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{GH}" "$@"\n')
        (self.bin / "gh").chmod(0o755)
        (self.bin / "reconciler").write_text(f'#!/bin/sh\nexec {shlex.join(zygote.command())} "$@"\n')
        (self.bin / "reconciler").chmod(0o755)

    def load(self) -> dict[str, Any]:
        return json.loads(self.store.read_text())

    def save(self, data: dict[str, Any]) -> None:
        self.store.write_text(json.dumps(data))

    def comments(self) -> list[str]:
        return [c["body"] for c in self.load()["comments"]]

    def issues(self, state: str = "open") -> list[dict[str, Any]]:
        return [i for i in self.load()["issues"] if i["state"] == state]

    def pull_request(
        self, branch: Path, head: str, number: int = 7, *, fork: bool = False, base: str = "main"
    ) -> dict[str, Job]:
        """A pull request is opened, or its branch is pushed to."""
        data = self.load()
        data["pulls"] = [p for p in data["pulls"] if p["number"] != number]
        data["pulls"].append(
            {"number": number, "head": {"sha": head}, "base": {"ref": base}, "merged_at": None, "merge": None}
        )
        self.save(data)
        repository = "stranger/fork" if fork else "shop/specs"
        event = {"pull_request": {"number": number, "head": {"sha": head, "repo": {"full_name": repository}}}}
        return self.run(
            "reconciler-plan.yml", branch, "pull_request", event, head, {} if fork else self.secrets
        )

    def merge(self, branch: Path, number: int, commit: str) -> dict[str, Job]:
        """A pull request is merged, which pushes to main."""
        data = self.load()
        for pull in data["pulls"]:
            if pull["number"] == number:
                pull |= {"merged_at": "2026-01-01T00:00:00Z", "merge": commit}
        self.save(data)
        self.files = branch
        return self.push(commit)

    def push(self, commit: str) -> dict[str, Job]:
        return self.run("reconciler-apply.yml", self.files, "push", {}, commit, self.secrets)

    def dispatch(self, workflow: str, **inputs: str) -> dict[str, Job]:
        return self.run(workflow, self.files, "workflow_dispatch", {"inputs": inputs}, "f" * 40, self.secrets)

    def run(
        self,
        workflow: str,
        files: Path,
        event: str,
        payload: dict[str, Any],
        sha: str,
        secrets: dict[str, str],
    ) -> dict[str, Job]:
        data = self.load()
        run = {"databaseId": len(data["runs"]) + 1, "workflow": workflow, "sha": sha, "event": event}
        data["runs"].append(run | {"status": "running"})
        self.save(data)
        found = yaml.safe_load((files / ".github/workflows" / workflow).read_text())
        names = {
            "github": {
                "event": payload,
                "event_name": event,
                "repository": "shop/specs",
                "sha": sha,
                "token": "gh-token",
            },
            "inputs": payload.get("inputs", {}),
        }
        jobs: dict[str, Job] = {}
        for name, job in found["jobs"].items():
            wanted = _true(job.get("if", "True"), names, good=True)
            needed = [job["needs"]] if isinstance(job.get("needs"), str) else job.get("needs", [])
            if not wanted or any(jobs[n].conclusion != "success" for n in needed):
                jobs[name] = Job("skipped")
                continue
            jobs[name] = self._job(found["name"], job, files, names, secrets, str(run["databaseId"]))
        data = self.load()
        failed = any(j.conclusion == "failure" for j in jobs.values())
        data["runs"][-1]["status"] = "failure" if failed else "success"
        self.save(data)
        return jobs

    def _job(
        self,
        workflow: str,
        job: dict[str, Any],
        files: Path,
        names: dict[str, Any],
        secrets: dict[str, str],
        run: str,
    ) -> Job:
        work = self.kept / f"work-{run}-{len(list(self.kept.glob('work-*')))}"
        work.mkdir()
        known = names | {"secrets": secrets, "steps": {}}
        done, good = Job("success"), True
        for step in job["steps"]:
            if not _true(step.get("if", "success()"), known, good=good, work=work):
                continue
            action, shell = step.get("uses", "").partition("@")[0], step.get("run", "")
            if action == "actions/checkout":
                shutil.copytree(files, work, dirs_exist_ok=True)
            elif action == "actions/upload-artifact":
                kept = self.kept / "artifacts" / run / step["with"]["name"]
                kept.mkdir(parents=True)
                shutil.copy(work / step["with"]["path"], kept)
            elif shell and not shell.startswith("pip install "):
                output = work / "output.txt"
                output.write_text("")
                env = {k: _filled(str(v), known) for k, v in step.get("env", {}).items()}
                done.seen.append(env)
                result = subprocess.run(
                    ["bash", "-e", "-c", _filled(shell, known)],
                    cwd=work,
                    env={
                        **self.env,
                        "PATH": f"{self.bin}:{os.environ['PATH']}",
                        "HOME": str(work),
                        "CI": "true",
                        "GITHUB_ACTIONS": "true",
                        "GITHUB_WORKFLOW": workflow,
                        "GITHUB_REPOSITORY": "shop/specs",
                        "GITHUB_SERVER_URL": "https://github.example",
                        "GITHUB_RUN_ID": run,
                        "GITHUB_REF_NAME": "main",
                        "GITHUB_SHA": names["github"]["sha"],
                        "GITHUB_OUTPUT": str(output),
                        "GITHUB_STEP_SUMMARY": str(self.kept / f"summary-{run}.md"),
                        "GH_STORE": str(self.kept),
                        **env,
                    },
                    capture_output=True,
                    text=True,
                    timeout=120,
                    check=False,
                )
                done.printed += result.stdout + result.stderr
                outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
                known["steps"][step.get("id", "")] = {"outputs": outputs}
                if result.returncode and not step.get("continue-on-error"):
                    good, done.conclusion = False, "failure"
        return done


def _value(expression: str, names: dict[str, Any], work: Path | None, *, good: bool) -> Any:
    """An expression, of the few operators that these workflows use."""
    python = expression.replace("&&", " and ").replace("||", " or ")
    known: dict[str, Any] = {
        "always": lambda: True,
        "success": lambda: good,
        "hashFiles": lambda path: "x" if work is not None and (work / path).exists() else "",
        "True": True,
        "__builtins__": {},
    }
    return eval(python, known | {k: Dots(v) for k, v in names.items()})


def _true(condition: str, names: dict[str, Any], *, good: bool, work: Path | None = None) -> bool:
    """As GitHub reads `if`: a step after one that failed runs only if it says so."""
    found = bool(_value(str(condition), names, work, good=good))
    return found if "always()" in str(condition) else found and good


def _filled(text: str, names: dict[str, Any]) -> str:
    return re.sub(r"\$\{\{(.*?)\}\}", lambda m: str(_value(m[1].strip(), names, None, good=True)), text)
