"""A value that the schema refuses is answered with what to write, and that passes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from reconciler.model.diagnostic import Diagnostic
from reconciler.spec.documents import parse
from reconciler.spec.fields import fields
from reconciler.spec.validate import validate

WRONG = (None, 7, -1, 0.5, True, "", "?!", [], {}, ["x", 1], {"zz": 1}, "yes", "0.01", [[1]])


def findings(data: dict[str, Any]) -> list[Diagnostic]:
    text = yaml.safe_dump(data, sort_keys=False)
    (document,), problems = parse("specs/a.yaml", text.encode())
    assert not problems, text
    return validate(document)


def placed(path: str, value: Any) -> dict[str, Any]:
    """A document of which one field has a value."""
    kind, *names = path.split(".")
    within = names if names[0] == "metadata" else ["spec", *names]
    for name in reversed(within):
        value = {
            "x" if name in ("*", "*[]") else name.removesuffix("[]"): [value]
            if name.endswith("[]")
            else value
        }
    return {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": "a"}, "spec": {}} | value


def cases() -> Iterator[tuple[str, Any]]:
    for field in fields():
        for value in WRONG:
            yield field.path, value


def test_every_value_that_is_refused_has_a_next_step() -> None:
    """For each field of each kind, and values of each type."""
    count, without = 0, []
    for path, value in cases():
        for found in findings(placed(path, value)):
            count += 1
            if not found.help:
                without.append((path, value, found.message))
    assert count > 1000
    assert not without, without[:10]


@pytest.mark.parametrize(
    ("path", "value", "advice"),
    [
        ("ProfileSource.bad_lines.allow", "0.01", "write 1%"),
        ("ProfileSource.bad_lines.allow", 0.015, "write 1.5%"),
        ("ProfileSource.bad_lines.allow", 2.5, 'for example `allow: "1%"`'),
        ("ProfileSource.bad_lines.allow", "1 %", 'write "1%"'),
        ("ProfileSource.bad_lines.allow", "12", "remove the quotes: 12"),
        ("ProfileSource.bad_lines", "1%", 'write {allow: "1%"}'),
        ("ProfileSource.chunk", "8MB", 'write {max_bytes: "8MB"}'),
        ("ProfileSource.chunk.max_bytes", "8 MB", 'write "8MB"'),
        ("ProfileSource.files", "data/a.csv", 'write a list: ["data/a.csv"]'),
        ("ProfileSource.csv.delimiter", "\\t", 'write "\\t"'),
        ("ProfileSource.csv.delimiter", "tab", 'write "\\t"'),
        ("ProfileSource.csv.delimiter", "semicolon", 'write ";"'),
        ("ProfileSource.csv.delimiter", "||", "for example `delimiter: "),
        ("ProfileSource.csv.encoding", "latin1", "did you mean 'iso-8859-1'?"),
        ("ProfileSource.csv.header", ["id", "mail"], "`reconciler explain ProfileSource.csv.header`"),
        ("ProfileSource.csv.header", "no", "write false"),
        ("ProfileSource.csv.separator", ";", "did you mean 'delimiter'?"),
        ("ProfileSource.format", "CSV", "did you mean 'csv'?"),
        ("Workspace.rules.small-source", "no", "write off"),
        ("Workspace.rules.source-looks", "no", "write off"),
        ("Workspace.rules.source-looks", False, "write off"),
        ("Workspace.rules.source-looks", "Error", "did you mean 'error'?"),
        ("Compartment.metadata.name", "Loyalty_1 x", "write loyalty-1-x"),
        ("Compartment.activations", None, "for example `activations: all`"),
        ("Workspace.organisation_id", 1185, 'quote it: "1185"'),
    ],
)
def test_what_is_proposed(path: str, value: Any, advice: str) -> None:
    mine = (
        path.removeprefix("Workspace.rules.") if path.startswith("Workspace.rules") else path.split(".")[-1]
    )
    given = [f for f in findings(placed(path, value)) if mine in f.message]
    assert any(advice in (f.help or "") for f in given), given
    proposed = re.fullmatch(
        r"write (?!a list: )(.+)|(?:quote it|remove the quotes|write a list): (.+)|did you mean '(.+)'\?",
        advice,
    )
    if proposed and "separator" not in path:
        text = next(filter(None, proposed.groups()))
        followed = findings(placed(path, "off" if text == "off" else yaml.safe_load(text)))
        assert not [f for f in followed if mine in f.message], followed
