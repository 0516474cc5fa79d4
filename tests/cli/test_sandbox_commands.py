"""`sandbox serve | set | faults` as a user types them."""

from pathlib import Path

import httpx
import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace
from tests.unit.test_fault_scripts import READY


@pytest.fixture
def ws(tmp_path: Path, emulator: Emulator) -> Workspace:
    return Workspace(tmp_path / "ws", emulator.url)


def test_set_changes_and_shows_a_running_sandbox(ws: Workspace, emulator: Emulator) -> None:
    done = ws.run(
        "sandbox", "set", "total=without", "lag_reads=2", "--faults", "rate-limited", "--url", emulator.url
    )
    assert done.code == 0, done
    assert "total                   without" in done.out
    assert "fault status" in done.out
    assert (emulator.sandbox.switches.total, emulator.sandbox.switches.lag_reads) == ("without", 2)
    assert len(emulator.sandbox.faults.rules) == 2
    assert ws.run("sandbox", "set", "--faults", "none", "--url", emulator.url).code == 0
    assert emulator.sandbox.faults.rules == []
    # Showing changes nothing, and shows no token.
    emulator.switch(token="the-one")
    shown = ws.run("sandbox", "set", "--url", emulator.url)
    assert "the-one" not in shown.out
    assert "the-one" not in httpx.get(f"{emulator.url}/_sandbox/control").text
    assert emulator.sandbox.switches.total == "without"


def test_the_ready_scripts_are_listed_in_80_columns(ws: Workspace) -> None:
    done = ws.run("sandbox", "faults")
    assert [line.split()[0] for line in done.out.splitlines() if not line.startswith(" ")] == list(READY)
    assert all(len(line) <= 80 for line in done.out.splitlines())


@pytest.mark.parametrize(
    ("script", "code", "words"),
    [
        ("faults:\n  - {do: html}\n  - {do: explode}\n", 64, "f.yaml:3:5: rule 2: unknown action 'explode'"),
        ("faults:\n  - {do: html, status: 9}\n", 64, "f.yaml:2:5: rule 1: status cannot be 9"),
        ("fault: []\n", 64, "f.yaml:1:1: unknown field 'fault'"),
        ("faults: [\n", 1, "f.yaml:2:1"),
        ("faults:\n  - {do: html, do: status}\n", 1, "the key 'do' occurs twice"),
        ("- 1\n", 64, "is not a fault script"),
    ],
)
def test_a_wrong_script_says_where(
    script: str, code: int, words: str, ws: Workspace, emulator: Emulator
) -> None:
    path = ws.write("f.yaml", script)
    for command in (("serve", "--port", "0"), ("set", "--url", emulator.url)):
        done = ws.run("sandbox", *command, "--faults", str(path))
        assert (done.code, words in done.err) == (code, True), done


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("serve", "--faults", "nonsense"), 64, "a file, or one of did-it-happen"),
        (("serve", "--switch", "order=never"), 64, "one of fifo, shuffled, parallel"),
        (("serve", "--switch", "page_cap=-1"), 64, "a number from 0"),
        (("serve", "--switch", "page_cap=many"), 64, "page_cap is a number"),
        (("serve", "--switch", "order"), 64, "is not KEY=VALUE"),
        (("serve", "--seed", "/nonexistent"), 64, "cannot start"),
        (
            ("set", "total=without", "--url", "http://127.0.0.1:9"),
            1,
            "start a sandbox with `reconciler sandbox serve`",
        ),
        (("set", "total"), 64, "is not KEY=VALUE"),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], code: int, words: str, ws: Workspace) -> None:
    done = ws.run("sandbox", *arguments)
    assert (done.code, words in done.err) == (code, True), done


def test_set_shows_the_answer_of_the_sandbox(ws: Workspace, emulator: Emulator) -> None:
    done = ws.run("sandbox", "set", "nope=1", "--url", emulator.url)
    assert done.code == 64
    assert "unknown switch 'nope'" in done.err
