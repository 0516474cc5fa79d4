"""A key that stands twice in the profile of a command that is sent as it is: told, and sent; rejected where the command is written again."""

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.bulk.scan.repeated_keys import LOOKS, SMALL, repeated
from reconciler.bulk.scan.scan import scan
from reconciler.model.load import Scan
from reconciler.model.source import SourceDefinition
from tests.support.workspace import Workspace

SOURCE = SourceDefinition(workspace="w", source="s", files=("c.ndjson",), format="commands", allow="100%")
COMMAND = '{"operation":"UPSERT","user_account_id":"u%d","force_replace":true,"user_profile":%s}\n'
TWICE = [
    '{"a":1,"a":2}',
    '{"a":{"b":1,"b":"1"}}',
    '{"l":[{"x":1},{"y":[],"y":{}}]}',
    '{"a":1,"a":1.0}',
]
ONCE = ['{}', '{"a":1,"a":1}', '{"a":"\\"a\\":1,","b":1}', '{"l":[{"x":1},{"x":2}]}', '{"a":{"a":{"a":1}}}', '{"a":1e400, "b":-0}']  # fmt: skip


def told(found: Scan) -> tuple[int, tuple[str, ...]]:
    return next(((o.count, o.first) for o in found.identifiers if o.kind == "repeated key"), (0, ()))


@pytest.mark.parametrize("profile", [*TWICE, *ONCE])
def test_one_of_few(profile: str, tmp_path: Path) -> None:
    (tmp_path / "c.ndjson").write_text(
        COMMAND % (1, '{"z":1}') + "\n" + COMMAND % (2, profile) + COMMAND % (3, "{}")
    )
    found = scan(tmp_path, SOURCE)
    assert (found.lines, found.rejected) == (4, 1)
    assert told(found) == ((1, ("c.ndjson:3",)) if profile in TWICE else (0, ()))
    filled = scan(tmp_path, replace(SOURCE, fill_identity=True, compartment="c", compartments={"c": "7"}))
    lost = (
        profile.startswith('{"a":1,"a":') and profile in TWICE
    )  # of the profile itself; objects within it are copied as they are
    assert (filled.rejected, told(filled)[0]) == (1 + lost, profile in TWICE and not lost)


def test_all_of_few_and_some_of_many() -> None:
    for count in (1, 2, 500, 700, 3_000, 20_000):
        lines = [(COMMAND % (n, '{"a":1,"a":2}')).encode() for n in range(count)]
        found = repeated(b"".join(lines), range(count))
        assert found == sorted(set(found))
        if sum(map(len, lines)) <= SMALL:
            assert found == list(range(count))
        else:
            assert LOOKS // 2 < len(found) <= LOOKS + 1


def test_it_is_a_warning_without_values(workspace: Workspace) -> None:
    workspace.write(
        "specs/raw.yaml",
        "apiVersion: reconciler/v1\nkind: ProfileSource\nmetadata: {name: raw}\nspec: {files: [data/c.ndjson], datamarts: all}\n",
    )
    workspace.write("data/c.ndjson", (COMMAND % (1, '{"secret":"x1","secret":"x2"}')) * 3)
    done = workspace.run("source", "check", "raw")
    assert done.code == 0, done
    text = " ".join(done.err.replace("│", " ").split())
    assert "command-repeated-key" in text
    assert "3 of the commands that were looked at have a key twice" in text
    assert "data/c.ndjson:1" in text
    assert "secret" not in done.err + done.out
    assert "x1" not in done.err + done.out
