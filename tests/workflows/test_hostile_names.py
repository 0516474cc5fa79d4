"""Names of the platform that move cursors, turn directions or forge orders to a CI job reach no terminal and no log as such."""

import json
import re

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

NAMES = (
    "\x1b[2J\x1b]0;gone\x07", "a\n::error::forged", "a\r::set-env name=x::y", "##[error]forged", "a\n##vso[task.x]b",
    "\u202edlog\u202c", "\u2066x\u2069", "\x9b31mred", "a\u2028::warning::b", "\u200b::notice::c",
)  # fmt: skip


@pytest.fixture
def hostile(workspace: Workspace, emulator: Emulator) -> Workspace:
    with emulator.sandbox.store.lock:
        for n, name in enumerate(NAMES):
            row = {"organisation_id": "1185", "token": f"t{n}{name}", "name": name, "archived": False}
            emulator.sandbox.store.add("compartment", "1185", row, str(7000 + n))
        for n in range(len(NAMES)):
            row = {"datamart_id": "1509", "compartment_id": str(7000 + n), "default": False}
            emulator.sandbox.store.add("activation", "1509", row)
    emulator.fault(
        {"method": "POST", "path": "/compartments", "do": "status", "status": 400, "times": 1,
         "body": {"status": "error", "error": " ".join(NAMES), "error_code": NAMES[1], "error_id": NAMES[5]}}
    )  # fmt: skip
    return workspace


def test_they_are_text_and_nothing_else(hostile: Workspace) -> None:
    asked: list[tuple[str, ...]] = [
        ("plan", "--show-unmanaged"),
        ("plan", "-o", "markdown", "--show-unmanaged"),
        ("plan", "-o", "json", "--show-unmanaged"),
        ("apply", "--auto-approve", "--prune"),
        ("apply", "--auto-approve", "-o", "json"),
        ("drift",),
        ("runs", "show"),
        ("export", "--out", str(hostile.root / "exported")),
    ]
    shown = ""
    for words in asked:
        done = hostile.run(*words)
        shown += done.out + done.err
        for text in (done.out, done.err):
            odd = {c for c in text if not c.isprintable() and c != "\n"}
            assert not odd, (words, odd)
            if not text.startswith("{"):
                assert not re.search(r"^\s*::[a-z]|##\[|##vso\[", text, re.MULTILINE), (words, text)
            else:
                json.loads(text)
    assert shown.count("forged") > 5
