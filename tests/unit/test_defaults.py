"""A field that a spec leaves out has the default that the schema tells of, whatever reads it."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.model.rollout import Rollout
from reconciler.model.source import SourceDefinition
from reconciler.settings import Settings
from reconciler.spec.fields import fields
from reconciler.workflows.check import check
from tests.support.specs import FILES, write

SOURCE = {"format": "csv", "identify_by": {"email_hash": "mail"}, "datamarts": "all", "files": ["data/*.csv"]}
COMMANDS = {"format": "commands", "datamarts": "all", "files": ["data/*.ndjson"]}
ROLLOUT = {"waves": [{"name": "all", "datamarts": "all", "gates": {"command": {"run": ["true"]}}}]}
# Where a default is said in words, or depends on other fields, `explain` tells; these are the ones that are values.
IN_WORDS = {
    "Workspace.lock_folder",
    "Workspace.engine",
    "Workspace.engine.dask.workers",
    "Workspace.index_key",
    "Datamarts.*.schema",
    "ProfileSource.format",
    "ProfileSource.compression",
    "ProfileSource.csv.delimiter",
    "ProfileSource.csv.quote",
    "ProfileSource.identify_by[].email_hash.normalise",
    "ProfileSource.identify_by.email_hash.normalise",
    "ProfileSource.owner",
    "ProfileSource.types",
    "ProfileSource.profile.nulls",
    "ProfileSource.update.merge_objects",  # left out of the command, which the platform takes as false
    "ProfileSource.full_every",
    "ProfileSource.keep_generations",
    "ProfileSource.expect[].severity",
    "ProfileSource.verify",
}
TOLD = {f.path: f.default for f in fields() if f.default}


def written(path: str, value: Any, root: Path) -> tuple[Settings, SourceDefinition, bool, Rollout]:
    """What is made of a workspace, with this value in a field."""
    kind, *names = path.replace("[]", ".0").split(".")
    spec: dict[str, Any] = {
        "Workspace": {"organisation_id": "1185", "endpoint": "http://localhost:1"},
        "ProfileSource": copy.deepcopy(COMMANDS if path == "ProfileSource.fill_identity" else SOURCE),
        "Rollout": copy.deepcopy(ROLLOUT),
    }
    inner = spec[kind]
    for name in names[:-1]:
        inner = inner[0] if name == "0" else inner.setdefault(name, {})
    if value is None:
        inner.pop(names[-1], None)
    else:
        inner[names[-1]] = value
    made = {
        ("reconciler.yaml" if k == "Workspace" else f"specs/{k}.yaml"): yaml.safe_dump(
            {"apiVersion": "reconciler/v1", "kind": k, "metadata": {"name": "x"}, "spec": s}
        )
        for k, s in spec.items()
    }
    checked = check(write(root, {**FILES, **made}), {}, {})
    load = next(iter(checked.desired().loads.values()))
    rollout = checked.rollout()
    assert rollout is not None
    return checked.settings, load.definition, load.suspended, rollout


@pytest.mark.parametrize("path", sorted(TOLD.keys() - IN_WORDS))
def test_a_field_left_out_is_its_default_written(path: str, tmp_path: Path) -> None:
    left_out = written(path, None, tmp_path / "a")
    said = written(path, "off" if TOLD[path] == "off" else yaml.safe_load(TOLD[path]), tmp_path / "b")
    assert left_out[1:3] == said[1:3]
    assert [(w.gates, w.soak) for w in left_out[3].waves] == [(w.gates, w.soak) for w in said[3].waves]
    assert (left_out[3].on_failure, left_out[3].paused) == (said[3].on_failure, said[3].paused)
    for name in Settings.__slots__:
        if name != "origins":
            assert getattr(left_out[0], name) == getattr(said[0], name), name


def test_what_is_said_in_words_is_no_value_by_mistake() -> None:
    assert TOLD.keys() >= IN_WORDS
