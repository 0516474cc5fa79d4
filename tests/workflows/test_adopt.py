"""`adopt`: hand-written specs are matched with what exists, and made to say it, with nothing else changed in the files."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.errors import DiskFailed
from reconciler.workflows.adopt import write_specs
from reconciler.workflows.check import Checked
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

LOYALTY = """\
# Who may change this: the CRM team.
apiVersion: reconciler/v1
kind: Compartment
metadata:
  name: loyalty   # never changes
spec:
  token:  'loyalty'
  # shown in the console
  name: 'Loyalty'  # since 2021
  activations:
    - retail-fr   # the first one
    - retail-de   # closed?
"""


def row(emulator: Emulator, token: str, name: str | None, *datamarts: str) -> str:
    add = emulator.store.add
    identity = str(add("compartment", "1185", {"organisation_id": "1185", "token": token, "name": name, "archived": False})["id"])  # fmt: skip
    for datamart in datamarts:
        add("activation", datamart, {"datamart_id": datamart, "compartment_id": identity, "default": False})
    return identity


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    workspace.write("specs/loyalty.yaml", LOYALTY)
    text = (workspace.root / "specs/datamarts.yaml").read_text()
    workspace.write("specs/datamarts.yaml", text.replace(", default_compartment: loyalty", ""))
    return workspace


def test_it_lists_and_writes_nothing_without_write(workspace: Workspace, emulator: Emulator) -> None:
    identity = row(emulator, "loyalty", "Loyalty card", "1509")
    row(emulator, "old", "Old", "1509")
    done = workspace.run("adopt")
    assert done.code == 0, done
    assert f"Compartment/loyalty: {identity} 'loyalty'" in done.out
    assert "specs/loyalty.yaml:9  spec.name\n      Loyalty -> Loyalty card" in done.out
    assert "[retail-fr, retail-de] -> [retail-fr]" in done.out
    assert "are unmanaged. `reconciler" in " ".join(done.out.split())
    assert "adopt --write` makes 2 changes" in " ".join(done.out.split())
    assert (workspace.root / "specs/loyalty.yaml").read_text() == LOYALTY
    shown = json.loads(workspace.run("adopt", "-o", "json").out)
    assert [(e["path"], e["line"]) for e in shown["edits"]] == [("spec.name", 9), ("spec.activations", 11)]


def test_what_it_says_of_the_unmanaged_is_what_export_and_a_spec_would_declare(
    workspace: Workspace, emulator: Emulator
) -> None:
    """Activations that `adopt` itself takes over are not unmanaged; those that a spec says nothing of are no work for `export`."""
    workspace.write("specs/loyalty.yaml", LOYALTY.replace("    - retail-de   # closed?\n", ""))
    row(emulator, "loyalty", "Loyalty", "1509", "1510")
    done = workspace.run("adopt", "--write")
    assert "[retail-fr] -> [retail-fr, retail-de]" in done.out
    for line in (done.out, workspace.run("adopt").out):
        assert "2 compartments, 2 activations are unmanaged. `reconciler" in " ".join(line.split())
    silent = LOYALTY.partition("  activations:")[0]
    workspace.write("specs/loyalty.yaml", silent)
    told = " ".join(workspace.run("adopt").out.split())
    assert "2 activations are unmanaged. `activations:` in the specs" in told


def test_it_says_that_a_plan_still_creates_what_the_platform_does_not_have(
    workspace: Workspace, emulator: Emulator
) -> None:
    for command in ("adopt", "adopt --write", "drift --write"):
        done = workspace.run(*command.split())
        words = " ".join((done.out + done.err).split())
        assert "Compartment/loyalty" in words, command
        assert (
            "apart from the 1 compartment to create" in words
            or "so a plan creates: Compartment/loyalty" in words
        )
    assert workspace.run("apply", "--auto-approve").code == 0
    assert "Specs say what the platform has." in workspace.run("adopt").out
    assert "Specs and platform agree: a plan has no changes." in workspace.run("drift", "--write").err


def test_it_writes_what_is_there_and_keeps_every_comment(workspace: Workspace, emulator: Emulator) -> None:
    row(emulator, "loyalty", "Loyalty card", "1509")
    path = workspace.root / "specs/loyalty.yaml"
    path.chmod(0o640)
    assert workspace.run("plan", "--detailed-exitcode").code == 2
    done = workspace.run("adopt", "--write")
    assert (done.code, "a plan has no changes" in done.out) == (0, True), done
    expected = LOYALTY.replace("'Loyalty'", "'Loyalty card'").replace(
        "    - retail-de   # closed?", "    # closed?"
    )
    assert path.read_text() == expected
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    assert workspace.run("adopt", "--write").out.count("->") == 0
    assert path.read_text() == expected
    assert emulator.writes() == []


def test_two_rows_with_one_token_stop_it(workspace: Workspace, emulator: Emulator) -> None:
    ids = [row(emulator, "loyalty", "one"), row(emulator, "loyalty", "two", "1509")]
    for flags in ([], ["--write"]):
        done = workspace.run("adopt", *flags)
        assert (done.code, f"the compartments {' and '.join(ids)}" in done.out) == (1, True), done
    assert (workspace.root / "specs/loyalty.yaml").read_text() == LOYALTY
    workspace.write("specs/loyalty.yaml", LOYALTY.replace("spec:\n", f'spec:\n  id: "{ids[1]}"  # of two\n'))
    assert workspace.run("adopt", "--write").code == 0
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    assert "# of two" in (workspace.root / "specs/loyalty.yaml").read_text()


def test_what_does_not_exist_stays_to_be_created(workspace: Workspace) -> None:
    done = workspace.run("adopt", "--write")
    assert (done.code, "apart from the 1 compartment to create" in done.out) == (0, True), done
    assert (workspace.root / "specs/loyalty.yaml").read_text() == LOYALTY
    assert workspace.run("plan", "--detailed-exitcode").code == 2


def test_what_a_source_needs_and_what_a_tombstone_says_stays(
    workspace: Workspace, emulator: Emulator
) -> None:
    row(emulator, "loyalty", "Loyalty", "1510")
    workspace.customers(3)
    done = workspace.run("adopt", "--write")
    assert done.code == 1, done
    assert "differ in 1 address:\n  Activation/loyalty@retail-fr" in done.out
    assert (workspace.root / "specs/loyalty.yaml").read_text() == LOYALTY
    workspace.write(
        "specs/loyalty.yaml",
        LOYALTY.replace("    - retail-de   # closed?\n", "  deactivations: [retail-de]\n"),
    )
    before = (workspace.root / "specs/loyalty.yaml").read_text()
    assert workspace.run("adopt", "--write").code == 1
    assert (workspace.root / "specs/loyalty.yaml").read_text() == before


def test_an_overlay_is_edited_where_it_says_the_value(workspace: Workspace, emulator: Emulator) -> None:
    row(emulator, "loyalty", "For dev", "1509", "1510")
    settings = workspace.root / "reconciler.yaml"
    settings.write_text(settings.read_text() + "  environments: {dev: {}}\n")
    overlay = "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: loyalty, environment: dev}\nspec: {name: Dev}  # dev\n"
    workspace.write("specs/dev.yaml", overlay)
    assert workspace.run("adopt", "--write", "--environment", "dev").code == 0
    assert (workspace.root / "specs/dev.yaml").read_text() == overlay.replace("name: Dev}", "name: For dev}")
    assert (workspace.root / "specs/loyalty.yaml").read_text() == LOYALTY


def test_what_an_alias_shares_is_left_to_the_user(workspace: Workspace, emulator: Emulator) -> None:
    row(emulator, "loyalty", "Loyalty card", "1509")
    text = LOYALTY.replace("token:  'loyalty'", "token: &t loyalty").replace("name: 'Loyalty'", "name: *t")
    workspace.write("specs/loyalty.yaml", text)
    done = workspace.run("adopt", "--write")
    assert (done.code, "differ in 1 address:\n  Compartment/loyalty" in done.out) == (1, True), done
    assert done.out.count("edit it by hand") == 1
    written = (workspace.root / "specs/loyalty.yaml").read_text()
    assert "name: *t" in written
    assert "    - retail-fr   # the first one\n    # closed?\n" in written


def test_a_listing_that_fails_writes_nothing(workspace: Workspace, emulator: Emulator) -> None:
    row(emulator, "loyalty", "Loyalty card", "1509")
    emulator.fault(
        {
            "method": "GET",
            "path": "/v1/datamarts/1510/compartments",
            "do": "status",
            "status": 502,
            "times": 0,
        }
    )
    assert workspace.run("adopt", "--write").code == 1
    assert (workspace.root / "specs/loyalty.yaml").read_text() == LOYALTY


@pytest.mark.parametrize("ends", [KeyboardInterrupt(), SystemExit(143), RuntimeError(), DiskFailed("full")])
def test_specs_are_as_before_where_reading_them_again_does_not_end(
    ends: BaseException, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(name)

    def recheck() -> Checked:
        assert (tmp_path / "a.yaml").read_text() == "A"
        raise ends

    with pytest.raises(type(ends)) as raised:
        write_specs(tmp_path, {"a.yaml": (b"a", b"A"), "b.yaml": (b"b", b"B")}, recheck)
    assert raised.value is ends
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a.yaml": "a", "b.yaml": "b"}


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root may write everything")
def test_files_that_cannot_be_written_are_left_all(tmp_path: Path) -> None:
    """Either all files of a change are written, or none: one of them is read-only, or lies in a folder that is."""
    script = """
import sys
from pathlib import Path
from reconciler.errors import ReconcilerError
from reconciler.workflows.adopt import write_specs
root = Path(sys.argv[1])
try:
    write_specs(root, {"a.yaml": (b"a", b"A"), "b.yaml": (b"b", b"B")}, lambda: None)
except ReconcilerError as e:
    print(e)
print((root / "a.yaml").read_text(), (root / "b.yaml").read_text())
"""
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(name)
    (tmp_path / "b.yaml").chmod(0o444)
    may_not = [] if os.geteuid() else ["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--"]
    done = subprocess.run(
        [*may_not, sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["b.yaml cannot be written; nothing was written", "a b"], done
