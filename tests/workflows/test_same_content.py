"""The same rows in another form of file, and sources under another name (design 6)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

ROWS = "id,name\n" + "".join(f"u{n},Zoé {n}\n" for n in range(40))


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    made = Emulator()
    yield made
    made.stop()


@pytest.fixture
def workspace(emulator: Emulator, tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "ws", emulator.url)
    made.customers(40)
    (made.root / "data/customers.csv").write_text(ROWS, encoding="utf-8")
    assert made.run("apply", "--auto-approve").code == 0
    return made


@pytest.mark.parametrize(
    "content",
    [
        ROWS.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + ROWS.encode(),
        ROWS.rstrip("\n").encode(),
        ROWS.replace("u1,", '"u1",').encode(),
    ],
    ids=["CRLF", "BOM", "no final newline", "quotes"],
)
def test_another_form_of_the_same_rows_is_not_loaded_again(
    content: bytes, workspace: Workspace, emulator: Emulator
) -> None:
    writes = len(emulator.writes())
    for data in (content, ROWS.encode()):
        (workspace.root / "data/customers.csv").write_bytes(data)
        assert workspace.run("plan", "--detailed-exitcode").code == 0
        assert workspace.run("apply", "--auto-approve").code == 0
    assert len(emulator.writes()) == writes
    (workspace.root / "data/customers.csv").write_bytes(content.replace(b"u7", b"v7"))
    assert workspace.run("plan", "--detailed-exitcode").code == 2
