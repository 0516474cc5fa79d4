"""What a file that is not what was meant is answered with: the mistakes that people make in YAML."""

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
        "write fields as",
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
