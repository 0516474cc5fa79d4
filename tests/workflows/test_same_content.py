"""The same rows in another form of file, and sources under another name (design 6)."""

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

ROWS = "id,name\n" + "".join(f"u{n},Zoé {n}\n" for n in range(40))


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    workspace.customers(40)
    (workspace.root / "data/customers.csv").write_text(ROWS, encoding="utf-8")
    assert workspace.run("apply", "--auto-approve").code == 0
    return workspace


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


def test_rejected_rows_are_told_where_the_others_are_loaded_already(
    workspace: Workspace, emulator: Emulator
) -> None:
    writes = len(emulator.writes())
    (workspace.root / "data/customers.csv").write_text(ROWS + ",no identifier\nshort\n", encoding="utf-8")
    for command in (["plan"], ["apply", "--auto-approve"]):
        done = workspace.run(*command)
        assert "error[bad-lines]: ProfileSource/customers@retail-fr: 2 of 42 rows are rejected" in done.err, (
            done
        )
        assert "data/customers.csv:42" in done.err
    assert done.code == 4, done
    spec = workspace.root / "specs/customers.yaml"
    spec.write_text(spec.read_text().rstrip("\n") + "\n  bad_lines: {allow: 10%}\n")
    for command in (["plan", "--detailed-exitcode"], ["apply", "--auto-approve"]):
        done = workspace.run(*command)
        assert done.code == 0, done
        assert "warning[bad-lines]: ProfileSource/customers@retail-fr: 2 of 42 rows are rejected" in done.err
    assert len(emulator.writes()) == writes


@pytest.mark.parametrize(
    ("file", "old", "new", "then"),
    [
        ("specs/customers.yaml", "name: customers", "name: clients", "previously: [customers] in the source"),
        ("reconciler.yaml", "name: shop", "name: store", "previously: [shop] in reconciler.yaml"),
    ],
)
def test_a_renamed_source_or_workspace_is_told_and_previously_is_named(
    file: str, old: str, new: str, then: str, workspace: Workspace
) -> None:
    path = workspace.root / file
    path.write_text(path.read_text().replace(old, new))
    told = workspace.run("plan")
    assert "warning[load-under-another-name]" in told.err
    assert then in " ".join(told.err.split())
    name = then.partition("[")[2].partition("]")[0]
    path.write_text(path.read_text().replace("spec:\n", f"spec:\n  previously: [{name}]\n", 1))
    assert workspace.run("plan", "--detailed-exitcode").code == 0
