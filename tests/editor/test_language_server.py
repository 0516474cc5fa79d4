"""What an editor with the YAML language server shows in a scaffolded workspace: a real client, not a reading of the schema."""

from collections.abc import Iterator

import pytest

from reconciler.cli.scaffold import scaffold
from reconciler.spec.schema import KINDS
from tests.support.language_server import LanguageServer

HEAD = "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: x}\n"
MODELINE = "# yaml-language-server: $schema=../.vscode/reconciler.schema.json\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    root = tmp_path_factory.mktemp("workspace").resolve()
    scaffold(root)
    made = LanguageServer(root)
    yield made
    made.close()


def test_the_scaffolded_files_have_nothing_to_complain_of(server: LanguageServer) -> None:
    names = [
        p.relative_to(server.root)
        for p in [server.root / "reconciler.yaml", *(server.root / "specs").rglob("*.yaml")]
    ]
    assert len(names) >= 4
    for name in names:
        assert server.open(str(name), (server.root / name).read_text()) == []


@pytest.mark.parametrize("head", ["", MODELINE], ids=["by settings", "by modeline"])
def test_kind_is_completed(head: str, server: LanguageServer) -> None:
    name = f"specs/kind{len(head)}.yaml" if not head else f"elsewhere/kind{len(head)}.yaml"
    server.open(name, f"{head}apiVersion: reconciler/v1\nkind: \n")
    offered = server.complete(name, head.count("\n") + 1, 6)
    assert [label for label in offered if label in KINDS] == list(KINDS)


def test_fields_of_the_kind_are_completed_and_described(server: LanguageServer) -> None:
    server.open("specs/fields.yaml", HEAD + "spec:\n  token: x\n  \n")
    offered = server.complete("specs/fields.yaml", 5, 2)
    assert {"name", "activations", "id"} <= set(offered)
    assert "files" not in offered
    assert "site tags use it" in server.hover("specs/fields.yaml", 4, 3)


def test_a_wrong_field_is_an_error_at_its_place(server: LanguageServer) -> None:
    found = server.open("specs/wrong.yaml", HEAD + "spec:\n  token: x\n  activation: all\n")
    assert [(d["range"]["start"], d["severity"]) for d in found] == [({"line": 5, "character": 2}, 1)]
    assert "activation" in found[0]["message"]


def test_a_wrong_value_and_a_missing_field(server: LanguageServer) -> None:
    found = server.open(
        "specs/value.yaml",
        HEAD.replace("Compartment", "ProfileSource") + "spec:\n  files: [x.ndjson]\n  upload: chunked\n",
    )
    messages = " ".join(d["message"] for d in found)
    assert '"raw", "multipart"' in messages
    assert '"datamarts"' in messages


def test_every_document_of_a_file_is_checked_by_its_own_kind(server: LanguageServer) -> None:
    two = (
        HEAD
        + "spec: {token: x}\n---\n"
        + HEAD.replace("Compartment", "Rollout")
        + "spec: {waves: [], tokn: x}\n"
    )
    found = server.open("specs/two.yaml", two)
    assert {d["range"]["start"]["line"] for d in found} == {8}


def test_an_overlay_may_be_half_a_document(server: LanguageServer) -> None:
    overlay = HEAD.replace("{name: x}", "{name: x, environment: dev}") + "spec: {name: X (dev)}\n"
    assert server.open("specs/overlay.yaml", overlay) == []
    assert server.open("specs/base.yaml", HEAD + "spec: {name: X}\n") != []
