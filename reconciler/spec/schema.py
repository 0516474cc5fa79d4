"""The bundled JSON Schema: draft-07 vocabulary, dispatching on `kind`."""

import json
import pkgutil
from functools import cache
from typing import Any

from reconciler.spec.shape import Check, compile_schema

KINDS = ("Workspace", "Datamarts", "Compartment", "ProfileSource", "Rollout")


@cache
def schema_text() -> str:
    """The bundle as it stands in the package: what `reconciler schema` prints and editors read."""
    found = pkgutil.get_data("reconciler.kinds", "schemas/reconciler.schema.json")
    if found is None:
        raise FileNotFoundError("the installation has no reconciler.schema.json")
    return found.decode("utf-8")


@cache
def schema() -> dict[str, Any]:
    """The bundle as data."""
    loaded: dict[str, Any] = json.loads(schema_text())
    return loaded


@cache
def good(kind: str) -> Check:
    """The predicate of one kind's documents."""
    bundle = schema()
    return compile_schema(bundle["definitions"][kind], bundle["definitions"])
