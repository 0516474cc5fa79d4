"""List and read each kind as checked rows (contract 2 to 6). Listings answer `Listed` or `Unlisted`, they do not raise."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from reconciler.api.client import Params, Reader
from reconciler.api.pages import read_rows
from reconciler.api.vocabulary import known_words
from reconciler.errors import ReadFailed, Unauthorized
from reconciler.kinds import paths
from reconciler.model.listing import Listed, Listing, Unlisted
from reconciler.model.remote import Activation, Compartment, Datamart, Execution, Import
from reconciler.whole import whole_value

Row = TypeVar("Row")
_WORD = re.compile(r"[A-Za-z_]{1,30}")


class _Odd(Exception):
    """A row lacks a field that nothing can be decided without."""


def datamarts(reader: Reader, organisation_id: str) -> Listing[Datamart]:
    """The organisation's own datamarts, archived ones included (contract 2)."""
    return _list(reader, paths.datamarts(), datamart, {"organisation_id": organisation_id})


def compartments(reader: Reader, organisation_id: str) -> Listing[Compartment]:
    """The organisation's compartments; shared ones may be among them (contract 3.3, 3.5)."""
    return _list(reader, paths.compartments(), compartment, {"organisation_id": organisation_id})


def one_compartment(reader: Reader, compartment_id: str) -> Listing[Compartment]:
    """A pinned compartment, as a listing of one (contract 3.3)."""
    try:
        return Listed((compartment(_data(reader.get(paths.compartment(compartment_id)))),))
    except Unauthorized as e:
        return Unlisted(str(e), unauthorized=True, help=e.help)
    except ReadFailed as e:
        return Unlisted(str(e), help=e.help)
    except _Odd as e:
        return Unlisted(str(e))


def activations(reader: Reader, datamart_id: str) -> Listing[Activation]:
    """All selection rows of a datamart (contract 4.2)."""
    return _list(reader, paths.activations(datamart_id), lambda row: activation(row, datamart_id))


def processings(reader: Reader, datamart_id: str, selection_id: str) -> Listing[str]:
    """Names of the processing activities that hang on an activation (contract 4.2, 4.4)."""
    return _list(
        reader,
        paths.processing_selections(datamart_id, selection_id),
        lambda row: str(row.get("processing_name") or row.get("processing_id") or row["id"]),
    )


def imports(reader: Reader, datamart_id: str) -> Listing[Import]:
    """All document imports of a datamart, unfiltered (contract 5.2)."""
    return _list(
        reader, paths.imports(datamart_id), lambda row: Import(row["id"], _text(row, "name", null=""))
    )


def collection(reader: Reader, kind: str, organisation_id: str, datamart_id: str) -> Listing[Any]:
    """The collection that changes of a kind are in.

    Args:
        reader: sends GET requests.
        kind: of the changes.
        organisation_id: whose compartments.
        datamart_id: of what belongs to a datamart.
    """
    match kind:
        case "Compartment":
            return compartments(reader, organisation_id)
        case "Activation":
            return activations(reader, datamart_id)
        case "DocumentImport":
            return imports(reader, datamart_id)
        case _:
            raise AssertionError(f"no collection of {kind}")


def executions(reader: Reader, datamart_id: str, import_id: str) -> Listing[Execution]:
    """All executions of an import (contract 6.4)."""
    return _list(reader, paths.executions(datamart_id, import_id), execution)


def datamart(row: dict[str, Any]) -> Datamart:
    """Check one row."""
    return Datamart(
        row["id"],
        str(row.get("name") or ""),
        _id(row, "organisation_id", default=""),
        str(row.get("type") or "DATAMART"),
        row.get("archived") is True,
    )


def compartment(row: dict[str, Any]) -> Compartment:
    """Check one row; `name` may be null."""
    name = row.get("name")
    return Compartment(
        row["id"],
        _id(row, "organisation_id", default=""),
        name if isinstance(name, str) else None,
        _text(row, "token", null=""),
        row.get("archived") is True,
    )


def activation(row: dict[str, Any], datamart_id: str) -> Activation:
    """Check one row; an absent `default` is false."""
    return Activation(row["id"], datamart_id, _id(row, "compartment_id"), row.get("default") is True)


def execution(row: dict[str, Any]) -> Execution:
    """Check one row; counters come from `result`, or from `parameters` (contract 6.2), as numbers or strings."""
    result = row["result"] if isinstance(row.get("result"), dict) else {}
    parameters = row["parameters"] if isinstance(row.get("parameters"), dict) else {}
    failure = row["error"] if isinstance(row.get("error"), dict) else {}
    message, uri = failure.get("message"), result.get("error_file_uri")

    def count(key: str) -> int | None:
        return whole_value(result.get(key, parameters.get(key)))

    return Execution(
        row["id"],
        _status(row),
        count("total_success"),
        count("total_failure"),
        known_words(message) if isinstance(message, str) else None,
        uri if isinstance(uri, str) else None,
    )


def _list(
    reader: Reader, path: str, parse: Callable[[dict[str, Any]], Row], params: Params | None = None
) -> Listing[Row]:
    try:
        return Listed(tuple(read_rows(reader, path, parse, params)))
    except Unauthorized as e:
        return Unlisted(str(e), unauthorized=True, help=e.help)
    except ReadFailed as e:
        return Unlisted(str(e), help=e.help)
    except _Odd as e:
        return Unlisted(f"GET {path}: {e}")


def _data(wrapper: dict[str, Any]) -> dict[str, Any]:
    data = wrapper.get("data")
    if not isinstance(data, dict) or "id" not in data:
        raise _Odd("'data' is not an object with an id")
    return {**data, "id": str(data["id"])}


def _id(row: dict[str, Any], key: str, default: str | None = None) -> str:
    value = row.get(key, default)
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise _Odd(f"a row's '{key}' is not an id")


def _text(row: dict[str, Any], key: str, *, null: str | None = None) -> str:
    """A text field; `null` stands for a null or absent one, where old rows may have that."""
    if null is not None and row.get(key) is None:
        return null
    if isinstance(value := row.get(key), str):
        return value
    raise _Odd(f"a row's '{key}' is not text")


def _status(row: dict[str, Any]) -> str:
    status = _text(row, "status")
    return status if _WORD.fullmatch(status) else "(not a word)"
