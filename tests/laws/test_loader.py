"""The loader, for any bytes: documents, or findings with a position, within a bound on time and memory."""

import json
import random
import resource
import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.diagnostic import Diagnostic
from reconciler.spec.documents import Document, parse
from reconciler.spec.find import MAX_BYTES
from reconciler.spec.validate import validate
from tests.unit.test_catalogue import SHOWN

# Generous, for two noisy cores: what grows faster than the file passes these by orders of magnitude.
SECONDS, MEMORY = 10.0, 1_000_000_000

GOOD = b"""\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: crm, labels: {team: "crm"}}
spec:
  files: [a.csv]
  datamarts: all
  identify_by: {compartment: loyalty, user_account_id: id}
"""
NASTY: dict[str, bytes] = {
    "nothing": b"",
    "only a mark": b"\xef\xbb\xbf",
    "utf-16": "kind: x".encode("utf-16"),
    "a picture": bytes(range(256)) * 40,
    "deep lists": b"[" * 1_000_000,
    "deep mappings": b"{a: " * 200_000,
    "deep blocks": b"".join(b" " * n + b"a:\n" for n in range(1500)),
    "deep sequences on one line": b"- " * 500_000,
    "questions": b"? " * 500_000,
    "a billion laughs": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
    + b"".join(
        b"%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n" % ((n, n) + (n - 1,) * 9) for n in range(98, 108)
    ),
    "an alias of itself": b"a: &a [*a]",
    "many anchors": b"".join(b"k%d: &a%d x\n" % (n, n) for n in range(60_000)),
    "many aliases": b"a: &a x\n" + b"".join(b"k%d: *a\n" % n for n in range(60_000)),
    "many documents": b"---\n" * 1_200_000,
    "many documents with something": b"--- a\n" * 800_000,
    "many keys": b"".join(b"k%d: 1\n" % n for n in range(400_000)),
    "one key many times": b"a: 1\n" * 150_000,
    "a long line": b"a: " + b"x" * 4_900_000,
    "a long quoted line": b'a: "' + b"\\x41" * 1_200_000 + b'"',
    "a long key": b"k" * 4_900_000 + b": 1",
    "a long number": b"a: " + b"9" * 4_000_000,
    "a long float": b"a: 1." + b"9" * 4_000_000 + b"e9999999999",
    "a long tag": b"a: !" + b"t" * 1_000_000 + b" x",
    "a long anchor": b"a: &" + b"t" * 1_000_000 + b" x",
    "many tags": b"%TAG ! tag:x,2000:\n---\n" + b"a: !b x\n" * 200_000,
    "directives": b"%YAML 1.2\n" * 100_000 + b"--- a",
    "comments": b"# x\n" * 1_200_000,
    "tabs": b"\t" * 1_000_000,
    "an unclosed quote": b'a: "' + b"line\n" * 900_000,
    "an unclosed block": b"a: |\n" + b" x\n" * 1_000_000,
    "breaks of old": "a: x\u2028b: y\u0085c: z".encode(),
    "surrogates": b"a: \xed\xa0\x80",
    "merge keys": b"a: &a {x: 1}\nb: {<<: *a}\n",
    "dates and sets": b"a: 2001-01-01\nb: !!set {x}\n",
    "too large": b"x" * (MAX_BYTES + 1),
    "carriage returns": b"a: 1\rb: 2\r",
    "a key of another kind": b"[1, 2]: x\n",
    "a null key": b": x\n",
    "numbers of every kind": b"[0o17, 0x1f, 1_000, 1:30, .5, 1e3, +1, -0, .inf, .nan, 09, 1e999]\n",
    "words of yes and no": b"[yes, no, on, off, y, n, true, True, TRUE, null, ~]\n",
}


def found(content: bytes) -> tuple[list[Document], list[Diagnostic]]:
    """What the loader makes of bytes, schema and positions included."""
    documents, findings = parse("x.yaml", content)
    for document in documents:
        document.span("spec")
        findings = [*findings, *validate(document)]
    lines = max(1, content.count(b"\n") + content.count(b"\r") + 1)
    for d in findings:
        assert d.span is not None
        assert 1 <= d.span.line <= lines + 1
        assert d.span.column >= 1
        assert len(d.message) < 1000
    assert documents or findings or is_void(content)
    return documents, findings


def is_void(content: bytes) -> bool:
    """True for what has no document, or empty ones only; the reader of files says so."""
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    return all(x is None for x in yaml.load_all(content, Loader=loader))


@pytest.mark.parametrize("name", NASTY)
def test_nasty_files_are_read_or_refused_in_bounded_time_and_memory(name: str) -> None:
    begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found(NASTY[name])
    assert time.process_time() - begun < SECONDS
    # Other tests of this process may have needed more: what counts is by how much the most grew.
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MEMORY


@given(st.binary(max_size=600))
def test_any_bytes(content: bytes) -> None:
    found(content)


@given(st.text(max_size=300))
def test_any_text(content: str) -> None:
    found(content.encode("utf-8", "surrogatepass"))


PIECES = [
    "a",
    "b: ",
    "- ",
    "? ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&x ",
    "*x",
    "!t ",
    "!!str ",
    "|",
    ">",
    "'",
    '"',
    "\n",
]
PIECES += [
    "\n  ",
    "\n    ",
    "---\n",
    "...\n",
    "# c",
    "%YAML 1.1\n",
    "014",
    "~",
    "<<: ",
    "\t",
    "\r\n",
    "é",
    "\u2028",
    "💥",
]


@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_pieces_of_yaml(pieces: list[str]) -> None:
    found("".join(pieces).encode())


@given(st.integers(0, 2**32), st.sampled_from([GOOD, *(next(iter(r.good.values())).encode() for r in SHOWN)]))
def test_good_specs_with_a_few_bytes_changed(seed: int, good: bytes) -> None:
    chance = random.Random(seed)
    content = bytearray(good)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content))
        match chance.randrange(3):
            case 0:
                content[at] = chance.randrange(256)
            case 1:
                del content[at : at + chance.randint(1, 9)]
            case _:
                content[at:at] = content[
                    (start := chance.randrange(len(content))) : start + chance.randint(1, 30)
                ]
        if not content:
            break
    found(bytes(content))


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=8),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text("abcdefg-_$.", min_size=1, max_size=5), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.text("abcxyz", min_size=1, max_size=5), plain, min_size=1, max_size=5))
def test_json_is_read_as_itself_and_every_value_has_its_place(data: dict[str, Any]) -> None:
    text = json.dumps(data, ensure_ascii=False, indent=1)
    documents, findings = parse("x.yaml", text.encode())
    assert findings == []
    assert documents[0].data == data
    lines = text.split("\n")
    for key, value in data.items():
        place = documents[0].key_span(key)
        assert lines[place.line - 1][place.column - 1 :].startswith(json.dumps(key))
        if isinstance(value, str) and value:
            span = documents[0].span(key)
            shown = json.dumps(value, ensure_ascii=False)
            assert lines[span.line - 1][span.column - 1 :][: span.length] == shown


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_positions_do_not_change_what_is_read(pieces: list[str]) -> None:
    content = "".join(pieces).encode()
    documents, findings = parse("x.yaml", content)
    again, same = parse("x.yaml", content)
    for document in documents:
        document.span("a")
    assert [d.data for d in documents] == [d.data for d in again]
    assert findings == same


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("endpoint: sandbox:\n", 'for example "sandbox:"'),
        ("a: @b\n", "begins with @"),
        ("a: [b, c\nd: e\n", "close the bracket"),
        ("a: {b: c\n", "close the brace"),
        ("a: 'b\n", "close the quote"),
        ("a\nb: c\n", "missing colon"),
        ("a:\n\tb: c\n", "holds a tab"),
    ],
)
def test_a_syntax_error_has_a_hint(text: str, hint: str) -> None:
    _, (finding,) = parse("x.yaml", text.encode())
    assert hint in (finding.help or ""), finding
