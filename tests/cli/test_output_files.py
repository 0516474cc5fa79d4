"""What flags such as --out, --events and --rejects write into, and the bytes on stdout."""

import json
import os
import stat
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.support import zygote
from tests.support.workspace import TOKEN, Workspace


def command(workspace: Workspace, *args: str, stdout: Any = subprocess.PIPE, **env: str) -> Any:
    """In a process of its own: its stdout is what a test says, and its bytes are looked at."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RECONCILER_") and k != "CI"}
    return subprocess.run(
        [*zygote.command(), "-C", str(workspace.root), *args],
        env={**clean, "RECONCILER_TOKEN": TOKEN, **env},
        stdout=stdout,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def is_plan(content: bytes) -> bool:
    return "plan_digest" in json.loads(content)


def test_a_plan_goes_into_a_device_and_leaves_it_one(workspace: Workspace) -> None:
    device = workspace.root / "null"
    try:
        os.mknod(device, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        device.write_bytes(b"x")
    except OSError:
        pytest.skip("devices cannot be made here")
    assert workspace.run("plan", "--out", str(device)).code == 0
    assert stat.S_ISCHR(device.stat().st_mode)
    assert workspace.run("apply", "--auto-approve", "--events", str(device)).code == 0
    assert stat.S_ISCHR(device.stat().st_mode)


def test_a_plan_goes_into_a_pipe(workspace: Workspace) -> None:
    pipe, read = workspace.root / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    assert workspace.run("plan", "--out", str(pipe)).code == 0
    reader.join(10)
    assert is_plan(read[0])
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/fd/1"])
@pytest.mark.parametrize("args", [("plan", "--out"), ("drift", "--out")])
def test_stdout_holds_the_plan_and_nothing_else(
    workspace: Workspace, name: str, args: tuple[str, ...], tmp_path: Path
) -> None:
    assert is_plan(command(workspace, *args, name).stdout)
    with (tmp_path / "redirected").open("wb") as file:
        command(workspace, *args, name, stdout=file)
    assert is_plan((tmp_path / "redirected").read_bytes())


def test_links_are_followed_and_modes_are_kept(workspace: Workspace) -> None:
    real, link = workspace.root / "real.plan", workspace.root / "link.plan"
    link.symlink_to("real.plan")
    assert workspace.run("plan", "--out", str(link)).code == 0
    assert link.is_symlink()
    assert is_plan(real.read_bytes())
    real.chmod(0o640)
    assert workspace.run("plan", "--out", str(link)).code == 0
    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["specs/loyalty.yaml", "package.json", "link"])
@pytest.mark.parametrize(
    "args", [("plan", "--out"), ("drift", "--out"), ("apply", "--auto-approve", "--events")]
)
def test_what_is_not_such_a_file_is_not_touched(
    workspace: Workspace, name: str, args: tuple[str, ...]
) -> None:
    workspace.write("package.json", '[{"format": 1}]\n')
    (workspace.root / "link").symlink_to("specs/loyalty.yaml")
    path = workspace.root / name
    before = path.read_bytes()
    done = workspace.run(*args, str(path))
    assert done.code == 1, done
    assert str(path) in done.err
    assert "name another file" in done.err
    assert path.read_bytes() == before


def test_a_folder_and_a_missing_folder_are_named(workspace: Workspace) -> None:
    for name, why in (("specs", "is a folder"), ("none/x.plan", "does not exist")):
        done = workspace.run("plan", "--out", str(workspace.root / name))
        assert (done.code, why in done.err) == (1, True), done


def test_rejects_go_into_what_is_no_file_and_never_over_a_file(workspace: Workspace) -> None:
    workspace.customers(3)
    source = ("source", "check", "customers", "--rejects")
    assert workspace.run(*source, "/dev/null").code == 0
    link = workspace.root / "link"
    link.symlink_to("rejects")
    assert workspace.run(*source, str(link)).code == 0
    assert stat.S_IMODE((workspace.root / "rejects").stat().st_mode) == 0o600
    assert workspace.run(*source, str(link)).code == 1


@pytest.mark.parametrize(
    ("encoding", "args"),
    [
        ("ascii", ("plan", "-o", "json")),
        ("latin-1", ("plan", "-o", "markdown")),
        ("ascii:strict", ("plan", "-o", "html")),
        ("ascii", ("plan", "--out", "-")),
        ("latin-1", ("render", "-o", "json")),
        ("ascii", ("validate", "-o", "sarif")),
    ],
)
def test_documents_for_programs_are_utf_8(workspace: Workspace, encoding: str, args: tuple[str, ...]) -> None:
    workspace.write(
        "specs/loyalty.yaml",
        "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: loyalty}\n"
        "spec: {name: Fidélité 東京, token: loyalty, activations: all}\n",
    )
    there = command(workspace, *args, PYTHONIOENCODING=encoding, LC_ALL="C").stdout
    if args[-1] in ("json", "sarif", "-"):
        json.loads(there)
    if args[0] in ("plan", "render"):
        assert "Fidélité 東京" in there.decode("utf-8")


@pytest.mark.parametrize("args", [("plan",), ("schema",)])
def test_a_full_disk_under_stdout_is_an_error_that_names_it(
    workspace: Workspace, args: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = command(workspace, *args, stdout=full)
    assert done.returncode == 1
    assert b"cannot write to stdout: No space left on device" in done.stderr
    assert b"bug" not in done.stderr


@pytest.mark.parametrize("args", [("plan", "--out"), ("apply", "--auto-approve", "--events")])
def test_a_full_disk_under_a_named_file_is_an_error_that_names_it(
    workspace: Workspace, args: tuple[str, ...]
) -> None:
    done = workspace.run(*args, "/dev/full")
    assert done.code == 1, done
    assert "cannot write /dev/full: No space left on device" in done.err
    assert workspace.plan()["resource_changes"], "nothing was applied"


def test_a_reader_that_leaves_does_not_stop_an_apply(workspace: Workspace) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as gone:
        done = command(workspace, "apply", "--auto-approve", stdout=gone)
    assert done.returncode == 0, done.stderr
    assert all(c["change"]["actions"] == ["no-op"] for c in workspace.plan()["resource_changes"])
