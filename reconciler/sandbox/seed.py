"""The built-in seed (design 10): an organisation to begin with. `--seed FILE` replaces it (JSON of the same shape)."""

from typing import Any

from reconciler.sandbox.store import Store

ORGANISATION = "1185"
SEED: dict[str, Any] = {
    "datamarts": [
        {"id": "1509", "name": "Retail FR", "organisation_id": "1185"},
        {"id": "1510", "name": "Retail DE", "organisation_id": "1185"},
        {"id": "1490", "name": "Retail UK (closed)", "organisation_id": "1185", "archived": True},
        {"id": "1600", "name": "Retail all", "organisation_id": "1185", "type": "CROSS_DATAMART"},
        {"id": "2001", "name": "Other", "organisation_id": "2000"},
    ],
    "compartments": [
        {"id": "1000", "organisation_id": "1185", "token": "default", "name": "Default"},
        {"id": "1001", "organisation_id": "1185", "token": "default-de", "name": None},
        {"id": "3000", "organisation_id": "2000", "token": "shared", "name": "Shared"},
    ],
    "activations": [
        {"datamart_id": "1509", "compartment_id": "1000", "default": True},
        {"datamart_id": "1510", "compartment_id": "1001", "default": True},
    ],
}


def plant(store: Store, seed: dict[str, Any]) -> None:
    """Fill an empty store.

    Raises:
        ValueError: the seed lacks a field.
    """
    try:
        for row in seed.get("datamarts", []):
            body = {
                "type": "DATAMART",
                "archived": False,
                "time_zone": "Europe/Paris",
                "datafarm": "DF_EU_2020_02",
                "region": "EUROPE",
                "token": str(row["name"]).lower().replace(" ", "-"),
                "creation_date": 1580515200000,
                **row,
            }
            store.add(
                "datamart", row["organisation_id"], {k: v for k, v in body.items() if k != "id"}, row["id"]
            )
        for row in seed.get("compartments", []):
            store.add(
                "compartment",
                row["organisation_id"],
                {"archived": False, **{k: v for k, v in row.items() if k != "id"}},
                row["id"],
            )
        for row in seed.get("activations", []):
            store.add("activation", row["datamart_id"], {"default": False, **row})
    except KeyError as e:
        raise ValueError(f"the seed lacks the field {e}") from None
