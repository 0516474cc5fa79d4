r"""Files as programs export them, each small and made up: bytes, the settings that read them, and the rows that are meant.

`python -m tests.support.dialects` writes the files below tests/data/dialects; `tests/unit/test_dialects.py` reads them.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent.parent / "data" / "dialects"


class Export(NamedTuple):
    """A file of some program.

    Attributes:
        data: its bytes.
        csv: settings of `csv:`.
        rows: what is meant, `id` first where the file has names.
        fields: further settings of the source.
        rejected: line and code of what cannot be read so.
    """

    data: bytes
    csv: dict[str, Any]
    rows: Sequence[dict[str, Any]]
    fields: Sequence[tuple[str, Any]] = ()
    rejected: Sequence[tuple[int, str]] = ()


def _named(columns: str, *rows: Sequence[str]) -> list[dict[str, Any]]:
    return [dict(zip(columns.split(), row, strict=True)) for row in rows]


def _written(
    rows: Sequence[dict[str, Any]], delimiter: str, end: str, quoting: Any = csv.QUOTE_MINIMAL
) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    return file.getvalue()


_EXCEL = {
    "en-US": (",", "cp1252", ("0001", "Zoë “Z” O'Hara", "1,234.50", "11/25/2026")),
    "de-DE": (";", "cp1252", ("0002", "Jürgen Groß", "1.234,50 €", "25.11.2026")),
    "fr-FR": (";", "cp1252", ("0003", "Anaïs Lefèvre", "1\xa0234,50", "25/11/2026")),
    "pl-PL": (";", "cp1250", ("0004", "Łukasz Żółć", "1234,50", "2026-11-25")),
    "ja-JP": (",", "cp932", ("0005", "ソ能 表子①", "¥1,234".replace("¥", "\\"), "2026/11/25")),
    "zh-CN": (",", "gb18030", ("0006", "张伟 㐀", "1234.50", "2026/11/25")),
}


def _excel() -> dict[str, Export]:
    found = {}
    for locale, (delimiter, encoding, row) in _EXCEL.items():
        rows = _named("id name amount since", row, ("0009", 'two\nlines; "quoted", all', "", ""))
        data = _written(rows, delimiter, "\r\n").encode(encoding)
        found[f"excel-{locale}.csv"] = Export(data, {"delimiter": delimiter, "encoding": encoding}, rows)
    rows = _named("id name", ("0001", "Zoë"), ("0002", "a;b"))
    semicolons = _written(rows, ";", "\r\n")
    found["excel-sep.csv"] = Export(
        ("sep=;\r\n" + semicolons).encode("cp1252"), {"delimiter": ";", "encoding": "cp1252"}, rows
    )
    found["excel-csv-utf8.csv"] = Export(semicolons.encode("utf-8-sig"), {"delimiter": ";"}, rows)
    tabs = _written(rows, "\t", "\r\n")
    found["excel-unicode-text.csv"] = Export(
        tabs.encode("utf-16"), {"delimiter": "\t", "encoding": "utf-16"}, rows
    )
    return found


def _databases() -> dict[str, Export]:
    rows = _named(
        "id note active", ("1", "a,b", "t"), ("2", 'say "hi"', "f"), ("3", "two\nlines", "t"), ("4", "", "")
    )
    postgres = 'id,note,active\n1,"a,b",t\n2,"say ""hi""",f\n3,"two\nlines",t\n4,"",\n'
    big = _named("id tags day", ("1", '["a","b"]', "2026-11-25"), ("2", "", ""))
    mysql = _named("id column_2", ("1", "a\\b"), ("2", 'say "hi"'))
    for row in mysql:
        row["column_3"] = "x"
    return {
        "postgresql-copy.csv": Export(postgres.encode(), {}, rows),
        "postgresql-copy-null.csv": Export(
            postgres.replace(",\n", ",\\N\n").encode(), {"nulls": ("\\N",)},
            [*rows[:3], {"id": "4", "note": ""}],
        ),
        "bigquery.csv": Export(
            b'id,tags,day\n1,"[""a"",""b""]",2026-11-25\n2,,\n', {"nulls": ("",)}, [{**big[0], "tags": ["a", "b"]}, {"id": "2"}],
            [("types", {"tags": "json"})],
        ),
        # INTO OUTFILE … FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' ESCAPED BY ''
        "mysql-outfile-no-escape.csv": Export(
            b'1,"a\\b","x"\n2,"say ""hi""","x"\n', {"header": False}, mysql, [("id", "column_1")]
        ),
        # The same, with the backslash that MySQL escapes with by default: it is a character, and a quote behind it closes.
        "mysql-outfile.csv": Export(
            b'1,"a\\\\b","x"\n2,"say \\"hi\\"","x"\n3,\\N,"x"\n', {"header": False, "nulls": ("\\N",)},
            [{"id": "1", "column_2": "a\\\\b", "column_3": "x"}, {"id": "3", "column_3": "x"}],
            [("id", "column_1")], [(2, "line-csv")],
        ),
    }  # fmt: skip


def _others() -> dict[str, Export]:
    plain = _named("id name", ("1", "Zoë"), ("2", "a,b"), ("3", "two\nlines"))
    numbers = _named("id name amount", ("1", "Zoë", "1.5"), ("2", "two\r\nlines", ""))
    sap = _named("id KUNNR NETWR", ("1", "0000012345", "1.234,56-"), ("2", "0000099999", "0,00"))
    force = _named("id Name Phone", ("003A000001", 'Ann "A" Lee', "'+33 1"), ("003A000002", "two\nlines", ""))
    return {
        "libreoffice.csv": Export(b'"id","name"\n"1","Zo\xc3\xab"\n"2","a,b"\n"3","two\nlines"\n', {}, plain),
        "sap.csv": Export(
            _written(sap, ";", "\r\n").encode("cp1252"), {"delimiter": ";", "encoding": "cp1252"}, sap
        ),
        "salesforce.csv": Export(_written(force, ",", "\n", csv.QUOTE_ALL).encode(), {}, force),
        "pandas.csv": Export(_written(plain, ",", "\n").encode(), {}, plain),
        "pandas-index.csv": Export(
            b",id,name\n0,1,Zo\xc3\xab\n1,2,\"a,b\"\n", {}, plain[:2], [("include", ("name",))]
        ),
        "pandas-quoting-2.csv": Export(
            b'"id","name","amount"\n1,"Zo\xc3\xab",1.5\n2,"two\r\nlines",""\n', {}, numbers
        ),
        "windows-1252.csv": Export(_written(plain, ",", "\r\n").encode("windows-1252"), {"encoding": "windows-1252"}, plain),
        "gb18030.csv": Export(
            "id,name\n1,张伟\n2,㐀\U00020000\n".encode("gb18030"), {"encoding": "gb18030"},
            _named("id name", ("1", "张伟"), ("2", "㐀\U00020000")),
        ),
        # The second byte of ソ and 表 is that of a backslash, of ポ that of a bar.
        "shift-jis.csv": Export(
            "id|name\r\n1|ソ表\r\n2|ポスト\r\n".encode("shift_jis"), {"encoding": "shift_jis", "delimiter": "|"},
            _named("id name", ("1", "ソ表"), ("2", "ポスト")),
        ),
    }  # fmt: skip


EXPORTS: dict[str, Export] = {**_excel(), **_databases(), **_others()}


def main() -> None:
    """Write the files."""
    for name, export in EXPORTS.items():
        (FOLDER / name).write_bytes(export.data)


if __name__ == "__main__":
    main()
