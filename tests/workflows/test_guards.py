"""Guards on what a snapshot loses, before anything is sent."""

from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace


def test_a_snapshot_that_shrinks_too_much_is_refused(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(2000)
    assert workspace.run("apply", "--auto-approve").code == 0
    workspace.customers(1001, mark="v2")
    assert workspace.run("plan").code == 0
    workspace.customers(999, mark="v3")
    done = workspace.run("apply", "--auto-approve")
    assert done.code == 4, done
    assert "guard-shrink" in done.err
    assert "999 lines, after 2,000 in the last load: more than 50 % fewer" in " ".join(done.err.split())
    workspace.customers(999, mark="v3", source=CUSTOMERS + "  content: changes\n")
    assert workspace.run("plan").code == 0  # changes are as many as there are
    workspace.customers(999, mark="v3")
    with (workspace.root / "reconciler.yaml").open("a") as file:
        file.write("  guards: {max_shrink_percent: 60}\n")
    assert workspace.run("apply", "--auto-approve").code == 0
    assert len(emulator.profiles("1509")) == 2000
