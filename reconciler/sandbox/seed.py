"""The built-in seed (design 10): an organisation to begin with. `--seed FILE` replaces it (JSON of the same shape)."""

import sqlite3
from pathlib import Path
from typing import Any

from reconciler.sandbox.store import Store

ORGANISATION = "1185"
_FIRST = 900_000_000  # ids that are made are beyond those of specs, which may name any number later
RETAIL = (Path(__file__).parent / "seeds/retail.gql").read_text("utf-8")
# What a schema is sown as: the newest version is a draft, and differs.
VERSIONS = (("ARCHIVED", "type Before { id: ID! }"), ("LIVE", ""), ("DRAFT", "type Afterwards { id: ID! }"))
SEED: dict[str, Any] = {
    "datamarts": [
        {"id": "1509", "name": "Retail FR", "organisation_id": "1185"},
        {"id": "1510", "name": "Retail DE", "organisation_id": "1185"},
        {"id": "1490", "name": "Retail UK (closed)", "organisation_id": "1185", "archived": True},
        {"id": "1600", "name": "Retail all", "organisation_id": "1185", "type": "CROSS_DATAMART"},
        {"id": "2998", "name": "Other", "organisation_id": "2000"},
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
    "schemas": [
        {"datamart_id": "1509", "text": RETAIL, "id": "2901"},
        {"datamart_id": "1510", "text": RETAIL, "id": "2904"},
    ],
}

# What each list holds, for the manual: a test holds it against what `plant` reads.
FIELDS: dict[str, dict[str, str]] = {
    "datamarts": {
        "id": "a text of digits; required",
        "name": "required",
        "organisation_id": "required; a datamart of another organisation is not listed",
        "type": "`DATAMART`, unless it says `CROSS_DATAMART`",
        "archived": "false",
        "time_zone": "`Europe/Paris`; as are `datafarm`, `region`, `storage_model_version` and `creation_date` it is only served",
        "token": "made from the name",
    },
    "compartments": {
        "id": "one is made where there is none",
        "organisation_id": "required",
        "token": "required",
        "name": "may be null",
        "archived": "false",
    },
    "activations": {
        "datamart_id": "required",
        "compartment_id": "this or `compartment_token` is required",
        "compartment_token": "of a compartment of this seed, in place of its id",
        "default": "false; true makes it the default of the datamart",
    },
    "schemas": {
        "datamart_id": "required",
        "text": "the schema itself; this or `file` is required",
        "file": "a file with the schema, relative to the seed",
        "id": "of the first version; the next numbers are those of the others",
        "status": "makes one version of this status; else there are three: archived, live, draft",
    },
}


def plant_missing(store: Store, seed: dict[str, Any]) -> None:
    """Add what a store has not: datamarts, with what is active on them, and compartments with an id.

    Raises:
        ValueError: the seed lacks a field, or an id is another object's.
    """
    try:
        new = {d["id"] for d in seed.get("datamarts", []) if store.get("datamart", d["id"]) is None}
        active = [a for a in seed.get("activations", []) if a["datamart_id"] in new]
        named = {a.get("compartment_token") for a in active}
        compartments = [
            c
            for c in seed.get("compartments", [])
            if (store.get("compartment", c["id"]) is None if "id" in c else c["token"] in named)
        ]
        datamarts = [d for d in seed.get("datamarts", []) if d["id"] in new]
        with store.transaction():
            schemas = [s for s in seed.get("schemas", []) if s["datamart_id"] in new]
            planted = {"datamarts": datamarts, "compartments": compartments, "activations": active}
            plant(store, {**planted, "schemas": schemas})
    except (KeyError, TypeError, AttributeError) as e:
        raise ValueError(f"the seed is not complete: {e}") from None


def plant(store: Store, seed: dict[str, Any]) -> None:
    """Fill an empty store; a compartment without an id gets one, and an activation may name it by its token.

    Raises:
        ValueError: the seed lacks a field, or an id is another object's; all objects share one row of numbers.
    """
    adding = ""
    try:
        for row in seed.get("datamarts", []):
            adding = f"datamart {row['id']}"
            body = {
                "type": "DATAMART",
                "archived": False,
                "time_zone": "Europe/Paris",
                "datafarm": "DF_EU_2020_02",
                "storage_model_version": "v201709",
                "region": "EUROPE",
                "token": str(row["name"]).lower().replace(" ", "-"),
                "creation_date": 1580515200000,
                **row,
            }
            store.add("datamart", row["organisation_id"], _without_id(body), row["id"])
        ids = {}
        for row in seed.get("compartments", []):
            body = {"archived": False, **_without_id(row)}
            ids[row["token"]] = row.get("id") or store.free_id(_FIRST)
            adding = f"compartment {ids[row['token']]}"
            store.add("compartment", row["organisation_id"], body, ids[row["token"]])
        for row in seed.get("activations", []):
            own = ids[row["compartment_token"]] if "compartment_token" in row else row["compartment_id"]
            adding = f"activation on datamart {row['datamart_id']}"
            rest = {k: v for k, v in row.items() if k not in ("compartment_token", "compartment_id")}
            body = {"default": False, "compartment_id": own, **rest}
            store.add("activation", row["datamart_id"], body)
        for row in seed.get("schemas", []):
            adding = f"schema {row.get('id', '')}".rstrip()
            plant_schema(store, row["datamart_id"], row["text"], row.get("id"), row.get("status"))
    except KeyError as e:
        raise ValueError(f"the seed lacks the field {e}") from None
    except sqlite3.IntegrityError:
        raise ValueError(
            f"{adding} cannot be added: the sandbox has another object with this id; give one of them another id"
        ) from None


def _without_id(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k != "id"}


def plant_schema(
    store: Store, datamart: str, text: str, identity: str | None = None, status: str | None = None
) -> None:
    """Give a datamart a schema: an archived version, a live one and a draft; or one version of some status.

    Args:
        store: to put it into.
        datamart: its id.
        text: of the live version.
        identity: id of the first version; None takes the next ones.
        status: of the only version; None makes all three.
    """
    versions = ((status, ""),) if status else VERSIONS
    for n, (of, more) in enumerate(versions):
        created = 1735600000000 + n * 100_000
        body = {
            "datamart_id": datamart,
            "status": of,
            "creation_date": created,
            "publication_date": None if of == "DRAFT" else created + 1000,
            "text": f"{text}\n{more}\n" if more else text,
        }
        store.add("schema", datamart, body, str(int(identity) + n) if identity else None)


def with_files(seed: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The seed with the texts of schemas that it names as files, relative to its folder.

    Raises:
        OSError: one cannot be read.
    """
    rows = [
        {**row, "text": (folder / row["file"]).read_text("utf-8")} if "file" in row else row
        for row in seed.get("schemas", [])
    ]
    return {**seed, "schemas": rows} if rows else seed
