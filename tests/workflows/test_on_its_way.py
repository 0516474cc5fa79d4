"""A load is killed right after its last block left, and the platform shows it late: whoever applies next waits, and sends nothing
twice, whatever ledger is used and whatever was run in between (design 6, "Absence").
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stranger import Stranger
from tests.support.workspace import Workspace

SETTLE = "1s"
# Listings that do not show the execution yet: more than plan, the check before apply, and one look before sending need.
UNSEEN = 5

COMPARTMENT = """\
apiVersion: reconciler/v1
kind: Compartment
metadata: {{name: {key}}}
spec: {{name: Unrelated, token: {key}, activations: retail-de}}
"""


@pytest.fixture
def remote() -> Iterator[Stranger]:
    made = Stranger(1, storm=0.0, lag=0.0, paged=None)
    yield made
    made.stop()


def unrelated_change(workspace: Workspace, key: str) -> None:
    """A run that has something to do, and ends well."""
    workspace.write(f"specs/{key}.yaml", COMPARTMENT.format(key=key))
    done = workspace.run("apply", "--auto-approve", "--only", "config")
    assert done.code == 0, done
    assert "created" in done.out or "create" in done.out


def checkout(folder: Path, remote: Stranger) -> Workspace:
    """A workspace whose own ledger has a last run that ended well."""
    workspace = Workspace(folder, remote.url, settle=SETTLE)
    workspace.customers(20, max_bytes=100_000)
    unrelated_change(workspace, f"first-{folder.name}")
    return workspace


def killed_after_the_last_block(workspace: Workspace, remote: Stranger) -> None:
    log = str(workspace.root / "log")
    process = workspace.start("apply", "--auto-approve", CRASH_LOG=log, CRASH_NAME="after POST executions")
    assert process.wait(60) == -9
    assert len(remote.bodies) == 1
    with remote.lock:
        remote.unseen = {row["id"]: UNSEEN for rows in remote.executions.values() for row in rows}


def sent_once(workspace: Workspace, remote: Stranger) -> None:
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert len(remote.bodies) == 1, "the chunk was sent twice"
    assert [len(rows) for rows in remote.executions.values()].count(1) == 1
    names = [row["name"] for row in remote.imports["1509"]]
    assert len(names) == len(set(names))
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_an_unrelated_run_that_ends_well_does_not_lift_the_wait(tmp_path: Path, remote: Stranger) -> None:
    workspace = checkout(tmp_path / "a", remote)
    killed_after_the_last_block(workspace, remote)
    unrelated_change(workspace, "unrelated")
    sent_once(workspace, remote)


def test_another_checkout_with_a_clean_ledger_of_its_own_waits(tmp_path: Path, remote: Stranger) -> None:
    one, other = checkout(tmp_path / "a", remote), checkout(tmp_path / "b", remote)
    killed_after_the_last_block(one, remote)
    sent_once(other, remote)


def test_an_unrelated_run_of_another_checkout_does_not_lift_the_wait(
    tmp_path: Path, remote: Stranger
) -> None:
    one, other = checkout(tmp_path / "a", remote), checkout(tmp_path / "b", remote)
    killed_after_the_last_block(one, remote)
    unrelated_change(other, "unrelated")
    sent_once(other, remote)


def test_an_older_copy_of_the_ledger_waits(tmp_path: Path, remote: Stranger) -> None:
    workspace = checkout(tmp_path / "a", remote)
    (workspace.root / ".reconciler").mkdir(exist_ok=True)
    shutil.copytree(workspace.root / ".reconciler", tmp_path / "cache")
    killed_after_the_last_block(workspace, remote)
    workspace.forget_ledger()
    shutil.copytree(tmp_path / "cache", workspace.root / ".reconciler")
    sent_once(workspace, remote)
