"""A number in a spec that has more digits than any size, time or share: a finding of that value, and no crash."""

from pathlib import Path

import pytest

from tests.support.specs import checked

SPEC = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {name: s}
spec:
  files: [x.csv]
  datamarts: all
  identify_by: {user_agent_id: id}
  %s
"""
WORKSPACE = """\
apiVersion: reconciler/v1
kind: Workspace
metadata: {name: w}
spec: {organisation_id: "1", %s}
"""
PLACES = {
    "a size": ("specs/s.yaml", SPEC % "chunk: {max_bytes: %s}", "MB"),
    "a share": ("specs/s.yaml", SPEC % "bad_lines: {allow: %s}", "%"),
    "a time": ("reconciler.yaml", WORKSPACE % "settle: %s", "s"),
    "a rate": ("reconciler.yaml", WORKSPACE % "upload_rate: %s", "MB"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("digits", [16, 400, 5000])
@pytest.mark.parametrize("point", ["", "1."])
def test_it_is_a_finding(place: str, digits: int, point: str, tmp_path: Path) -> None:
    name, text, unit = PLACES[place]
    value = f"{point}{'9' * digits}{unit}"
    found = checked(tmp_path, {name: text % f'"{value}"'}).diagnostics
    assert "spec-value" in {d.code for d in found}
    assert all(len(d.message) < 500 for d in found)
