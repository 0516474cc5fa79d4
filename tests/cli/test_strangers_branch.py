"""`validate` on a branch that somebody else wrote: nothing outside of it is read or shown, it ends, and it is not believed."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.workspace.cache import cache_folder
from tests.cli.test_validate import run
from tests.support.specs import FILES, write

SECRET = "s3cretTokenOfSomebody"
BROKEN = FILES["specs/loyalty.yaml"].replace("kind: ", "kind: Un")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(
        tmp_path / "home",
        {"token": SECRET + "\n", "notes.yaml": f"login: {SECRET}\n", "netrc": f"password {SECRET}\n"},
    )
    return write(tmp_path / "ws", FILES)


def _link(name: str, target: str) -> Callable[[Path], None]:
    return lambda root: (root / name).symlink_to(target)


def _specs(folders: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        text = FILES["reconciler.yaml"].replace('"sandbox:"', f'"sandbox:", specs: {folders}')
        write(root, {"reconciler.yaml": text})

    return change


def _workspace_file(root: Path) -> None:
    (root / "reconciler.yaml").unlink()
    (root / "reconciler.yaml").symlink_to("../home/token")


def _pipe(root: Path) -> None:
    os.mkfifo(root / "specs/pipe.yaml")


def _link_to_pipe(root: Path) -> None:
    os.mkfifo(root / "queue")
    (root / "specs/pipe.yaml").symlink_to("../queue")


def _pipe_as_workspace_file(root: Path) -> None:
    (root / "reconciler.yaml").unlink()
    os.mkfifo(root / "reconciler.yaml")


CASES = {
    "a link to a file": (_link("specs/x.yaml", "../../home/token"), "spec-outside", "specs/x.yaml"),
    "a link to a file by its whole path": (
        lambda r: (r / "specs/x.yaml").symlink_to(r.parent / "home/netrc"),
        "spec-outside",
        "specs/x.yaml",
    ),
    "a link to a folder": (_link("specs/x", "../../home"), "spec-outside", "specs/x"),
    "a link through a link": (
        lambda r: (_link("out", "..")(r), _link("specs/x.yaml", "../out/home/token")(r)),
        "spec-outside",
        "specs/x.yaml",
    ),
    "a link to a device": (_link("specs/x.yaml", "/dev/zero"), "spec-outside", "specs/x.yaml"),
    "a folder of specs that is a link": (
        lambda r: (_link("other", "../home")(r), _specs("[specs, other]")(r)),
        "spec-outside",
        "other",
    ),
    "specs above": (_specs("[specs, ../home]"), "spec-outside", "home"),
    "specs: /": (_specs("[specs, /]"), "spec-outside", "/"),
    "the workspace file": (_workspace_file, "spec-outside", "reconciler.yaml"),
    "a pipe": (_pipe, "spec-unreadable", "specs/pipe.yaml"),
    "a link to a pipe": (_link_to_pipe, "spec-unreadable", "specs/pipe.yaml"),
    "a pipe as the workspace file": (_pipe_as_workspace_file, "spec-unreadable", "reconciler.yaml"),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_outside_is_read_and_the_link_is_named(root: Path, case: str) -> None:
    change, code, where = CASES[case]
    change(root)
    done = run(root, "validate", "-o", "json")
    shown = run(root, "validate")
    assert done.code == shown.code == 1
    found = [(d["code"], d["message"], json.dumps(d)) for d in json.loads(done.out)["diagnostics"]]
    assert any(c == code and where in whole for c, _, whole in found), found
    assert SECRET not in done.out + done.err + shown.out + shown.err


def test_a_file_of_the_branch_named_on_the_command_line_is_not_followed_either(root: Path) -> None:
    _link("specs/x.yaml", "../../home/notes.yaml")(root)
    for args in ([], ["--per-file"]):
        done = run(root, "validate", *args, str(root / "specs/x.yaml"))
        assert done.code == 1
        assert "outside the workspace" in done.err
        assert SECRET not in done.out + done.err


def test_folders_linked_in_circles_end(root: Path) -> None:
    for i in range(12):
        folder = root / f"specs/f{i}"
        folder.mkdir()
        for j in range(12):
            (folder / f"to{j}").symlink_to(f"../f{j}")
    began = time.monotonic()
    assert run(root, "validate").code == 0
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("name", ["specs/x.yaml", "reconciler.yaml"])
def test_a_file_of_any_size_ends(root: Path, name: str) -> None:
    """Also the second time, when it is compared with what is remembered of it."""
    (root / name).touch()
    os.truncate(root / name, 40 << 30)
    for _ in range(2):
        began = time.monotonic()
        done = run(root, "validate")
        assert (done.code, "more than 5,000,000 bytes" in done.err) == (1, True), done
        assert time.monotonic() - began < 20


def test_links_inside_are_followed(root: Path) -> None:
    shutil.move(root / "specs/loyalty.yaml", root / "kept-elsewhere")
    (root / "specs/loyalty.yaml").symlink_to("../kept-elsewhere")
    (root / "specs/again.yaml").symlink_to("../kept-elsewhere")  # the same file counts once
    assert run(root, "validate").code == 0
    write(root, {"kept-elsewhere": BROKEN})
    assert run(root, "validate").code == 1


@pytest.mark.parametrize(
    "content", [SECRET, f"- {SECRET}", f"a: *{SECRET}", f"!{SECRET}", f"login: {SECRET}"]
)
def test_a_file_that_is_no_spec_is_not_shown(root: Path, content: str) -> None:
    write(root, {"specs/token.yaml": content + "\n"})
    done = run(root, "validate")
    assert done.code == 1
    assert "specs/token.yaml" in done.err
    assert SECRET not in done.out + done.err
    assert SECRET not in run(root, "validate", "-o", "json").out


@pytest.mark.parametrize(
    "line", ["  digest: [%s]", "  datamarts: {all: %s}", "  activations: %s", "  token: %s"]
)
def test_findings_about_a_scalar_name_its_type(root: Path, line: str) -> None:
    text = FILES["specs/loyalty.yaml"].rstrip("\n") + "\n" + line % SECRET + "\n"
    write(root, {"specs/loyalty.yaml": text})
    done = run(root, "validate", "-o", "json")
    assert done.code == 1
    assert SECRET not in done.out


def test_a_verdict_that_a_branch_brings_along_is_not_believed(root: Path, tmp_path: Path) -> None:
    assert run(root, "validate").code == 0
    write(root, {"specs/loyalty.yaml": BROKEN})
    assert run(root, "validate").code == 1
    folder = cache_folder(root, os.environ)
    assert folder
    (kept,) = folder.glob("validate-*.json")
    good = {**json.loads(kept.read_text()), "findings": []}
    for place in (root / ".reconciler/cache", root / ".cache/reconciler" / folder.name):
        place.mkdir(parents=True)
        (place / kept.name).write_text(json.dumps(good))
    kept.unlink()
    assert run(root, "validate").code == 1
    assert run(root, "validate", XDG_CACHE_HOME=str(root / ".cache")).code == 1
    assert not (root / ".reconciler/.gitignore").exists()


def test_nothing_is_kept_under_ci_nor_believed(root: Path) -> None:
    assert run(root, "validate").code == 0
    folder = cache_folder(root, os.environ)
    assert folder
    (kept,) = folder.glob("validate-*.json")
    kept.write_text(
        json.dumps(
            {**json.loads(kept.read_text()), "findings": [["x", "error", "KEPT", None, [], None, None, None]]}
        )
    )
    assert "KEPT" in run(root, "validate").err
    assert run(root, "validate", CI="true").code == 0
    shutil.rmtree(folder)
    assert run(root, "validate", CI="true").code == 0
    assert not folder.exists()


# Notes each file that is opened, each program that is started and each connection that is made, for what `python -m` runs.
WATCHING = """
import os, sys
_log = os.open(os.environ["WATCH_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def _watch(event, args):
    if event == "open" and isinstance(args[0], (str, bytes)):
        os.write(_log, f"open {os.fsdecode(args[0])}\\n".encode("utf-8", "surrogateescape"))
    elif event in ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect", "socket.getaddrinfo"):
        os.write(_log, f"{event}\\n".encode())
sys.addaudithook(_watch)
"""
GREEDY = {
    "reconciler.yaml": """\
apiVersion: reconciler/v1
kind: Workspace
metadata: {name: example}
spec:
  organisation_id: "1185"
  endpoint: https://stranger.example
  allow_outside_paths: true
  rules: {small-source: warning}
  credential_command: [touch, ran]
  environments:
    one: {token: {file: ../home/token}}
    two: {token: {file: out/token}, ledger: {env: SOME_LEDGER}}
""",
    "specs/waves.yaml": """\
apiVersion: reconciler/v1
kind: Rollout
metadata: {name: default}
spec:
  waves: [{name: all, datamarts: rest, gates: {command: [touch, ran]}}]
""",
    "specs/crm.yaml": """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: crm}
spec:
  files: [../home/*, out/netrc, data/x.csv, data/y.csv, data/pipe.csv]
  datamarts: all
  identify_by: {compartment: loyalty, user_account_id: customer_id}
---
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: base}
spec:
  sql: {url: {env: SOME_URL}, query: {file: out/query.sql}}
  datamarts: all
  identify_by: {compartment: loyalty, user_account_id: customer_id}
""",
    "data/y.csv": "customer_id\n1\n",
}


@pytest.mark.parametrize("args", [[], ["--per-file", "specs"], ["-o", "json"], ["specs"]])
def test_nothing_is_run_or_asked_and_no_file_outside_is_opened(
    root: Path, tmp_path: Path, args: list[str]
) -> None:
    write(root, GREEDY)
    write(tmp_path / "home", {"query.sql": f"SELECT '{SECRET}'\n"})
    (root / "out").symlink_to("../home")
    (root / "data/x.csv").symlink_to("../../home/netrc")
    os.mkfifo(root / "data/pipe.csv")
    write(tmp_path / "watch", {"sitecustomize.py": WATCHING})
    log = tmp_path / "log"
    done = run(
        root,
        "validate",
        *(str(root / a) if a == "specs" else a for a in args),
        PYTHONPATH=str(tmp_path / "watch"),
        WATCH_LOG=str(log),
        SOME_URL=f"postgresql://x:{SECRET}@stranger.example/x",
        SOME_LEDGER=f"postgresql://x:{SECRET}@stranger.example/x",
    )
    assert done.code in (0, 1)
    assert SECRET not in done.out + done.err
    assert not list(tmp_path.rglob("ran"))
    noted = log.read_bytes().decode("utf-8", "surrogateescape").splitlines()
    opened = {os.path.realpath(root / line[5:]) for line in noted if line.startswith("open ")}
    assert str(root / "specs/crm.yaml") in opened
    assert [line for line in noted if not line.startswith("open ")] == []
    assert [p for p in opened if p.startswith(str(tmp_path / "home"))] == []


@pytest.mark.parametrize("number", ["12.10", "1e3", "0x1F", "-0.0", "1_0.5", "1.50"])
def test_the_help_quotes_a_number_as_it_stands_there(root: Path, number: str) -> None:
    for n, line in enumerate(
        (
            f"spec: {{token: {number}}}",
            f"spec:\n  token:   {number}  # of old",
            f'spec: {{"token":{number} }}',
        )
    ):
        write(root, {"specs/loyalty.yaml": FILES["specs/loyalty.yaml"].split("spec:")[0] + line + "\n"})
        done = run(root, "validate")
        if "spec-type" in done.err:
            assert f'quote it: "{number}"' in done.err, (n, done.err)
        else:
            assert done.code == 0  # a text in YAML 1.2
            assert "_" in number
