"""The OpenAPI document of the emulated API, made from the table of operations. Pure."""

import re
from typing import Any

from reconciler.sandbox.load_routes import DOCUMENT_TYPES, MIME_TYPES, PRIORITIES
from reconciler.sandbox.operations import OPERATIONS, Operation

Json = dict[str, Any]
_TEXT: Json = {"type": "string"}
_ID: Json = {"type": "string", "pattern": "^[0-9]+$"}
_EITHER_ID: Json = {"anyOf": [_ID, {"type": "integer"}]}  # contract 1.8: nested ids may be numbers
_WHOLE: Json = {"type": "integer"}
_FLAG: Json = {"type": "boolean"}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(required: str, **properties: Json) -> Json:
    """More fields than these are to be expected (contract 6.2)."""
    made: Json = {"type": "object", "properties": properties}
    return made | ({"required": required.split()} if required else {})


_ROWS = {
    "Datamart": _object("id name organisation_id type archived", id=_ID, name=_TEXT, organisation_id=_TEXT, token=_TEXT, type={"enum": ["DATAMART", "CROSS_DATAMART"]}, archived=_FLAG, creation_date=_WHOLE, time_zone=_TEXT, datafarm=_TEXT, region=_TEXT, storage_model_version=_TEXT),
    "Compartment": _object("id organisation_id token archived", id=_ID, organisation_id=_TEXT, name=_or_null(_TEXT), token=_TEXT, archived=_FLAG),
    "NewCompartment": _object("organisation_id token", organisation_id=_EITHER_ID, token={"type": "string", "minLength": 1}, name=_or_null(_TEXT)),
    "CompartmentChange": _object("", token=_TEXT, name=_TEXT, archived=_FLAG),
    "Activation": _object("id datamart_id compartment_id default", id=_ID, datamart_id=_ID, compartment_id=_ID, default=_FLAG, token=_or_null(_TEXT), name=_or_null(_TEXT)),
    "NewActivation": _object("compartment_id", datamart_id=_EITHER_ID, compartment_id=_EITHER_ID, default=_FLAG),
    "ActivationChange": _object("", default=_FLAG),
    "Processing": _object("id processing_id", id=_ID, processing_id=_or_null(_EITHER_ID), processing_name=_or_null(_TEXT)),
    "NewProcessing": _object("processing_id", processing_id=_EITHER_ID, processing_name=_TEXT),
    "Flat": _object("id token default", id=_ID, token=_or_null(_TEXT), name=_or_null(_TEXT), default=_FLAG),
    "Import": _object("id datamart_id name document_type", id=_ID, datamart_id=_ID, datafarm_key=_or_null(_TEXT), name=_TEXT, document_type={"enum": list(DOCUMENT_TYPES)}, mime_type={"enum": list(MIME_TYPES)}, encoding=_TEXT, priority={"enum": list(PRIORITIES)}),
    "NewImport": _object("name document_type", name={"type": "string", "minLength": 1}, document_type={"enum": list(DOCUMENT_TYPES)}, mime_type={"enum": list(MIME_TYPES)}, encoding={"enum": ["utf-8"]}, priority={"enum": list(PRIORITIES)}),
    "ImportChange": _object("", name=_TEXT, priority={"enum": list(PRIORITIES)}),
    "Execution": _object("id status creation_date parameters", id=_ID, status=_TEXT, creation_date=_WHOLE, start_date=_or_null(_WHOLE), duration=_or_null(_WHOLE), organisation_id=_TEXT, user_id=_TEXT, num_tasks=_or_null(_WHOLE), completed_tasks=_or_null(_WHOLE), erroneous_tasks=_or_null(_WHOLE), parameters={"type": "object"}, result=_or_null({"type": "object"}), error=_or_null(_object("message", message=_TEXT))),
    "Action": _object("action", action={"enum": ["CANCEL"]}),
    "Schema": _object("id datamart_id status", id=_ID, datamart_id=_ID, status={"enum": ["DRAFT", "LIVE", "ARCHIVED", "PUBLISHED"]}, creation_date=_WHOLE, publication_date=_or_null(_WHOLE)),
    "ObjectType": _object("id runtime_schema_id type name", id=_ID, runtime_schema_id=_ID, type={"enum": ["OBJECT_TYPE", "INTERFACE_TYPE"]}, name=_TEXT),
    "Identifier": _object("type", type=_TEXT),
    "Profile": {"type": "object"},
    "Error": _object("status error", status={"const": "error"}, error=_TEXT, error_code=_TEXT, error_id=_TEXT),
}  # fmt: skip
_WHAT = {
    "organisation_id": ("whose", _TEXT, True),
    "first_result": ("index of the first row", {"type": "integer", "minimum": 0}, False),
    "max_results": ("rows of a page at most", {"type": "integer", "minimum": 0}, False),
    "uri": ("a mics:// URI", _TEXT, True),
    "archived": ("`false` leaves archived ones out", {"enum": ["true", "false"]}, False),
    "allow_administrator": ("accepted, without effect", {"enum": ["true", "false"]}, False),
    "default": ("`true` shows the default one only", {"enum": ["true", "false"]}, False),
    "with_source_datamarts": ("of a cross-datamart, those of its sources", {"enum": ["true", "false"]}, False),
    "keywords": ("part of the name", _TEXT, False),
    "label_ids": ("accepted, without effect", _TEXT, False),
}  # fmt: skip


def document(version: str, url: str) -> Json:
    """The document, in OpenAPI 3.1."""
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        path = re.sub(r":path}", "}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, path)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The platform, as the sandbox emulates it",
            "version": version,
            "description": "Written from public evidence; each operation names its section of the contract. "
            "Where nothing public settles what happens, a switch of the sandbox does.",
        },
        "servers": [{"url": url}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": _ROWS,
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "Authorization"}},
        },
    }


def _operation(o: Operation, path: str) -> Json:
    found: Json = {
        "operationId": o.handler,
        "summary": o.summary,
        "description": f"Contract {o.section}.",
        "tags": [f"contract {o.section.split(',')[0].split('.')[0]}"],
        "parameters": [*map(_in_path, re.findall(r"{(\w+)}", path)), *map(_in_query, o.query)],
        "responses": {"2XX": _answer(o.answer), "default": _response("refused", _ref("Error"))},
    }
    if o.body == "upload":
        part = {"type": "object", "required": ["file"], "properties": {"file": {"type": "string", "format": "binary"}, "type": _TEXT}}  # fmt: skip
        content: Json = {"application/x-ndjson": {"schema": _TEXT}, "multipart/form-data": {"schema": part}}
        found["requestBody"] = {"required": True, "content": content}
    elif o.body:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(o.body)}}}
    return found


def _answer(answer: str) -> Json:
    if not answer:
        return {"description": "the file", "content": {"text/plain": {"schema": _TEXT}}}
    many = answer.startswith("[")
    data: Json = {"type": "array", "items": _ref(answer[1:-1])} if many else _ref(answer)
    extra = {"count": _WHOLE, "total": _WHOLE, "first_result": _WHOLE, "max_results": _WHOLE} if many else {}
    required = "status data count" if many else "status data"
    return _response("done", _object(required, status={"const": "ok"}, data=data, **extra))


def _response(words: str, schema: Json) -> Json:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _in_path(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _in_query(name: str) -> Json:
    words, schema, required = _WHAT[name]
    return {"name": name, "in": "query", "required": required, "description": words, "schema": schema}
