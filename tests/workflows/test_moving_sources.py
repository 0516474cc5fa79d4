"""Sources that change, or cannot be read, while a load goes on: the report says what is there, and no stale copy stays."""

import json
import time

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace


def test_a_file_rewritten_while_it_is_sent(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(4000, max_bytes=9_000)
    emulator.switch(running_seconds=0.3)
    process = workspace.start("apply", "--auto-approve", "--parallelism", "2", "-o", "json")
    deadline = time.monotonic() + 60
    while sum(map(len, emulator.executions("1509").values())) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    text = (workspace.root / "data/customers.csv").read_text()
    (workspace.root / "data/customers.csv").write_text(text.replace(",v1", ",v2"))
    out, err = process.communicate(timeout=120)
    assert process.returncode in (3, 4), (out, err)
    found = next(
        o["counts"] for o in json.loads(out)["outcomes"] if o["address"].startswith("ProfileSource/")
    )
    there = len(emulator.profiles("1509"))
    assert 0 < there < 4000
    assert found["succeeded"] == there
    assert found["read"] == found["succeeded"] + found["failed"] + found["unknown"] + found["not_processed"]
    emulator.switch(running_seconds=0.0)
    assert workspace.run("apply", "--auto-approve").code == 0


def test_what_is_sent_and_not_awaited_has_no_result_yet(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(300, max_bytes=9_000)
    emulator.switch(running_seconds=60)
    done = workspace.run("apply", "--auto-approve", "--no-wait")
    assert "300 sent, result unknown + 0 not processed" in done.out + done.err, done
    assert "300 sent, result unknown" in workspace.run("runs", "show").out
