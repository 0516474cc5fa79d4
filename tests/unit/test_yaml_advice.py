"""What a file that is not what was meant is answered with: the mistakes that people make in YAML."""

from collections.abc import Callable

import pytest

from reconciler.spec.documents import parse
from reconciler.spec.source_rules import placeholders
from reconciler.spec.validate import validate

SPEC = """apiVersion: reconciler/v1
kind: Compartment
metadata:
  name: loyalty
  labels:
    kind: crm
    team: crm
spec:
  name: Loyalty
  token: loyalty
  protected: false
"""
LINES = """apiVersion: reconciler/v1
kind: Compartment
metadata:
  name: loyalty
  labels:
    kind: crm
    team: crm
spec:
  name: Loyalty
  token: loyalty
  activations:
    - retail-fr
    - retail-de
  labels: {team: crm, tier: "a"}
  protected: false
---
apiVersion: reconciler/v1
kind: Compartment
metadata: {name: b}
""".splitlines()
SOURCE = """apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: customers}
spec:
  files: ["data/{%s}/*.csv"]
"""
MISTAKES = {
    "one blank too many": ("  token:", "   token:", "indent this line as the one above it"),
    "one blank too many below a mapping": (
        "    team",
        "   team",
        "indent the line as the lines that belong with it",
    ),
    "a blank in front is a no-break space": ("  token:", " \u00a0token:", "no-break space"),
    "no blank after the colon": ("token: loyalty", "token:loyalty", "put a space after the colon in line 10"),
    "a tab": ("  token:", "\ttoken:", "this line holds a tab"),
    "a merge conflict": ("  token: loyalty", "<<<<<<< HEAD\n  token: a\n=======", "merge conflict"),
    "a document begins without a line of its own": (
        "  token: loyalty\n",
        "kind: Compartment\n",
        "a line of ---",
    ),
    "a comment where a value was meant": ("name: Loyalty", "name: #1 club", "# begins a comment"),
    "yes": ("protected: false", "protected: yes", "write true"),
    "no": ("protected: false", "protected: No", "write false"),
    "typographic quotes around a key": ("  token:", "  \u201ctoken\u201d:", "typographic quotes"),
    "typographic quotes around a kind": (
        "kind: Compartment",
        "kind: \u201eCompartment\u201c",
        "typographic quotes",
    ),
    "typographic quotes around a boolean": (
        "protected: false",
        "protected: \u00abfalse\u00bb",
        "typographic quotes",
    ),
    "typographic quotes in a flow mapping": (
        "  labels:\n    kind: crm\n    team: crm",
        "  labels: {kind: \u201ccrm: a\u201d, team: x",
        "typographic quotes",
    ),
    "a list where fields belong": (
        "  labels:\n    kind: crm\n    team: crm",
        "  labels: [crm]",
        "for example `labels: {team: crm}`",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_what_to_do(mistake: str) -> None:
    old, new, told = MISTAKES[mistake]
    assert old in SPEC
    documents, findings = parse("specs/a.yaml", SPEC.replace(old, new, 1).encode())
    found = [*findings, *(f for d in documents for f in validate(d))]
    assert any(told in (f.help or "") for f in found), found


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("datamart.label.country", "{datamart.labels.country}"),
        ("country", "{datamart.labels.country}"),
        ("name", "{datamart.name}"),
        ("datamart", "{datamart.name}"),
    ],
)
def test_the_placeholder_that_is_meant_is_proposed(written: str, meant: str) -> None:
    (document,), _ = parse("specs/a.yaml", (SOURCE % written).encode())
    (found,) = placeholders(document)
    assert f"did you mean {meant}?" in (found.help or "")


def _replaced(old: str, new: str) -> Callable[[str], str | None]:
    return lambda line: line.replace(old, new, 1) if old in line else None


def _indented(by: str) -> Callable[[str], str | None]:
    return lambda line: by + line[1:] if line[0] == " " else None


# What is done to one line, and a word of the answer.
SLIPS: dict[str, tuple[Callable[[str], str | None], str]] = {
    "no colon": (_replaced(": ", " "), "colon"),
    "no space after the colon": (_replaced(": ", ":"), "space after the colon"),
    "a double quote that is not closed": (_replaced(": ", ': "'), "close the"),
    "a single quote that is not closed": (_replaced(": ", ": '"), "close the"),
    "a brace that is not closed": (_replaced("}", ""), "close the brace"),
    "no space after the dash": (_replaced("- ", "-"), "space after the dash"),
    "indentation that is lost": (lambda line: line.lstrip() if line[0] == " " else None, "indent"),
    "a no-break space": (_indented("\u00a0"), "no-break space (U+00A0)"),
    "an ideographic space": (_indented("\u3000"), "ideographic space (U+3000)"),
    "a thin space": (_indented("\u2009"), "(U+2009)"),
    "a no-break space after the colon": (_replaced(": ", ":\u00a0"), "no-break space (U+00A0)"),
    "a tab": (_indented("\t"), "holds a tab"),
    "marks of a merge conflict": (
        lambda line: f"<<<<<<< HEAD\n{line}\n=======\n{line}\n>>>>>>> b",
        "merge conflict",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_what_is_no_yaml_is_told_at_the_line_of_the_slip(slip: str) -> None:
    """Over every line of a file: the place is that line, and never one below it where the parser stopped."""
    change, word = SLIPS[slip]
    told = 0
    for n, line in enumerate(LINES, 1):
        changed = change(line)
        if changed is None:
            continue
        text = "\n".join([*LINES[: n - 1], changed, *LINES[n:]])
        for f in parse("specs/a.yaml", text.encode())[1]:
            if f.code == "yaml-syntax":
                told += 1
                assert f.span, changed
                assert f.span.line == n, (changed, f)
                assert word in (f.help or ""), (changed, f)
    assert told, "no line with this slip is told"


def test_text_that_begins_with_a_star_is_no_alias_without_an_anchor() -> None:
    (_, findings) = parse("specs/a.yaml", SPEC.replace("name: Loyalty", "name: *all").encode())
    told = findings[0].help or ""
    assert "quotes" in told
    assert "all" not in told  # the file may be no spec, and the text a secret
