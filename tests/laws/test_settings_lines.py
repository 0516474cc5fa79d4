"""A secret that was written into reconciler.yaml, wherever and however, is not shown beside what is found there."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.output.console import source_lines
from reconciler.reports.findings.settings_lines import shown
from reconciler.reports.findings.text import render
from reconciler.reports.style import PLAIN
from tests.support.specs import FILES, checked

SECRET = "kqz9SecretOfTheWorkspace"
FORMS = (
    "{s}", '"{s}"', "'{s}'", "{{value: {s}}}", "{{name: {s}}}", "[{s}]", "[env, {s}]", "&a {s}", "!x {s}", "\n{i}{s}", '\n{i}"{s}\n{i}{s}"',
    ">-\n{i}{s}\n{i}{s}", "|\n{i}{s}", "\n{i}- {s}", "\n{i}value: {s}", "\n{i}name:\n{i}  {s}", "{{env: X, file: y, more: {s}}}", "{{a: 1, b: [{{c: {s}}}]}}",
    '"a, settle: {s}"', "{s} # the token", "{{token: {s}", '"{s}', "{s}: {s}", '{{env: "api:{s}"}}', '\n{i}env: {s}==',
)  # fmt: skip
names = st.sampled_from(
    ["token", "plan_key", "index_key", "toekn", "api_token", "password", "Token", "x", "planKey", '"token"']
)
places = st.sampled_from(
    [
        "  {n}: {v}\n",
        "  environments:\n    dev:\n      {n}: {v}\n",
        "  ignore:\n    - {n}: {v}\n",
        "  settle: 1s\n  {n}: {v}\n  parallelism: no\n",
    ]
)


@given(names, places, st.sampled_from(FORMS))
def test_no_finding_shows_it(name: str, place: str, form: str) -> None:
    deep = " " * (len(place.split("{n}")[0].rpartition("\n")[2]) + 2)
    text = FILES["reconciler.yaml"].replace(
        'spec: {organisation_id: "1185", endpoint: "sandbox:"}', 'spec:\n  organisation_id: "1185"'
    )
    text += place.format(n=name, v=form.format(s=SECRET, i=deep))
    with tempfile.TemporaryDirectory() as folder:
        found = checked(Path(folder), {"reconciler.yaml": text}).diagnostics
        told = render(found, source_lines(Path(folder)), PLAIN)
    for line in told.splitlines():
        if "|" in line:  # of the file; a name of a field may be told beside it
            assert SECRET not in line.partition("|")[2].replace(f"{SECRET}:", ""), told
    lines = text.split("\n")
    for number in range(1, len(lines) + 1):
        assert SECRET not in shown(lines, number).replace(f"{SECRET}:", ""), text


@pytest.mark.parametrize(
    "line", ['  organisation_id: "1190"', "  endpoint: https://api.example.org", "  settle: 30seconds", "  token: {env: MICS_TOKEN}", "  specs: [specs, more-specs]", "spec: {settle: 3x0000000, ledger: sqlite:x.db}"]
)  # fmt: skip
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert shown(["spec:", line], 2) == line
