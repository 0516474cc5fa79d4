"""Exports of programs that people use are read as they are meant, with the settings that the spec states."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.scan import scan
from reconciler.model.source import Dialect, Identifier, SourceDefinition, Update
from tests.support.dialects import EXPORTS, FOLDER

SOURCE = SourceDefinition(
    workspace="w", source="s", files=("*.csv",), format="csv", update=Update(force_replace=True),
    compartments={"c": "7"}, allow="100%",
)  # fmt: skip


def test_the_files_are_those_of_the_table() -> None:
    assert {p.name: p.read_bytes() for p in FOLDER.glob("*.csv")} == {n: e.data for n, e in EXPORTS.items()}


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_read_as_it_is_meant(name: str, tmp_path: Path) -> None:
    export = EXPORTS[name]
    fields = dict(export.fields)
    who = Identifier(kind="user_account_id", column=fields.pop("id", "id"), compartment="c")
    source = replace(SOURCE, identify_by=(who,), csv=Dialect(**export.csv), **fields)
    shutil.copy(FOLDER / name, tmp_path / name)
    found = scan(tmp_path, source)
    sent = b"".join(b"".join(chunk_pieces(tmp_path, found.files, source, c)) for c in found.chunks)
    profiles = [json.loads(line)["user_profile"] for line in sent.splitlines()]
    rows = [{"id": p["$user_account_id"], **{k: v for k, v in p.items() if k[0] != "$"}} for p in profiles]
    assert rows == list(export.rows)
    assert [(r.line, r.code) for r in found.rejects] == list(export.rejected)
