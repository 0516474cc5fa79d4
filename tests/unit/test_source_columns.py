"""Options of a source that have no effect, and properties with two sources, are told offline."""

from pathlib import Path

import pytest

from tests.support.specs import checked, codes

SPEC = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {{name: crm}}
spec:
  files: [{file}]
  datamarts: all
  identify_by: {{compartment: loyalty, user_account_id: id}}
  {more}
"""


@pytest.mark.parametrize(
    ("file", "more", "code"),
    [
        ("x.ndjson", "csv: {delimiter: ;}", "source-option"),
        ("x.parquet", "csv: {delimiter: ;}", "source-option"),
        ("x.csv", "profile: {nulls: keep}", "source-option"),
        ("x.csv", "profile: {include: [a], exclude: [b]}", "source-option"),
        ("x.csv", "profile: {include: [a], rename: {b: c}}", "source-option"),
        ("x.csv", "{types: {b: json}, profile: {exclude: [b]}}", "source-option"),
        ("x.csv", "types: {id: integer}", "source-option"),
        ("x.ndjson", "types: {a: string}", "source-option"),
        ("x.parquet", "types: {a: string}", "source-option"),
        ("x.csv", "types: {a: string}", None),
        ("x.csv", "profile: {rename: {id: number}}", "source-option"),
        ("x.csv", "{operation: DELETE, types: {a: json}}", "source-option"),
        ("x.csv", "profile: {rename: {a: x, b: x}}", "source-property"),
        ("x.csv", "profile: {rename: {a: x}, constants: {x: 1}}", "source-property"),
        ("x.csv", "profile: {include: [x], constants: {x: 1}}", "source-property"),
        ("x.csv", "profile: {include: [a, x], rename: {a: x}}", "source-property"),
        ("x.ndjson", "profile: {include: [a, a.b]}", "source-property"),
        ("x.csv", "profile: {constants: {$user_account_id: u1}}", "source-property"),
        ("x.csv", "profile: {rename: {a: $compartment_id}}", "source-property"),
        ("x.csv", "{types: {a: json}, profile: {include: [a, id], rename: {id: number}}}", None),
        ("x.ndjson", "profile: {nulls: absent, exclude: [b], rename: {a: b}}", None),
        ("x.ndjson", "types: {a: json}", None),
        ("x.parquet", "{types: {a: json}, profile: {nulls: keep}}", None),
        ("x.csv", "profile: {include: [a, b], rename: {a: b, b: a}}", None),
        ("x.csv", "profile: {exclude: [id]}", "source-option"),
        ("x.csv", "profile: {rename: {a: a}}", "source-option"),
        ("x.csv", "profile: {rename: {a.b: a.b}}", None),
        (
            "x.ndjson",
            "{operation: {column: op, map: {U: UPSERT}}, profile: {exclude: [op]}}",
            "source-option",
        ),
        ("x.csv", "profile: {rename: {n: a, m: a.b}}", "source-property"),
        ("x.csv", "{types: {n: json}, profile: {rename: {n: a, m: a.b}}}", None),
        ("x.ndjson", "profile: {rename: {n: a, m: a.b}}", None),
        ("x.ndjson", "{types: {n: number}, profile: {rename: {n: a, m: a.b.c}}}", "source-property"),
        ("x.parquet", "profile: {constants: {a: 1}, rename: {m: a.b}}", "source-property"),
        ("x.parquet", "profile: {constants: {a: {c: 1}}, rename: {m: a.b}}", None),
        ("x.csv", "profile: {constants: {a.b: 1, a.c: 2}}", None),
        ("x.csv", "profile: {constants: {a.b: 1, a: {c: 2}}}", "source-property"),
        ("x.csv", "profile: {rename: {m: a.b}, constants: {a.b: 1}}", "source-property"),
    ],
)
def test_options(file: str, more: str, code: str | None, tmp_path: Path) -> None:
    text = "\n  ".join(_fields(more[1:-1])) if more[0] == "{" else more
    found = codes(checked(tmp_path, {"specs/crm.yaml": SPEC.format(file=file, more=text)}))
    assert [c for c in found if c.startswith(("source-option", "source-property"))] == (
        [code] if code else []
    )


@pytest.mark.parametrize(
    ("csv", "words"),
    [
        ('{delimiter: ",", quote: ","}', "the same character"),
        ('{quote: ","}', "the same character"),
        ("{delimiter: '\"'}", "the same character"),
        ('{delimiter: "\\r"}', "csv.delimiter is an end of line"),
        ('{quote: "\\n"}', "csv.quote is an end of line"),
        ("{delimiter: €, encoding: us-ascii}", "csv.delimiter is a character that us-ascii does not have"),
        ("{quote: é, encoding: shift_jis}", "csv.quote is a character that shift_jis does not have"),
        ("{delimiter: é, encoding: windows-1252}", None),
        ("{delimiter: €, encoding: utf-16}", None),
        ('{delimiter: "\\t", quote: "\'"}', None),
    ],
)
def test_marks_by_which_cells_can_be_told_apart(csv: str, words: str | None, tmp_path: Path) -> None:
    found = checked(tmp_path, {"specs/crm.yaml": SPEC.format(file="x.csv", more=f"csv: {csv}")})
    said = [d.message for d in found.diagnostics if d.code == "spec-value"]
    assert (len(said) == 1 and words in said[0]) if words else said == []


def _fields(text: str) -> list[str]:
    """Fields of a flow mapping, cut at its own commas."""
    made, depth = [""], 0
    for letter in text:
        depth += (letter in "{[") - (letter in "}]")
        if letter == "," and not depth:
            made.append("")
        else:
            made[-1] += letter
    return [f.strip() for f in made]


@pytest.mark.parametrize("name", [".", "a.", ".a", "a..b"])
def test_a_path_has_names_between_its_dots(name: str, tmp_path: Path) -> None:
    for field in (f"profile: {{constants: {{'{name}': 1}}}}", f"profile: {{rename: {{a: '{name}'}}}}"):
        found = checked(tmp_path, {"specs/crm.yaml": SPEC.format(file="x.csv", more=field)})
        assert "has no name before, between or behind its dots" in str([d.message for d in found.diagnostics])


def test_an_identifier_stands_once(tmp_path: Path) -> None:
    one = "{compartment: loyalty, user_account_id: id}"
    for listed, wrong in (
        (f"[{one}, {{email_hash: m}}]", False),
        (f"[{one}, {{email_hash: m}}, {one}]", True),
    ):
        text = SPEC.format(file="x.csv", more="").replace(one, listed)
        assert ("source-option" in codes(checked(tmp_path, {"specs/crm.yaml": text}))) == wrong


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("x.txt", "set format: commands, ndjson, csv or parquet"),
        ("x.json", "set format: commands, ndjson, csv or parquet"),
        ("d/*.cvs", "did you mean 'd/*.csv'? Else set format:"),
        ("x.NDJSN", "did you mean 'x.ndjson'? Else set format:"),
        ("d/*.parqet", "did you mean 'd/*.parquet'? Else set format:"),
        ("x.csv.bz2", ".bz2 is not unpacked"),
        ("x.zip", ".zip is not unpacked"),
        ("x.xlsx", "workbook as CSV"),
        ("x.tsv", 'csv: {delimiter: "\\t"}'),
        ("x.CSV", "set format: csv"),
        ("X.Csv.GZ", "set format: csv and compression: gzip"),
        ("x.PARQUET", "set format: parquet"),
    ],
)
def test_a_suffix_that_tells_no_format_says_what_to_do(file: str, words: str, tmp_path: Path) -> None:
    text = SPEC.format(file=file, more="")
    (found,) = (
        d for d in checked(tmp_path, {"specs/crm.yaml": text}).diagnostics if d.code == "source-format"
    )
    assert words in (found.help or "")


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("postgresql://me:s3cret@db/x", True),
        ("postgresql://me:12@db/x", True),
        ("postgresql://db/x?user=me&password=s3cret", True),
        ("postgresql://me:@db/x", False),
        ("postgresql://me@db:5432/x", False),
        ("postgresql:///x?host=/run", False),
    ],
)
def test_a_password_in_the_address_of_a_database(url: str, secret: bool, tmp_path: Path) -> None:
    text = SPEC.format(file="x.csv", more="").replace(
        "  files: [x.csv]\n", f"  sql: {{url: '{url}', query: q}}\n"
    )
    assert ("spec-secret" in codes(checked(tmp_path, {"specs/crm.yaml": text}))) == secret
