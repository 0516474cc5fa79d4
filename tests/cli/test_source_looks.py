"""Rows that look otherwise than the spec says are told, with what to set, and read as the spec says."""

import csv
import gzip
import io
import json
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.scan.scan import scan
from reconciler.model.source import Dialect, Identifier, SourceDefinition, Update
from tests.support.workspace import Workspace

SPEC = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: looks}
spec:
  files: [data/x.csv]
  datamarts: retail-fr
  identify_by: {compartment: loyalty, user_account_id: ID}
  update: {force_replace: true}
  bad_lines: {allow: 100%}
"""
NAMES = ["Zoë,", "Jürgen", "Anaïs", "plain", "Łukasz"]
GOOD = "id,name\n" + "".join(f"u{n},Ann {n}\n" for n in range(5))
ACCENTS = "id,name\n" + "".join(f"u{n},Zoë Lefèvre {n}\n" for n in range(9))


@pytest.mark.parametrize(
    ("data", "settings", "rejected", "words"),
    [
        (ACCENTS.encode("cp1252"), "", 9, "looks like windows-1252; | {encoding: windows-1252}"),
        (GOOD.encode() + ACCENTS[8:].encode("cp1252"), "", 9, "from line 7 on, | {encoding: windows-1252}"),
        (GOOD.encode() + "u7;Zoë;x\nu8;é;x\n".encode("cp1252"), "", 2, "windows-1252"),
        (ACCENTS.encode().replace(b"\xc3\xab", b"\xab", 1), "", 1, None),  # one damaged row of UTF-8
        (b"id,name\nu1,'Ann, A'\nu2,'Bob, B'\n", "", 2, "single quotes | {quote: \"'\"}"),
        (b"id,name\nu1;Ann\nu2;Bob\n", "", 2, "a semicolon between cells, unlike the header | one separator"),
        (b"id,name\nu1\tAnn\nu2\tBob\n", "", 2, "a tab between cells, unlike the header"),
        (b"u1;Ann\nu2;Bob\n", "{header: false}", 0, "from line 1 on, | a semicolon | {delimiter: \";\"}"),
        (b"u1|Ann|x\nu2|Bob|x\n", "{header: false, delimiter: ';'}", 0, "a bar between cells | {delimiter: \"|\"}"),
        (b'id,name\nu1,"5\\" x"\nu2,"6\\" x"\n', "", 2, "quotes escaped by a backslash | doubled quotes"),
        (ACCENTS.encode(), "{encoding: cp1252}", 0, "looks like utf-8 | {encoding: utf-8}"),
        pytest.param(GOOD.encode() + b"u7,Ann\n" * 20_000 + "u9,Zoë\n".encode(), "{encoding: cp1252}", 0, "from line 20,007 on, this looks like utf-8", id="one letter"),
        (GOOD.encode() + "u8,Zoë\n".encode() + "u9,Zoë\n".encode("cp1252"), "{encoding: cp1252}", 0, None),
        (ACCENTS.encode("cp1252"), "{encoding: cp1252}", 0, None),
        (ACCENTS.encode("utf-16"), "{encoding: utf-16}", 0, None),
        ("id,name\nu1,\u30bd\u80fd\n".encode("cp932") + b"u2,\x81 \n", "{encoding: cp932}", 1, None),
        ("id,name\nu1,①㈱\nu2,①\nu3,髙\n".encode("cp932"), "{encoding: shift_jis}", 3, "looks like cp932"),
        ("id,name\nu1,똠방\nu2,똠\n".encode("cp949"), "{encoding: euc-kr}", 2, "looks like cp949"),
        ("id,name\nu1,龍𠮷\nu2,𠮷\n".encode("gb18030"), "{encoding: gbk}", 2, "looks like gb18030"),
        ("id,name\nu1,Анна Ёлкина\nu2,Пётр\n".encode("cp1251"), "", 2, "looks like windows-1251"),
        ("id,name\nu1,Анна\n".encode("cp1251"), "{encoding: cp1251}", 0, None),
        (GOOD.encode() + b"u7,Ann,one more\n", "", 1, None),
        (GOOD.encode() + b"\0" * 512, "", 1, None),  # as a file system leaves it after a crash
        (GOOD.encode() + b"u7\n", "", 1, None),
        (GOOD.encode() + b'u7,"open\n', "", 1, None),
        (b"id,price\nu1,1,5\nu2,2,5\n", "", 2, None),
        (GOOD.encode(), "", 0, None),
    ],
)  # fmt: skip
def test_what_rows_look_like(
    data: bytes, settings: str, rejected: int, words: str | None, workspace: Workspace
) -> None:
    identifier = "column_1" if "header: false" in settings else "id"
    workspace.write(
        "specs/looks.yaml",
        SPEC.replace("ID", identifier) + (f"  csv: {settings}\n" if settings else ""),
    )
    (workspace.root / "data/x.csv").write_bytes(data)
    done = workspace.run("source", "check", "looks")
    assert f"{rejected} rejected" in done.out, done
    assert ("source-looks" in done.err) == (words is not None), done
    for part in (words or "").split(" | "):
        assert part in done.err
    assert "Zo" not in done.out + done.err


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (gzip.compress(b"u1\nu2\n", mtime=0), "this looks packed by gzip"),
        (b"PK\x03\x04\x14\x00\x06\x00u1", "a workbook of Excel"),
        (b"PAR1\x15\x00u1", "this looks like Parquet"),
    ],
)
def test_what_is_no_text_is_not_read_as_text(data: bytes, words: str, workspace: Workspace) -> None:
    settings = "  csv: {header: false, encoding: iso-8859-1}\n"
    workspace.write("specs/looks.yaml", SPEC.replace("ID", "column_1") + settings)
    (workspace.root / "data/x.csv").write_bytes(data)
    done = workspace.run("source", "check", "looks")
    assert (done.code, "data/x.csv is no text" in done.err, words in done.err) == (1, True, True), done
    (workspace.root / "data/x.csv").write_bytes(b"PAR1\nBZh\n")
    assert workspace.run("source", "check", "looks").code == 0


@pytest.mark.parametrize(
    ("data", "words"), [(b"", "it is empty"), (b"\n\r\n", "it has nothing but blank lines")]
)
def test_a_file_without_anything_says_so(data: bytes, words: str, workspace: Workspace) -> None:
    workspace.write("specs/looks.yaml", SPEC.replace("ID", "id"))
    (workspace.root / "data/x.csv").write_bytes(data)
    done = workspace.run("source", "check", "looks")
    assert (done.code, f"data/x.csv has no CSV header: {words}" in done.err) == (1, True), done


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("id ,name", "its columns: 'id ', name"),
        ("\ufeff\ufeffid,name", r"its columns: '\ufeffid', name"),
        ("Id,name", "its columns: Id, name"),
        pytest.param(",".join(f"c{n}" for n in range(100_000)), "c29 and 99,970 more", id="many"),
        ("uid,name", "did you mean 'uid'? its columns: uid, name"),
        ("a,a", "two columns of the CSV header have the same name: columns 1 and 2"),
    ],
)
def test_a_missing_column(header: str, words: str, workspace: Workspace) -> None:
    workspace.write("specs/looks.yaml", SPEC.replace("ID", "id"))
    workspace.write("data/x.csv", f"{header}\n")
    done = workspace.run("source", "check", "looks")
    assert (done.code, words in done.err) == (1, True), done


def test_json_in_another_encoding(workspace: Workspace) -> None:
    workspace.write("specs/looks.yaml", SPEC.replace("ID", "id").replace("x.csv", "x.ndjson"))
    rows = '{"id":"u1","name":"Ann"}\n{"id":"u2","name":"Zoë"}\n'
    (workspace.root / "data/x.ndjson").write_bytes(rows.encode("cp1252"))
    done = workspace.run("source", "check", "looks")
    assert "data/x.ndjson: from line 2 on, this looks like windows-1252" in done.err
    assert "write the file in UTF-8" in done.err
    (workspace.root / "data/x.ndjson").write_bytes(
        b"{\n" + rows.encode("cp1252")
    )  # lines of another kind before
    assert (
        "from line 1 on, this looks like objects of several" in workspace.run("source", "check", "looks").err
    )
    (workspace.root / "data/x.ndjson").write_bytes(b"null\n" + rows.encode("cp1252"))
    assert "from line 3 on, this looks like windows-1252" in workspace.run("source", "check", "looks").err
    (workspace.root / "data/x.ndjson").write_bytes(rows.encode())
    assert "source-looks" not in workspace.run("source", "check", "looks").err


ROWS = [{"id": f"u{n}", "tags": [{"a": n}], "name": "Zoë"} for n in range(3)]
LINES = "".join(json.dumps(r) + "\n" for r in ROWS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (json.dumps(ROWS), "from line 1 on, this looks like a list of JSON | jq -c '.[]'"),
        (json.dumps(ROWS, indent=2), "from line 1 on, this looks like a list of JSON"),
        ("[\n" + LINES.replace("\n", ",\n") + "]\n", "this looks like a list of JSON"),
        ("[" + LINES.replace("\n", ",\n") + "]\n", "this looks like a list of JSON"),
        ("".join(json.dumps(r, indent=1) + "\n" for r in ROWS), "objects of several lines | jq -c ."),
        (
            LINES + json.dumps(ROWS[0]).replace(", ", ",\n"),
            "from line 4 on, this looks like objects of several lines",
        ),
        (LINES + LINES.replace("\n", ""), "from line 4 on, this looks like several objects on a line"),
        ("id,name\nu1,Ann\n", "this looks like CSV | set format: csv"),
        (LINES + '{"id":"u1","n":NaN}\n', None),
        (LINES + '{"id":"u1","n":\n' + LINES, None),
        (LINES + '{"id":"u1"}}\n' + LINES, None),
        (LINES + LINES[:20], None),
        (LINES + "[1]\n", None),
        (LINES + "null\n", None),
        (LINES + "\ufeff" + LINES, None),
        (LINES, None),
    ],
)
@pytest.mark.parametrize("form", ["ndjson", "commands"])
def test_what_lines_of_json_look_like(text: str, words: str | None, form: str, workspace: Workspace) -> None:
    spec = SPEC.replace("ID", "id").replace("x.csv", "x.ndjson")
    if form == "commands":
        spec = "".join(x for x in spec.splitlines(True) if "identify_by" not in x and "update:" not in x)
        text = text.replace('{"id": ', '{"operation": "DELETE", "user_account_id": ')
    workspace.write("specs/looks.yaml", spec)
    workspace.write("data/x.ndjson", text)
    done = workspace.run("source", "check", "looks")
    assert ("source-looks" in done.err) == (words is not None), done
    said = " ".join(done.err.split())
    for part in (words or "").split(" | "):
        assert part in said
    assert "Zo" not in done.out + done.err


@pytest.mark.parametrize("profile", ["include: [column_3]", "exclude: [column_3]", "rename: {column_3: x}"])
def test_a_column_that_a_file_without_a_header_lacks_stops_it(profile: str, workspace: Workspace) -> None:
    spec = SPEC.replace("ID", "column_1") + f"  csv: {{header: false}}\n  profile: {{{profile}}}\n"
    workspace.write("specs/looks.yaml", spec)
    workspace.write("data/x.csv", "u1,ann@example.com\nu2,bob@example.com\n")
    done = workspace.run("source", "check", "looks")
    assert done.code == 1, done
    assert "data/x.csv has no column 'column_3'" in done.err
    workspace.write("data/x.csv", "u1;a;b\nu2;a;b\n")
    assert 'set csv: {delimiter: ";"}' in workspace.run("source", "check", "looks").err


@given(
    st.lists(
        st.tuples(st.integers(0, 99).map(str), *[st.text("aéü,;|'\" \t\n", max_size=6)] * 2),
        min_size=1, max_size=12,
    ),
    st.sampled_from(",;|\t"),
    st.sampled_from(["utf-8", "cp1252", "utf-16"]),
)  # fmt: skip
def test_a_file_that_is_as_the_spec_says_is_no_finding(
    rows: list[tuple[str, ...]], delimiter: str, encoding: str
) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([("id", "a", "b"), *rows])
    source = SourceDefinition(
        workspace="w", source="s", files=("x.csv",), format="csv", allow="100%", update=Update(force_replace=True),
        identify_by=(Identifier(kind="user_account_id", column="id", compartment="c"),), compartments={"c": "7"},
    )  # fmt: skip
    source = replace(source, csv=Dialect(delimiter=delimiter, encoding=encoding))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "x.csv").write_bytes(text.getvalue().encode(encoding))
        found = scan(Path(folder), source)
    assert (found.looks, found.rejected) == (None, 0)
