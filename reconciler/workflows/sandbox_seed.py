"""What a sandbox has to hold so that a workspace's specs can be applied to it: its datamarts, and no more than that."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from reconciler.errors import SchemaUnusable
from reconciler.workflows.check import Checked
from reconciler.workspace.schema_files import text_of


def seed(checked: Checked) -> dict[str, Any]:
    """A seed, as `sandbox serve --seed` takes it.

    Every datamart that takes part is there, with a default compartment of its own as the platform has it; so are
    compartments that specs pin by id, owned by another organisation if they say no token, and schemas that are declared as files.
    """
    organisation = checked.settings.organisation_id
    datamarts = [
        {"id": str(d.id), "name": name, "organisation_id": organisation}
        for name, d in checked.specs.datamarts.items()
        if d.id is not None
    ]
    pinned = []
    for key, document in checked.specs.compartments.items():
        spec = document.data["spec"]
        if "id" in spec:
            owner = organisation if "token" in spec else f"{organisation}0"
            token = spec.get("token", key)
            pinned.append(
                {"id": spec["id"], "organisation_id": owner, "token": token, "name": spec.get("name", key)}
            )
    defaults = [
        {"organisation_id": organisation, "token": f"default-{d['id']}", "name": None} for d in datamarts
    ]
    active = [
        {"datamart_id": d["id"], "compartment_token": c["token"], "default": True}
        for d, c in zip(datamarts, defaults, strict=True)
    ]
    compartments = [*pinned, *defaults]
    schemas = list(_schemas(checked))
    return {"datamarts": datamarts, "compartments": compartments, "activations": active, "schemas": schemas}


def _schemas(checked: Checked) -> Iterator[dict[str, str]]:
    """The schemas in files that specs declare; one that cannot be read is told of where it is used."""
    for d in checked.specs.datamarts.values():
        if d.id is not None and d.schema is not None:
            with suppress(SchemaUnusable):
                yield {"datamart_id": str(d.id), "text": text_of(checked.root, d.schema)}
