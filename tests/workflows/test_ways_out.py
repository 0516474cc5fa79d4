"""No state is left that only editing a database could leave: each has a command that ends in an empty plan."""

from collections.abc import Callable

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace

ADDRESS = "ProfileSource/customers@retail-fr"
MERGED = CUSTOMERS.replace("force_replace: true", "force_replace: false, merge_objects: true")


def ends(word: str) -> Callable[..., None]:
    """The next execution ends so; STUCK never ends."""
    return lambda emulator, _: emulator.end_with(word)


stuck, failed, canceled, lost = (ends(word) for word in ("STUCK", "FAILED", "CANCELED", "LOST"))


def refused(emulator: Emulator, workspace: Workspace) -> None:
    emulator.fault(
        {
            "method": "POST",
            "path": "/executions",
            "times": 1,
            "do": "status",
            "status": 400,
            "body": {"status": "error"},
        }
    )


def deleted(emulator: Emulator, workspace: Workspace) -> None:
    emulator.fault(
        {"method": "POST", "path": "/executions", "after": 1, "times": 99, "do": "status", "status": 401}
    )
    workspace.run("apply", "--auto-approve", "--parallelism", "1")
    emulator.fault()
    executed = [n for n, rows in emulator.executions("1509").items() if rows]
    victim = next(i for i in emulator.imports("1509") if i["name"] not in executed and ".a1" in i["name"])
    emulator.store.remove("import", victim["id"])


def broken(emulator: Emulator) -> str:
    """The number of the chunk that is not well."""
    for name, rows in emulator.executions("1509").items():
        if "sealed" not in name and not any(r["status"] == "SUCCEEDED" for r in rows):
            return name.split(".")[6].split("-")[0]
    found = {int(n.split(".")[6].split("-")[0]) for n in emulator.imports_named("1509") if "sealed" not in n}
    return str(min(set(range(1, max(found) + 2)) - found))


WAYS: dict[str, tuple[Callable[..., None], list[list[str]], bool]] = {
    "stuck, it was sent": (stuck, [["runs", "resolve", "{}", "--sent"], ["apply"]], False),
    "stuck, it was not": (stuck, [["runs", "resolve", "{}", "--not-sent"], ["apply"]], True),
    "stuck, newer content wanted": (stuck, [["apply", "--reload", ADDRESS]], True),
    "failed": (failed, [["apply", "--resend", "{}"]], True),
    "lost": (lost, [["apply", "--resend", "{}"]], True),
    "canceled": (canceled, [["apply", "--resend", "{}"]], True),
    "upload refused": (refused, [["apply", "--reload", ADDRESS]], True),
    "import deleted": (deleted, [["apply", "--resend", "{}"]], True),
    "import deleted, but it was sent": (deleted, [["runs", "resolve", "{}", "--sent"], ["apply"]], False),
    "import deleted, and not sent": (deleted, [["runs", "resolve", "{}", "--not-sent"], ["apply"]], True),
}


@pytest.mark.parametrize("case", WAYS)
def test_every_outcome_has_a_way_out(case: str, workspace: Workspace, emulator: Emulator) -> None:
    breaks, commands, everybody = WAYS[case]
    workspace.customers(60, max_bytes=3_000, source=MERGED)
    with (workspace.root / "reconciler.yaml").open("a") as file:
        file.write("  follow_timeout: 1s\n")
    breaks(emulator, workspace)
    first = workspace.run("apply", "--auto-approve")
    assert first.code == 3, first
    chunk = broken(emulator)
    if "--resend" in commands[0]:  # what is said to do does it; continuing alone would come to the same again
        for told in (first.err, workspace.run("runs", "show").out):
            words = " ".join(told.split())
            assert f"apply --resend '{ADDRESS}#{chunk}'`" in words, words
            assert "resume`" not in words
        planned = workspace.run("plan")
        assert f"apply --resend '{ADDRESS}#{chunk}'` sends it again" in " ".join(planned.err.split())
        assert "1 load is unfinished and cannot continue without a decision" in " ".join(planned.out.split())
        again = workspace.run("apply", "--auto-approve")
        assert (again.code, f"failed  {ADDRESS}\n" in again.err) == (3, True), again
    if case == "stuck, newer content wanted":  # it waits for what still runs, however long
        emulator.sandbox.processor.unstick()
    for command in commands:
        words = [w.format(f"{ADDRESS}#{chunk}") for w in command]
        done = workspace.run(*words, *(["--auto-approve"] if words[0] == "apply" else []))
        assert done.code == 0, done
    assert workspace.run("plan", "--detailed-exitcode").code == 0
    assert (len(emulator.profiles("1509")) == 60) is everybody


def test_a_verdict_is_refused_where_no_chunk_is_unknown(workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(60, max_bytes=3_000)
    assert workspace.run("runs", "resolve", f"{ADDRESS}#1", "--sent").code == 4  # nothing was sent yet
    emulator.end_with("CANCELED")
    assert workspace.run("apply", "--auto-approve").code == 3
    good = next(
        n for n, rows in emulator.executions("1509").items() if rows and rows[0]["status"] == "SUCCEEDED"
    )
    index = good.split(".")[6].split("-")[0]
    done = workspace.run("runs", "resolve", f"{ADDRESS}#{index}", "--not-sent")
    assert (done.code, "ended as succeeded" in done.err) == (4, True), done
    for words, code in (
        (["x#1", "--sent"], 1),
        ([f"{ADDRESS}#99", "--sent"], 1),
        ([f"{ADDRESS}#1"], 64),
        ([ADDRESS, "--sent"], 64),
    ):
        assert workspace.run("runs", "resolve", *words).code == code
    assert workspace.run("apply", "--auto-approve", "--resend", f"{ADDRESS}#{broken(emulator)}").code == 0
    done = workspace.run("runs", "resolve", f"{ADDRESS}#1", "--sent")
    assert (done.code, "load 1 is finished" in done.err) == (4, True), done
