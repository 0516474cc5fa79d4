"""Lines and files: every rule of contract 7 accepts and rejects what it should, and positions find their way back."""

import gzip
import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.bulk.records.commands import command_line
from reconciler.bulk.records.lines import ANY_ID, UNKNOWN_ID, BadLine
from reconciler.bulk.scan.chunk_bytes import chunk_pieces
from reconciler.bulk.scan.scan import scan
from reconciler.bulk.sources import locations
from reconciler.errors import ReconcilerError
from reconciler.model.load import Chunk
from reconciler.model.source import Dialect, Identifier, Operation, SourceDefinition, Update

COMMANDS = SourceDefinition(
    workspace="w", source="s", files=("*.ndjson",), format="commands", compression="suffix"
)
ACCOUNT = Identifier(kind="user_account_id", column="id", compartment="loyalty")
CSV = SourceDefinition(
    workspace="w",
    source="s",
    files=("*.csv",),
    format="csv",
    compression="suffix",
    identify_by=(ACCOUNT,),
    compartments={"loyalty": "2071"},
)
GOOD = b'{"operation":"UPSERT","compartment_id":"2071","user_account_id":"u-1","force_replace":true,"user_profile":{"$compartment_id":"2071","$user_account_id":"u-1"}}'


def pieces(root: Path, source: SourceDefinition, chunk: Chunk) -> list[bytes]:
    """The lines of a chunk, read again from its start."""
    whole = b"".join(chunk_pieces(root, locations.find(root, source), source, chunk))
    return whole.splitlines(keepends=True)


BAD = {
    "line-json": b"{not json",
    "line-field": b'{"operation":"UPSERT","user_account_id":7}',
    "line-no-identifier": b'{"operation":"DELETE"}',
    "line-identifiers": b'{"operation":"DELETE","user_account_id":"u","email_hash":"e"}',
    "line-operation": b'{"operation":"MERGE","user_account_id":"u"}',
    "line-force-replace": b'{"operation":"UPSERT","user_account_id":"u","user_profile":{}}',
    "line-profile": b'{"operation":"UPSERT","user_account_id":"u","force_replace":true}',
    "line-identity": b'{"operation":"UPSERT","user_account_id":"u","force_replace":true,"user_profile":{"$user_account_id":"v"}}',
    "line-dialect": b'{"operation":"UPSERT","user_account_id":"u","force_replace":true,"update_strategy":"FORCE_REPLACE","user_profile":{}}',
    "line-duplicate-key": b'{"operation":"UPSERT","operation":"DELETE","user_account_id":"u"}',
    "line-agent": b'{"operation":"DELETE","user_agent_id":"nocolon"}',
    "line-encoding": b'{"operation":"DELETE","user_account_id":"\xff"}',
}


@pytest.mark.parametrize("code", BAD)
def test_bad_command_lines_are_rejected_by_code_and_without_their_contents(code: str) -> None:
    with pytest.raises(BadLine) as caught:
        command_line(BAD[code], COMMANDS)
    assert caught.value.code == code
    assert '"u"' not in caught.value.reason


@pytest.mark.parametrize(
    "line",
    [
        b'{"operation":"UPSERT","user_account_id":"u","force_replace":true,"user_profile":[]}',
        b'{"operation":"UPSERT","user_account_id":"u","force_replace":true,"user_profile":{"a":NaN}}',
        b'{"operation":"UPSERT","compartment_id":"1","user_account_id":"u","force_replace":true,"user_profile":{"$compartment_id":2}}',
        b'{"operation":"DELETE","compartment_id":"1","email_hash":"e"}',
        b'{"operation":"DELETE","user_account_id":""}',
        b"[]",
        b"null",
        b'{"operation":"UPSERT","user_account_id":"u","update_strategy":"SOMETHING","user_profile":{}}',
    ],
)
def test_more_bad_lines(line: bytes) -> None:
    with pytest.raises(BadLine):
        command_line(line, COMMANDS)


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [
        ('{"operation":"UPSERT","user_account_id":"u","force_replace":"yes"}', "line-field", "force_replace must be true or false, and is a text"),
        ('{"operation":"DELETE","user_account_id":"u","compartment_id":[1]}', "line-field", "compartment_id must be a whole number or a text, and is a list"),
        ('{"operation":"DELETE","user_account_id":7}', "line-field", "user_account_id must be a text, and is a whole number"),
        ('{"operation":"DELETE","email_hash":null}', "line-field", "email_hash must be a text, and is null"),
        ('{"operation":1.5}', "line-field", "operation must be a text, and is a number"),
        ('{"user_account_id":"u"}', "line-field", "the line has no 'operation'"),
        ('{"operation":"UPSERT","user_account_id":"u","force_replace":true,"user_profile":{"$user_account_id":{"a":1}}}', "line-profile",
         "$user_account_id must be a whole number, a text or null, and is an object"),
        ("[]", "line-json", "the line must be an object, and is a list"),
        (' "u"', "line-json", "the line must be an object, and is a text"),
        ("7", "line-json", "the line must be an object, and is a whole number"),
        ("true", "line-json", "the line must be an object, and is true or false"),
    ],
)  # fmt: skip
def test_a_wrong_type_in_a_command_is_told_in_plain_words(line: str, code: str, reason: str) -> None:
    with pytest.raises(BadLine) as caught:
        command_line(line.encode(), COMMANDS)
    assert (caught.value.code, caught.value.reason) == (code, reason)


@pytest.mark.parametrize("profile", ['{"x":1,"x":2}', '{"x":1, "x" : 2}', '{"x":1.10,"x":1.1}'])
def test_no_value_is_lost_where_a_command_is_written_anew(profile: str) -> None:
    line = f'{{"operation":"UPSERT","user_account_id":"u","force_replace":true,"user_profile":{profile}}}'
    with pytest.raises(BadLine) as caught:
        command_line(line.encode(), replace(COMMANDS, fill_identity=True))
    assert caught.value.code == "line-duplicate-key"
    assert command_line(line.encode(), COMMANDS).data == line.encode() + b"\n"


def test_what_stands_within_a_property_is_kept_where_a_command_is_written_again() -> None:
    line = '{"operation":"UPSERT","user_account_id":"u","force_replace":true,"user_profile":{"y":[{"x":1,"x":2}]}}'
    made = command_line(line.encode(), replace(COMMANDS, fill_identity=True)).data
    assert b'"y":[{"x":1,"x":2}]' in made


def test_a_compartment_whose_id_is_not_known_is_filled_in_as_unknown() -> None:
    source = replace(COMMANDS, fill_identity=True, compartment="c", compartments={"c": ANY_ID})
    line = b'{"operation":"UPSERT","user_account_id":"u","force_replace":true,"user_profile":{}}'
    made = json.loads(command_line(line, source).data)
    assert made["compartment_id"] == made["user_profile"]["$compartment_id"] == UNKNOWN_ID


def test_a_good_line_is_sent_byte_for_byte() -> None:
    odd = GOOD.replace(b'"operation"', b' "operation" ')
    line = command_line(odd, COMMANDS)
    assert line.data == odd + b"\n"
    assert (line.replay_safe, line.anonymous, line.compartment_id) == (True, False, "2071")


@pytest.mark.parametrize(
    ("flags", "safe"),
    [
        ('"force_replace":true', True),
        ('"force_replace":false', False),
        ('"force_replace":false,"merge_objects":true', False),
        ('"update_strategy":"FORCE_REPLACE"', True),
        ('"update_strategy":"PARTIAL_UPDATE"', False),
    ],
)
def test_only_whole_replacement_is_replay_safe(flags: str, safe: bool) -> None:
    line = command_line(
        f'{{"operation":"UPSERT","user_account_id":"u",{flags},"user_profile":{{}}}}'.encode(), COMMANDS
    )
    assert line.replay_safe is safe


def test_fill_identity_adds_what_is_missing_and_keeps_the_rest() -> None:
    from dataclasses import replace

    source = replace(COMMANDS, fill_identity=True, compartment="loyalty", compartments={"loyalty": "2071"})
    line = command_line(
        b'{"operation":"UPSERT","user_account_id":"u","force_replace":true,"x":1,"user_profile":{"tier":1.50}}',
        source,
    )
    assert json.loads(line.data) == {
        "operation": "UPSERT",
        "user_account_id": "u",
        "force_replace": True,
        "x": 1,
        "compartment_id": "2071",
        "user_profile": {"tier": 1.5, "$compartment_id": "2071", "$user_account_id": "u"},
    }
    assert b"1.50" in line.data
    with pytest.raises(BadLine, match="another compartment"):
        command_line(GOOD.replace(b"2071", b"9"), source)
    with pytest.raises(BadLine, match="names no compartment"):
        command_line(b'{"operation":"DELETE","user_account_id":"u"}', replace(source, fill_identity=False))


OWNERS: dict[str, list[str]] = {
    "$compartment_id": ["", '"7"', "7", "null", ' "7"', "\tnull ", '"8"', "true"],
    "$user_account_id": ["", '"5"', "5", "null", " null", '"6"', "[]"],
}


@pytest.mark.parametrize("compartment", ['"compartment_id":"7",', '"compartment_id":7,', ""])
@pytest.mark.parametrize("rest", ["", '"x":null', '"x":1.50,"y":{"$user_account_id":null}'])
@pytest.mark.parametrize(("where", "who"), list(itertools.product(*OWNERS.values())))
def test_with_fill_identity_no_profile_is_anonymous(
    where: str, who: str, rest: str, compartment: str
) -> None:
    """Whatever its `$` fields were, null as well, they name whom the command names, or it is rejected; the rest stays as it is."""
    fields = [rest, *(f'"{k}" :{v}' for k, v in zip(OWNERS, (where, who), strict=True) if v)]
    profile = "{" + ",".join(f for f in fields if f) + "}"
    line = f'{{"operation":"UPSERT",{compartment}"user_account_id":"5","force_replace":true,"user_profile":{profile}}}'
    source = replace(COMMANDS, fill_identity=True, compartment="c", compartments={"c": "7"})
    if where in ('"8"', "true") or who in ('"6"', "[]"):
        with pytest.raises(BadLine):
            command_line(line.encode(), source)
        return
    made = command_line(line.encode(), source)
    sent = json.loads(made.data, parse_float=str)
    assert (str(sent["compartment_id"]), sent["user_account_id"], made.anonymous) == ("7", "5", False)
    owners = {k: str(sent["user_profile"].pop(k)) for k in OWNERS}
    assert owners == {"$compartment_id": "7", "$user_account_id": "5"}
    assert sent["user_profile"] == json.loads("{" + rest + "}", parse_float=str)


def test_every_line_is_sent_or_rejected_with_its_number(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(b"\xef\xbb\xbf" + GOOD + b"\r\n\n" + GOOD + b"\nnot json\n" + GOOD)
    found = scan(tmp_path, COMMANDS)
    assert (found.lines, found.sent, found.rejected) == (5, 3, 2)
    assert [(r.path, r.line, r.code) for r in found.rejects] == [
        ("a.ndjson", 2, "line-blank"),
        ("a.ndjson", 4, "line-json"),
    ]
    assert b"".join(pieces(tmp_path, COMMANDS, found.chunks[0])) == (GOOD + b"\n") * 3


def test_chunks_can_be_read_again_from_their_starts(tmp_path: Path) -> None:
    from dataclasses import replace

    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.csv").write_text(
            "id,note\n" + "".join(f'{name}{n},"two\nlines, {n}"\n' for n in range(40))
        )
    packed = gzip.compress((tmp_path / "c.csv").read_bytes())
    (tmp_path / "c.csv").unlink()
    (tmp_path / "c.csv.gz").write_bytes(packed)
    source = replace(CSV, files=("*.csv", "*.csv.gz"), max_bytes=2_000)
    found = scan(tmp_path, source)
    assert found.rejected == 0
    assert len(found.chunks) > 5
    whole = b"".join(b"".join(pieces(tmp_path, source, c)) for c in found.chunks)
    assert [json.loads(x)["user_account_id"] for x in whole.splitlines()] == [
        f"{name}{n}" for name in "abc" for n in range(40)
    ]
    import hashlib

    for chunk in found.chunks:
        data = b"".join(pieces(tmp_path, source, chunk))
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (chunk.sha256, chunk.size)


def test_the_digest_is_of_content_and_shape_not_of_names_or_limits(tmp_path: Path) -> None:
    from dataclasses import replace

    (tmp_path / "a.ndjson").write_bytes(GOOD + b"\n" + GOOD)
    first = scan(tmp_path, COMMANDS).source_digest
    (tmp_path / "a.ndjson").rename(tmp_path / "z.ndjson")
    assert (
        scan(tmp_path, replace(COMMANDS, max_bytes=1000, allow="5%", ordering="strict")).source_digest
        == first
    )
    (tmp_path / "z.ndjson").write_bytes(GOOD)
    (tmp_path / "zz.ndjson").write_bytes(GOOD + b"\n")
    assert scan(tmp_path, COMMANDS).source_digest == first, "files are joined at line ends"
    assert scan(tmp_path, replace(COMMANDS, fill_identity=True)).source_digest != first
    (tmp_path / "zz.ndjson").write_bytes(GOOD + b" \n")
    assert scan(tmp_path, COMMANDS).source_digest != first


def test_csv_types_columns_and_operations(tmp_path: Path) -> None:
    from dataclasses import replace

    (tmp_path / "a.csv").write_text(
        "id;op;age;price;ok;extra;name\nu1;U;12;1.50;true;{};Zoë\nu2;D;;;;;\nu3;U;x;1;true;;n\nu4;X;1;1;true;;n\nu5;U\n;U;1;1;true;;n\nu6;U;;;;;\n"
    )
    source = replace(
        CSV,
        csv=Dialect(delimiter=";"),
        operation=Operation(value=None, column="op", map={"U": "UPSERT", "D": "DELETE"}),
        types={"age": "integer", "price": "number", "ok": "boolean", "extra": "json"},
        rename={"name": "first_name"},
        constants={"from": "test"},
        update=Update(force_replace=False, merge_objects=True),
    )
    found = scan(tmp_path, source)
    assert [(r.line, r.code) for r in found.rejects] == [
        (4, "line-type"),
        (5, "line-operation"),
        (6, "line-columns"),
        (7, "line-no-identifier"),
    ]
    lines = pieces(tmp_path, source, found.chunks[0])
    assert b'"price":1.50' in lines[0]
    assert json.loads(lines[0]) == {
        "operation": "UPSERT",
        "compartment_id": "2071",
        "user_account_id": "u1",
        "force_replace": False,
        "merge_objects": True,
        "user_profile": {
            "$compartment_id": "2071",
            "$user_account_id": "u1",
            "age": 12,
            "price": 1.5,
            "ok": True,
            "extra": {},
            "first_name": "Zoë",
            "from": "test",
        },
    }
    assert json.loads(lines[1]) == {"operation": "DELETE", "compartment_id": "2071", "user_account_id": "u2"}
    empty = json.loads(lines[2])["user_profile"]
    assert empty == {"$compartment_id": "2071", "$user_account_id": "u6", "first_name": "", "from": "test"}
    assert found.replay_safe is False


def test_an_open_quote_costs_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,n\nu1,a\nu2,"open\nu3,b\n')
    found = scan(tmp_path, CSV)
    assert [r.code for r in found.rejects] == ["line-csv"]
    assert found.lines == found.sent + found.rejected == 3
    assert found.rejects[0].line == 3


def test_fallback_identifiers_and_owner(tmp_path: Path) -> None:
    from dataclasses import replace

    (tmp_path / "a.csv").write_text("id,hash,owner\n,h1,o1\nu2,h2,o2\n")
    source = replace(
        CSV,
        identify_by=(ACCOUNT, Identifier(kind="email_hash", column="hash")),
        owner=Identifier(kind="user_account_id", column="owner", compartment="loyalty"),
    )
    found = scan(tmp_path, source)
    first, second = (json.loads(x) for x in pieces(tmp_path, source, found.chunks[0]))
    assert (first["email_hash"], first["user_profile"]["$user_account_id"]) == ("h1", "o1")
    assert (second["user_account_id"], second["user_profile"]["$user_account_id"]) == ("u2", "o2")


def test_too_long_lines_are_rejected_without_being_held(tmp_path: Path) -> None:
    from dataclasses import replace

    (tmp_path / "a.ndjson").write_bytes(b"x" * 5000 + b"\n" + GOOD + b"\n")
    found = scan(tmp_path, replace(COMMANDS, max_bytes=1000))
    assert [(r.line, r.code) for r in found.rejects] == [(1, "line-too-large")]
    assert found.sent == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no CSV header"),
        (b"a,a\n1,2\n", "the same name"),
        (b"key,b\n1,2\n", "no column 'id'"),
    ],
)
def test_a_csv_header_that_does_not_fit_stops_the_source(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ReconcilerError, match=words):
        scan(tmp_path, CSV)


def test_sources_stay_inside_the_workspace(tmp_path: Path) -> None:
    root = tmp_path / "ws"
    root.mkdir()
    (tmp_path / "out.ndjson").write_bytes(GOOD)
    (root / "link.ndjson").symlink_to(tmp_path / "out.ndjson")
    from dataclasses import replace

    for pattern in ("*.ndjson", "../out.ndjson", str(tmp_path / "out.ndjson")):
        with pytest.raises(ReconcilerError, match="outside the workspace"):
            locations.find(root, replace(COMMANDS, files=(pattern,)))
        assert locations.find(root, replace(COMMANDS, files=(pattern,), outside=True))
    with pytest.raises(ReconcilerError, match="no file matches"):
        locations.find(root, replace(COMMANDS, files=("nothing/*.csv",)))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("data/custmers.csv", "data/customers.csv"),
        ("dat/customers.csv", "data/customers.csv"),
        ("dat/*.csv", "data/*.csv"),
        ("daat/*.cvs", "data/*.csv"),
        ("daat/absent-*.csv", "data"),
        ("data/customers.cvs", "data/customers.csv"),
        ("data/*.cvs", "data/*.csv"),
        ("data/custmers*.csv", "data/customers*.csv"),
        ("data/ordres-*.csv", "data/orders-*.csv"),
        ("data/*/pricse.csv", "data/*/prices.csv"),
        ("data/*/*.ndjsn", None),
        ("data/**/pricse.csv", "data/**/prices.csv"),
        ("dta/**/*.csv", "data/**/*.csv"),
        ("packed/*.csv", "packed/*.csv.gz"),
        ("data/[op]*.cvs", "data/[op]*.csv"),
        ("data/nothing.csv", None),
        ("*/*/*/*.csv", None),
        ("../ouside.csv", None),
        ("../*.cvs", None),
        ("link/customrs.csv", None),
        ("link/*.cvs", None),
    ],
)
def test_the_file_that_a_misspelt_path_may_mean_is_proposed(
    tmp_path: Path, written: str, meant: str | None
) -> None:
    from dataclasses import replace

    root, beside = tmp_path / "ws", tmp_path / "beside"
    (root / "data" / "fr").mkdir(parents=True)
    (root / "packed").mkdir()
    beside.mkdir()
    for folder in (root / "data", beside):
        (folder / "customers.csv").write_text("id\n1\n")
    (root / "data" / "orders-10.csv").write_text("id\n1\n")
    (root / "data" / "fr" / "prices.csv").write_text("id\n1\n")
    (root / "packed" / "a.csv.gz").write_bytes(b"x")
    (tmp_path / "outside.csv").write_text("id\n")
    (root / "link").symlink_to(beside)
    with pytest.raises(ReconcilerError, match="no file matches") as raised:
        locations.find(root, replace(COMMANDS, files=(written,), outside=True))
    help_ = raised.value.help or ""
    assert ("did you mean" in help_) is (meant is not None)
    assert meant is None or f"did you mean '{meant}'?" in help_
    if meant and "." in meant:
        assert locations.find(root, replace(COMMANDS, files=(meant,)))


def test_where_no_name_is_near_the_files_that_are_there_are_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for n in range(7):
        (tmp_path / "data" / f"{n}.csv").write_text("id\n1\n")
    with pytest.raises(ReconcilerError, match="no file matches") as raised:
        locations.find(tmp_path, replace(COMMANDS, files=("data/customers.csv",)))
    assert raised.value.help == (
        "data has 0.csv, 1.csv, 2.csv, 3.csv, 4.csv and 2 more. Paths are relative to the workspace"
    )
