"""What a terminal shows: whole words, and no bars between the lines."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from fcntl import ioctl
from pathlib import Path

import pytest

BARS = "\u2501"


def on_a_terminal(
    *arguments: str,
    program: Sequence[str] = ("-m", "reconciler"),
    columns: int,
    cwd: Path,
    until: bytes = b"",
    codes: list[int] | None = None,
) -> str:
    """What a terminal of so many columns receives; Ctrl-C once it has shown `until`."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    hidden = ("RECONCILER_", "CI", "COLUMNS", "NO_COLOR")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    environ |= {"TERM": "xterm", "XDG_CACHE_HOME": str(cwd / "cache")}
    command = [sys.executable, *program, *arguments]
    process = subprocess.Popen(command, cwd=cwd, env=environ, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    got = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        got += part
        if until and until in got:
            process.send_signal(signal.SIGINT)
            until = b""
    code = process.wait(60)
    if codes is not None:
        codes.append(code)
    os.close(ours)
    return got.decode().replace("\r\n", "\n")


def screen(text: str) -> list[str]:
    """The lines that stay, after what a bar erases."""
    lines, at = [""], 0
    for part in re.findall(r"\x1b\[\??[0-9;]*[A-Za-z]|\n|\r|[^\x1b\n\r]+", text):
        if part == "\n":
            at += 1
            lines += [""] * (at + 1 - len(lines))
        elif part.endswith("A") and part.startswith("\x1b"):
            at = max(0, at - int(part[2:-1] or 1))
        elif part == "\x1b[2K":
            lines[at] = ""
        elif not part.startswith("\x1b") and part != "\r":
            lines[at] += part
    return lines


@pytest.mark.parametrize("columns", [60, 120])
def test_findings_stand_on_lines_of_their_own_in_whole_words(tmp_path: Path, columns: int) -> None:
    shop = tmp_path / "shop"
    subprocess.run([sys.executable, "-m", "reconciler", "init", str(shop)], check=True, capture_output=True)
    with (shop / "specs/sources.yaml").open("a") as file:
        file.write("  bad_lines: {allow: 50%}\n")
    with (shop / "data/fr/customers.csv").open("a") as file:
        file.write("new-customer-1,gold,many,true\n")
    try:
        lines = screen(on_a_terminal("plan", columns=columns, cwd=shop))
    finally:
        subprocess.run([sys.executable, "-m", "reconciler", "-C", str(shop), "sandbox", "stop"], check=False)
    text = "\n".join(lines)
    assert BARS not in text
    assert any(
        line.startswith("warning[bad-lines]: ProfileSource/customers@retail-fr: 1 of") for line in lines
    ), text
    assert all(len(line) <= columns for line in lines if "|" not in line), text
    assert "data/fr/customers.csv:27 row 26: column 'points'" in text
    assert lines.index("Changes") > 0
    assert lines[lines.index("Changes") - 1] == ""


@pytest.mark.parametrize("columns", [60, 120])
def test_fault_scripts_are_wrapped_beside_their_names(tmp_path: Path, columns: int) -> None:
    lines = [
        x.rstrip()
        for x in screen(on_a_terminal("sandbox", "faults", columns=columns, cwd=tmp_path))
        if x.strip()
    ]
    assert all(len(line) <= min(columns, 80) for line in lines), lines
    assert all(line[21] == " " and line[22] != " " for line in lines), lines


def test_ctrl_c_at_the_question_ends_the_command_with_words(tmp_path: Path) -> None:
    shop, codes = tmp_path / "shop", list[int]()
    subprocess.run([sys.executable, "-m", "reconciler", "init", str(shop)], check=True, capture_output=True)
    try:
        text = on_a_terminal("apply", columns=80, cwd=shop, until=b"is accepted:", codes=codes)
    finally:
        subprocess.run([sys.executable, "-m", "reconciler", "-C", str(shop), "sandbox", "stop"], check=False)
    assert codes == [130], text
    assert text.endswith("\nNothing was written.\ninterrupted\n"), text[-200:]


ASKS = """
import polars
from reconciler.cli.approval import approve

polars.DataFrame({"a": [1]}).filter(polars.col("a") > 0)
approve("Apply this?", auto=False, help="")
"""


def test_ctrl_c_at_the_question_ends_it_whatever_a_library_made_of_the_signal(tmp_path: Path) -> None:
    """The engine of tables has reads begun again that a signal breaks off."""
    codes = list[int]()
    program = ("-c", ASKS)
    text = on_a_terminal(program=program, columns=80, cwd=tmp_path, until=b"is accepted:", codes=codes)
    assert codes[0] != 0
    assert "\nNothing was written.\n" in text
    assert "KeyboardInterrupt" in text
