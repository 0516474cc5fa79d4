"""A load is killed right after its last block left, and the platform shows it late: whoever applies next waits, and sends nothing
twice, whatever ledger is used and whatever was run in between (design 6, "Absence").
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reconciler.planning.digests import plan_digest
from reconciler.planning.plan import document
from tests.support.stranger import Stranger
from tests.support.workspace import Workspace

SETTLE = "1s"
CONFIG = ("--only", "config")
SHORT = "0.02s"  # every run lasts longer
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


def unrelated_change(workspace: Workspace, key: str, *flags: str) -> None:
    """A run that has something to do, and ends well."""
    workspace.write(f"specs/{key}.yaml", COMPARTMENT.format(key=key))
    done = workspace.run("apply", "--auto-approve", *flags)
    assert done.code == 0, done
    assert "created" in done.out or "create" in done.out


def checkout(folder: Path, remote: Stranger, settle: str = SETTLE) -> Workspace:
    """A workspace whose own ledger has a last run that ended well."""
    workspace = Workspace(folder, remote.url, settle=settle)
    workspace.customers(20, max_bytes=100_000)
    unrelated_change(workspace, f"first-{folder.name}", *CONFIG)
    return workspace


def killed_after_the_last_block(workspace: Workspace, remote: Stranger) -> None:
    log = str(workspace.root / "log")
    process = workspace.start("apply", "--auto-approve", CRASH_LOG=log, CRASH_NAME="after POST executions")
    assert process.wait(60) == -9
    last_one_is_late(remote)


def last_one_is_late(remote: Stranger) -> None:
    with remote.lock:
        remote.unseen = {max(row["id"] for rows in remote.executions.values() for row in rows): UNSEEN}


def ended_without_knowing(workspace: Workspace, remote: Stranger) -> None:
    """A gateway gives up on the upload, and then the token ends: the run ends in order, and does not know what became of it."""
    route, before = remote.route, len(remote.bodies)

    def ending(method: str, target: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if len(remote.bodies) > before:
            return 401, {"status": "error"}
        answer = route(method, target, body)
        return (504, {}) if len(remote.bodies) > before else answer

    remote.route = ending  # type: ignore[method-assign]
    done = workspace.run("apply", "--auto-approve")
    assert done.code != 0, done
    assert len(remote.bodies) == before + 1
    remote.route = route  # type: ignore[method-assign]
    last_one_is_late(remote)


def sent_once(workspace: Workspace, remote: Stranger, others: int = 0) -> None:
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 0, done
    assert len(remote.bodies) == 1 + others, "the chunk was sent twice"
    assert [len(rows) for rows in remote.executions.values() if rows] == [1] * (1 + others)
    names = [row["name"] for row in remote.imports["1509"]]
    assert len(names) == len(set(names))
    assert workspace.run("plan", "--detailed-exitcode").code == 0


def test_an_unrelated_run_that_ends_well_does_not_lift_the_wait(tmp_path: Path, remote: Stranger) -> None:
    workspace = checkout(tmp_path / "a", remote)
    killed_after_the_last_block(workspace, remote)
    unrelated_change(workspace, "unrelated", *CONFIG)
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
    unrelated_change(other, "unrelated", *CONFIG)
    sent_once(other, remote)


def test_an_older_copy_of_the_ledger_waits(tmp_path: Path, remote: Stranger) -> None:
    workspace = checkout(tmp_path / "a", remote)
    (workspace.root / ".reconciler").mkdir(exist_ok=True)
    shutil.copytree(workspace.root / ".reconciler", tmp_path / "cache")
    killed_after_the_last_block(workspace, remote)
    workspace.forget_ledger()
    shutil.copytree(tmp_path / "cache", workspace.root / ".reconciler")
    sent_once(workspace, remote)


# -- what is done between the kill and the next apply ----------------------------------------------------------------


def the_spec_is_gone_for_a_while(workspace: Workspace, _: Stranger) -> int:
    """Somebody works on another branch: the plan is whole, and does not have the load."""
    spec = workspace.root / "specs/customers.yaml"
    text = spec.read_text()
    spec.unlink()
    unrelated_change(workspace, "unrelated")
    spec.write_text(text)
    return 0


def a_plan_that_says_it_is_complete(workspace: Workspace, _: Stranger) -> int:
    """Flags limit it; then somebody wrote that they do not."""
    workspace.write("specs/unrelated.yaml", COMPARTMENT.format(key="unrelated"))
    path = workspace.root / "forged.json"
    assert workspace.run("plan", "--only", "config", "--out", str(path)).code == 0
    made = msgspec.structs.replace(document.decode(path.read_bytes(), "it"), complete=True)
    path.write_text(document.encode(msgspec.structs.replace(made, plan_digest=plan_digest(made))))
    done = workspace.run("apply", str(path))
    assert done.code == 0, done
    return 0


def the_datamart_has_another_name(workspace: Workspace, _: Stranger) -> int:
    """Addresses have the datamart's name; what was written has its id."""
    for spec in (workspace.root / "specs").iterdir():
        spec.write_text(spec.read_text().replace("retail-fr", "france"))
    return 0


def the_source_has_another_name(workspace: Workspace, _: Stranger) -> int:
    """The spec says what it was called before."""
    spec = workspace.root / "specs/customers.yaml"
    text = spec.read_text().replace("{name: customers}", "{name: clients}")
    spec.write_text(text.replace("spec:\n", "spec:\n  previously: [customers]\n"))
    return 0


def another_workspace_of_the_ledger_loads(workspace: Workspace, remote: Stranger) -> int:
    """It has a source of the same name; its load ends well, and says nothing of the one that was killed."""
    other = Workspace(workspace.root.parent / "other", remote.url, settle=SHORT)
    common_ledger(other, "club")
    other.customers(20, max_bytes=100_000, mark="other")
    done = other.run("apply", "--auto-approve")
    assert done.code == 0, done
    return 1


def common_ledger(workspace: Workspace, name: str) -> None:
    text = (workspace.root / "reconciler.yaml").read_text().replace("{name: shop}", f"{{name: {name}}}")
    workspace.write("reconciler.yaml", text + "  ledger: sqlite:../common/ledger.db\n")


@pytest.mark.parametrize(
    ("begin", "between"),
    [
        (ended_without_knowing, the_spec_is_gone_for_a_while),
        (ended_without_knowing, a_plan_that_says_it_is_complete),
        (ended_without_knowing, the_datamart_has_another_name),
        (ended_without_knowing, the_source_has_another_name),
        (ended_without_knowing, another_workspace_of_the_ledger_loads),
        (killed_after_the_last_block, another_workspace_of_the_ledger_loads),
    ],
)
def test_only_the_load_itself_says_that_nothing_of_it_is_on_its_way(
    begin: Callable[[Workspace, Stranger], None],
    between: Callable[[Workspace, Stranger], int],
    tmp_path: Path,
    remote: Stranger,
) -> None:
    workspace = checkout(tmp_path / "a", remote, settle=SHORT)
    common_ledger(workspace, "shop")
    done = workspace.run(
        "apply", "--auto-approve"
    )  # from now on this ledger has seen a load of the source through
    assert done.code == 0, done
    workspace.customers(20, max_bytes=100_000, mark="v2")
    begin(workspace, remote)
    others = between(workspace, remote)
    sent_once(workspace, remote, others=others + 1)
