"""The pipelines of the example, played on the sandbox: from a pull request to what is on the platform."""

import base64
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import reconciler
from tests.support.emulator import Emulator
from tests.support.pipeline import GitHub
from tests.support.workspace import TOKEN, Workspace

KIT = Path(__file__).parents[2] / "examples/gitops"
VIP = """\
apiVersion: reconciler/v1
kind: Compartment
metadata: {name: vip}
spec: {name: "Very [important](https://evil.example) @everyone", token: vip, activations: {datamarts: all}}
"""


SHARED = "  ledger: {env: RECONCILER_LEDGER_URL}\n  plan_key: {env: RECONCILER_PLAN_KEY}\n"
PLAN_KEY = "0123456789abcdef" * 4


@pytest.fixture
def hub(workspace: Workspace, tmp_path: Path) -> GitHub:
    """A repository with the pipelines of the example; what its main declares is on the platform."""
    shutil.copytree(KIT / ".github", workspace.root / ".github")
    text = (workspace.root / "reconciler.yaml").read_text()
    (workspace.root / "reconciler.yaml").write_text(text + SHARED)
    folder = tmp_path / "played"
    folder.mkdir()
    ledger = f"sqlite:{folder}/ledger.db"
    workspace.env["RECONCILER_LEDGER_URL"] = ledger
    assert workspace.run("apply", "--auto-approve").code == 0
    shutil.rmtree(workspace.root / ".reconciler", ignore_errors=True)
    secrets = {
        "MICS_READER_TOKEN": TOKEN,
        "MICS_WRITER_TOKEN": TOKEN,
        "RECONCILER_LEDGER_URL": ledger,
        "RECONCILER_PLAN_KEY": PLAN_KEY,
    }
    return GitHub(folder, workspace.root, secrets, {"XDG_CACHE_HOME": str(folder / "cache")})


def branch(hub: GitHub, name: str, **files: str) -> Path:
    """The repository with files changed."""
    found = hub.kept / name
    shutil.copytree(hub.files, found)
    for path, text in files.items():
        (found / "specs" / f"{path}.yaml").write_text(text)
    return found


def vips(emulator: Emulator) -> list[str]:
    return [c["token"] for c in emulator.compartments() if c["token"] == "vip"]


def test_a_pull_request_from_open_to_merged_to_drifted_to_repaired(hub: GitHub, emulator: Emulator) -> None:
    first = branch(hub, "first", vip=VIP.replace("token: vip", "token: 014"))
    jobs = hub.pull_request(first, "a" * 40)
    assert {n: j.conclusion for n, j in jobs.items()} == {"validate": "failure", "plan": "skipped"}
    assert "::error file=specs/vip.yaml,line=4" in jobs["validate"].printed

    second = branch(hub, "second", vip=VIP)
    writes = len(emulator.writes())
    jobs = hub.pull_request(second, "b" * 40)
    assert {j.conclusion for j in jobs.values()} == {"success"}, jobs
    hub.pull_request(second, "c" * 40)
    (comment,) = hub.comments()
    assert comment.startswith("<!-- reconciler reconciler plan -->\n## This plan can be applied. ")
    assert "`Compartment/vip`" in comment
    assert "](" not in comment.replace("\\](", "")
    assert "@everyone" not in comment
    sarif = json.loads(gzip.decompress(base64.b64decode(hub.load()["sarif"])))
    assert sarif["runs"][0]["tool"]["driver"]["name"] == "reconciler"
    assert len(emulator.writes()) == writes, "a pull request writes nothing"

    jobs = hub.merge(second, 7, "d" * 40)
    assert jobs["apply"].conclusion == "success", jobs["apply"].printed
    assert vips(emulator) == ["vip"]
    _, result = hub.comments()
    assert result.startswith("<!-- reconciler reconciler apply -->\n## Applied. ")
    assert "| create | `Compartment/vip` |" in result

    night = hub.dispatch("reconciler-nightly.yml")
    assert {j.conclusion for j in night.values()} == {"success"}, night["drift"].printed
    assert hub.issues() == []
    row = next(a for a in emulator.activations("1509") if a["compartment_id"] == vip_id(emulator))
    emulator.store.remove("activation", row["id"])
    for _ in range(2):
        night = hub.dispatch("reconciler-nightly.yml")
        (issue,) = hub.issues()
        assert "Activation/vip@retail-fr" in issue["body"]

    jobs = hub.dispatch("reconciler-apply.yml", what="new plan", allow="")
    assert jobs["apply-main"].conclusion == "success", jobs["apply-main"].printed
    plans = [json.loads(p.read_text()) for p in hub.kept.glob("artifacts/*/reconciler-plan/reconciler.plan")]
    assert len(plans) > 1
    assert all(plan["seal"] for plan in plans)
    hub.dispatch("reconciler-nightly.yml")
    assert (hub.issues(), len(hub.issues("closed"))) == ([], 1)
    for path in hub.kept.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path
        assert not path.is_file() or PLAN_KEY.encode() not in path.read_bytes(), path


def vip_id(emulator: Emulator) -> str:
    return next(str(c["id"]) for c in emulator.compartments() if c["token"] == "vip")


def test_a_plan_that_became_stale_is_not_applied_and_not_made_anew(hub: GitHub, emulator: Emulator) -> None:
    change = branch(hub, "change", vip=VIP)
    hub.pull_request(change, "a" * 40)
    row = {k: v for k, v in emulator.compartments()[0].items() if k != "id"}
    emulator.store.add("compartment", "1185", row | {"token": "vip", "name": "clicked in the console"})
    writes = len(emulator.writes())
    jobs = hub.merge(change, 7, "d" * 40)
    assert jobs["apply"].conclusion == "failure"
    assert len(emulator.writes()) == writes
    _, result = hub.comments()
    assert "## Refused. Nothing was written." in result
    assert "Compartment/vip" in result
    assert "make a new plan" in " ".join(result.split())


def test_a_push_without_a_reviewed_plan_applies_nothing(hub: GitHub, emulator: Emulator) -> None:
    hub.files = branch(hub, "pushed", vip=VIP)
    writes = len(emulator.writes())
    jobs = hub.push("d" * 40)
    assert jobs["apply"].conclusion == "failure"
    assert "merged no pull request" in jobs["apply"].printed
    hub.pull_request(hub.files, "a" * 40)
    shutil.rmtree(hub.kept / "artifacts")
    jobs = hub.merge(hub.files, 7, "e" * 40)
    assert jobs["apply"].conclusion == "failure"
    assert "No plan is kept for the head" in hub.comments()[-1]
    assert len(emulator.writes()) == writes
    assert vips(emulator) == []


@pytest.mark.parametrize("how", ["no key yet", "edited", "another job's", "forged"])
def test_the_merge_demands_the_seal_where_the_key_is_set(how: str, hub: GitHub, emulator: Emulator) -> None:
    """A plan without the right seal is refused; one with it that does what no spec declares, as a branch can make it, too."""
    change = branch(hub, "change", vip=VIP)
    if how == "no key yet":
        del hub.secrets["RECONCILER_PLAN_KEY"]
    hub.pull_request(
        branch(hub, "other", vip=VIP.replace("vip", "vop")) if how == "forged" else change, "a" * 40
    )
    hub.secrets["RECONCILER_PLAN_KEY"] = PLAN_KEY
    (kept,) = hub.kept.glob("artifacts/*/reconciler-plan/reconciler.plan")
    plan = json.loads(kept.read_text())
    assert bool(plan["seal"]) == (how != "no key yet")
    if how == "edited":
        plan["resource_changes"][0]["reason"] = "because"
    elif how == "another job's":
        plan["seal"] = ""
    kept.write_text(json.dumps(plan))
    writes = len(emulator.writes())
    jobs = hub.merge(change, 7, "d" * 40)
    assert (jobs["apply"].conclusion, len(emulator.writes())) == ("failure", writes)
    words = {
        "edited": "reconciler.plan was changed",
        "forged": "not what the specs of this workspace declare",
    }.get(how, "The plan is not sealed")
    assert words in " ".join(hub.comments()[-1].split())
    jobs = hub.dispatch("reconciler-apply.yml", what="new plan", allow="")
    assert (jobs["apply-main"].conclusion, vips(emulator)) == ("success", ["vip"])


def test_without_a_key_plans_are_compared_with_the_specs_alone(hub: GitHub, emulator: Emulator) -> None:
    del hub.secrets["RECONCILER_PLAN_KEY"]
    change = branch(hub, "change", vip=VIP)
    hub.pull_request(change, "a" * 40)
    assert hub.merge(change, 7, "d" * 40)["apply"].conclusion == "success"
    assert vips(emulator) == ["vip"]


def shell(hub: GitHub, steps: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    """Steps of a pipeline, in the folder of main."""
    path = f"{hub.bin}:{os.environ['PATH']}"
    known = {**hub.env, "RECONCILER_LEDGER_URL": hub.secrets["RECONCILER_LEDGER_URL"], "RECONCILER_TOKEN": TOKEN, "PATH": path, **env}  # fmt: skip
    return subprocess.run(["sh", "-e", "-c", "\n".join(steps)], cwd=hub.files, env=known, capture_output=True, text=True, check=False)  # fmt: skip


@pytest.mark.parametrize("kit", ["gitlab", "atlantis"])
def test_gitlab_and_atlantis_seal_and_demand_the_seal(kit: str, hub: GitHub, emulator: Emulator) -> None:
    (hub.files / "specs/vip.yaml").write_text(VIP)
    if kit == "gitlab":
        jobs = yaml.safe_load((KIT / ".gitlab-ci.yml").read_text())
        plan, apply = jobs["plan"]["script"], jobs["apply"]["script"]
    else:
        steps = yaml.safe_load((KIT / "atlantis.yaml").read_text())["workflows"]["reconciler"]
        plan, apply = ([s["run"] for s in steps[n]["steps"]] for n in ("plan", "apply"))
    env = {"PLANFILE": "reconciler.plan"}
    made = shell(hub, plan, **env)
    assert made.returncode == 0, made
    refused = shell(hub, apply, RECONCILER_PLAN_KEY=PLAN_KEY, **env)
    assert (refused.returncode, "The plan is not sealed" in refused.stderr) == (4, True), refused
    assert shell(hub, plan, RECONCILER_PLAN_KEY=PLAN_KEY, **env).returncode == 0
    done = shell(hub, apply, RECONCILER_PLAN_KEY=PLAN_KEY, **env)
    assert (done.returncode, vips(emulator)) == (0, ["vip"]), done


def test_a_fork_is_validated_and_sees_no_secret(hub: GitHub, emulator: Emulator) -> None:
    reads = len(emulator.requests())
    jobs = hub.pull_request(branch(hub, "fork", vip=VIP), "a" * 40, fork=True)
    assert {n: j.conclusion for n, j in jobs.items()} == {"validate": "success", "plan": "skipped"}
    assert not any(env for env in jobs["validate"].seen)
    assert len(emulator.requests()) == reads
    assert hub.comments() == []


def test_an_apply_that_was_stopped_is_resumed_by_hand(hub: GitHub, emulator: Emulator) -> None:
    change = branch(hub, "change", vip=VIP)
    hub.pull_request(change, "a" * 40)
    emulator.fault(
        {"method": "POST", "path": "/datamarts/1509/compartments", "do": "status", "status": 403, "times": 99}
    )
    jobs = hub.merge(change, 7, "d" * 40)
    assert jobs["apply"].conclusion == "failure"
    assert "It is safe to run" in hub.comments()[-1]
    emulator.fault()
    jobs = hub.dispatch("reconciler-apply.yml", what="resume")
    assert jobs["resume"].conclusion == "success", jobs["resume"].printed
    assert len([a for a in emulator.activations("1509") if a["compartment_id"] == vip_id(emulator)]) == 1


def test_a_pull_request_into_another_branch_is_not_what_main_merged(hub: GitHub, emulator: Emulator) -> None:
    change = branch(hub, "change", vip=VIP)
    hub.pull_request(change, "a" * 40, base="feature")
    jobs = hub.merge(change, 7, "d" * 40)
    assert jobs["apply"].conclusion == "failure"
    assert "merged no pull request" in jobs["apply"].printed
    assert vips(emulator) == []


def test_every_job_that_can_write_waits_in_one_queue_that_drops_none() -> None:
    jobs = [
        job
        for path in sorted((KIT / ".github/workflows").iterdir())
        for job in yaml.safe_load(path.read_text())["jobs"].values()
        if "MICS_WRITER_TOKEN" in str(job)
    ]
    assert len(jobs) > 3
    for job in jobs:
        assert job["concurrency"] == {
            "group": "reconciler-apply",
            "cancel-in-progress": False,
            "queue": "max",
        }


def reporting(folder: Path, program: str) -> subprocess.Popen[str]:
    """`report.sh`, with a shell script in the place of reconciler."""
    (folder / "reconciler").write_text(f"#!/bin/bash\n{program}\n")
    (folder / "reconciler").chmod(0o755)
    env = {"PATH": f"{folder}:{os.environ['PATH']}", "GITHUB_WORKFLOW": "w", "GITHUB_STEP_SUMMARY": "sum", "GITHUB_SERVER_URL": "https://github.example", "GITHUB_REPOSITORY": "shop/specs", "GITHUB_RUN_ID": "1"}  # fmt: skip
    script = KIT / ".github/scripts/report.sh"
    return subprocess.Popen(["bash", str(script), "plan"], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("errors", [0, 1, 700, 30_000])
@pytest.mark.parametrize("report", [0, 1, 43_000, 60_000])
def test_report_and_errors_fit_into_one_comment(
    tmp_path: Path, report: int, errors: int, *, wide: bool
) -> None:
    (tmp_path / "out").write_text(("é" if wide else "r") * report)
    (tmp_path / "err").write_text("e x\n" * (errors // 4))
    process = reporting(tmp_path, "cat out; cat err >&2; exit 4")
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (4, "e x\n" * (errors // 4))
    comment = (tmp_path / "comment.md").read_text()
    assert len(comment) <= 65_536
    assert comment.startswith("<!-- reconciler w -->\n")
    assert (tmp_path / "out").read_text() in comment
    assert ("    e x\n" in comment) == (errors > 3)
    assert ("The log of the job has the rest." in comment) == (errors == 30_000)


def test_what_is_waited_for_is_in_the_log_while_it_is_waited_for(tmp_path: Path) -> None:
    process = reporting(tmp_path, "echo still working >&2; until [ -e go ]; do sleep 0.1; done; exit 3")
    assert process.stderr is not None
    assert process.stderr.readline() == "still working\n"
    assert process.poll() is None
    (tmp_path / "go").touch()
    process.communicate(timeout=60)
    assert process.returncode == 3


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("vendor.github-workflows", sorted((KIT / ".github/workflows").iterdir())),
        ("vendor.gitlab-ci", [KIT / ".gitlab-ci.yml"]),
    ],
)
def test_pipelines_are_valid(schema: str, paths: list[Path]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_reports_that_gitlab_shows_are_made_from_the_kept_plan(hub: GitHub, workspace: Workspace) -> None:
    jobs = yaml.safe_load((KIT / ".gitlab-ci.yml").read_text())
    (hub.files / "specs/vip.yaml").write_text(VIP)
    for job in ("validate", "plan"):
        script = "\n".join(jobs[job]["script"])
        env = {**hub.env, **hub.secrets, "RECONCILER_TOKEN": TOKEN, "PATH": f"{hub.bin}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-e", "-c", script], cwd=hub.files, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    reports = {
        p: (hub.files / p).read_text() for p in ("codequality.json", "junit.xml", "plan.json", "plan.html")
    }
    assert json.loads(reports["plan.json"]) == {"create": 3, "update": 0, "delete": 0}
    assert json.loads(reports["codequality.json"]) == []
    assert reports["junit.xml"].startswith("<?xml")
    assert "<!doctype html>" in reports["plan.html"].lower()
    hub_plan = workspace.run("show", str(hub.files / "reconciler.plan"), "-o", "github")
    assert hub_plan.code == 0
    assert all(line.startswith("::") for line in hub_plan.out.splitlines())


def test_actions_are_pinned_and_the_version_is_ours() -> None:
    texts = [p.read_text() for p in (*(KIT / ".github/workflows").iterdir(), KIT / ".gitlab-ci.yml")]
    for text in texts:
        assert all(re.fullmatch(r"\S+@[0-9a-f]{40} # v[\d.]+", x) for x in re.findall(r"uses: (.*)", text))
        assert set(re.findall(r"mics-reconciler\S*==([\d.]+)", text)) == {reconciler.__version__}
