"""kill -9 of `source retry --failed-lines` at every boundary, twice in a row, with the ledger and without: each command is applied
once more, in one sub-load, and nobody repairs anything.    python -m tests.workflows.test_retry_crashes     prints the table.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace
from tests.workflows.test_crash_matrix import LINE, SOURCE, boundaries, state

RETRY = ("source", "retry", "people", "--failed-lines", "--auto-approve")
BAD = tuple(f"u{n}" for n in range(0, 60, 2))


def world(folder: Path, form: str) -> tuple[Emulator, Workspace]:
    """A load of some chunks is finished; half of its commands failed, and would not again."""
    emulator = Emulator(folder / "emulator", error_file=form)
    workspace = Workspace(folder / "ws", emulator.url)
    workspace.write("specs/people.yaml", SOURCE)
    workspace.write("data/people.ndjson", "".join(LINE.format(n=n) for n in range(60)))
    emulator.quarantine(*BAD)
    assert workspace.run("apply", "--auto-approve").code == 3
    emulator.quarantine()
    return emulator, workspace


def undisturbed(folder: Path, form: str) -> tuple[list[str], dict[str, Any]]:
    """The boundaries of a retry, in order, and what it leaves."""
    emulator, workspace = world(folder, form)
    log = folder / "log"
    assert workspace.run(*RETRY, "--parallelism", "1", CRASH_LOG=str(log)).code == 0
    found = log.read_text().splitlines(), state(emulator)
    emulator.stop()
    return found


def killed(folder: Path, form: str, ats: tuple[int, ...], *, forget: bool, expected: dict[str, Any]) -> str:
    """Kill at some boundaries, one after the other, then run to the end; what came of it."""
    emulator, workspace = world(folder, form)
    try:
        for at in ats:
            log = str(folder / "log")
            first = workspace.start(*RETRY, "--parallelism", "1", CRASH_LOG=log, CRASH_AT=str(at))
            if first.wait(60) not in (-9, 0):
                return f"NOT KILLED: {first.returncode}"
            if forget:
                workspace.forget_ledger()
        again = workspace.run(*RETRY)
        if again.code != 0:
            return f"WRONG: exit {again.code}: {again.err[-300:]}"
        if state(emulator) != expected:
            return f"WRONG: {state(emulator)}"
        writes = len(emulator.writes())
        if workspace.run(*RETRY).code != 0 or len(emulator.writes()) != writes:
            return "WRONG: something was sent once more"
        left = [p for p in (workspace.root / ".reconciler/spool").rglob("*") if p.is_file()]
        return f"WRONG: {left} stays" if left else "as undisturbed"
    finally:
        emulator.stop()


@pytest.mark.parametrize("form", ["numbers", "echo"])
def test_killed_anywhere_a_retry_ends_as_an_undisturbed_one(form: str, tmp_path: Path) -> None:
    names, expected = undisturbed(tmp_path / "undisturbed", form)
    rows = {}
    for at in range(1 + (form == "echo"), len(names), 9):
        ats = (at, (at * 7) % len(names))
        rows[f"{ats} {names[at]}"] = killed(
            tmp_path / str(at), form, ats, forget=at % 2 == 1, expected=expected
        )
    assert {k: v for k, v in rows.items() if v != "as undisturbed"} == {}


def table(say: Callable[[str], None]) -> bool:
    """Every boundary, with the ledger kept and with it lost; True if all are well."""
    with tempfile.TemporaryDirectory() as folder:
        names, expected = undisturbed(Path(folder) / "undisturbed", "numbers")

        def outcome(at: int, forget: bool) -> str:
            place, ats = Path(folder) / f"{at}{forget}", (at, (at * 7 + 3) % len(names))
            return killed(place, "numbers", ats, forget=forget, expected=expected)

        return boundaries(names, outcome, say)


if __name__ == "__main__":
    sys.exit(0 if table(lambda row: print(row, flush=True)) else 1)
