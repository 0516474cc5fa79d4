"""What the emulated API offers: one row for each operation, with the section of the contract it is from.

Routes and the OpenAPI document are made from this table.
"""

from dataclasses import dataclass

_ORGANISATION, _PAGING = ("organisation_id",), ("first_result", "max_results")


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        handler: the method of `Sandbox` that answers.
        section: of the contract.
        summary: half a line.
        answer: schema of the data; `[…]` is a list of it, "" anything.
        query: parameters.
        body: schema of the JSON body; `upload` is raw or multipart.
    """

    method: str
    path: str
    handler: str
    section: str
    summary: str
    answer: str
    query: tuple[str, ...] = ()
    body: str = ""


_DM, _COMPARTMENTS = "/v1/datamarts/{dm}", "/v1/user_account_compartments"
_ACTIVATION, _IMPORT = _DM + "/compartments/{id}", _DM + "/document_imports/{id}"
_EXECUTION = _IMPORT + "/executions/{execution}"
_SCHEMAS = _DM + "/graphdb_runtime_schemas"
_SCHEMA = _SCHEMAS + "/{schema}"

OPERATIONS = (
    Operation("GET", "/v1/datamarts", "list_datamarts", "2", "List datamarts of an organisation", "[Datamart]", (*_ORGANISATION, "archived", "allow_administrator", *_PAGING)),
    Operation("GET", _DM, "get_datamart", "2", "One datamart", "Datamart"),
    Operation("GET", _COMPARTMENTS, "list_compartments", "3.3", "List compartments of an organisation", "[Compartment]", (*_ORGANISATION, *_PAGING)),
    Operation("POST", _COMPARTMENTS, "create_compartment", "3.3, 3.4", "Create a compartment", "Compartment", body="NewCompartment"),
    Operation("GET", _COMPARTMENTS + "/{id}", "get_compartment", "3.3", "One compartment", "Compartment"),
    Operation("PUT", _COMPARTMENTS + "/{id}", "update_compartment", "1.3, 3.3", "Change token, name or (a switch) archived", "Compartment", body="CompartmentChange"),
    Operation("DELETE", _COMPARTMENTS + "/{id}", "delete_compartment", "3.3, 13", "Delete a compartment (a switch)", "Compartment"),
    Operation("GET", _DM + "/compartments", "list_activations", "4.2", "List activations of a datamart", "[Activation]", ("default", "with_source_datamarts", *_PAGING)),
    Operation("POST", _DM + "/compartments", "create_activation", "4.2, 4.3", "Activate a compartment", "Activation", body="NewActivation"),
    Operation("GET", _ACTIVATION, "get_activation", "4.2", "One activation, by its own id", "Activation"),
    Operation("PUT", _ACTIVATION, "update_activation", "4.2, 4.3", "Make it the default one", "Activation", body="ActivationChange"),
    Operation("DELETE", _ACTIVATION, "delete_activation", "4.2, 13", "Deactivate (a switch)", "Activation"),
    Operation("GET", _ACTIVATION + "/processing_selections", "list_processings", "4.2, 4.4", "List consent activities of an activation", "[Processing]", _PAGING),
    Operation("POST", _ACTIVATION + "/processing_selections", "create_processing", "4.2, 4.4", "Hang a consent activity on an activation", "Processing", body="NewProcessing"),
    Operation("DELETE", _ACTIVATION + "/processing_selections/{processing}", "delete_processing", "4.2, 4.4", "Take a consent activity off", "Processing"),
    Operation("GET", _DM + "/user_account_compartments", "flat_compartments", "3.2", "Compartments of a datamart, flattened", "[Flat]", _PAGING),
    Operation("GET", _SCHEMAS, "list_schemas", "16.2, 16.3", "List versions of the datamart's schema", "[Schema]", _PAGING),
    Operation("GET", _SCHEMA, "get_schema", "16.2", "One version", "Schema"),
    Operation("GET", _SCHEMA + "/text", "schema_text", "16.2", "The text of one version", ""),
    Operation("GET", _SCHEMA + "/object_types", "object_types", "16.2", "List object types", "[ObjectType]"),
    Operation("GET", _SCHEMA + "/object_types/deep", "object_types_deep", "16.2", "List object types with fields and directives", "[ObjectType]"),
    Operation("GET", _DM + "/document_imports", "list_imports", "5.2", "List document imports", "[Import]", ("keywords", "label_ids", *_PAGING)),
    Operation("POST", _DM + "/document_imports", "create_import", "5.1, 5.2", "Create a document import", "Import", body="NewImport"),
    Operation("GET", _IMPORT, "get_import", "5.2", "One document import", "Import"),
    Operation("PUT", _IMPORT, "update_import", "5.2", "Change name or priority", "Import", body="ImportChange"),
    Operation("DELETE", _IMPORT, "delete_import", "5.2", "Delete a document import", "Import"),
    Operation("GET", _IMPORT + "/executions", "list_executions", "6.4", "List executions, newest first", "[Execution]", _PAGING),
    Operation("POST", _IMPORT + "/executions", "create_execution", "6.1", "Upload lines", "Execution", body="upload"),
    Operation("GET", _EXECUTION, "get_execution", "6.4", "One execution", "Execution"),
    Operation("POST", _EXECUTION + "/action", "cancel", "6.4", "Cancel while PENDING", "Execution", body="Action"),
    Operation("GET", "/v1/data_file/data", "data_file", "6.4", "Download an error file", "", ("uri",)),
    Operation("GET", _DM + "/user_identifiers/{selector:path}", "identifiers", "8", "Identifiers of a user point", "[Identifier]"),
    Operation("GET", _DM + "/user_points/{point}/user_profiles", "profiles", "8", "Profiles of a user point", "[Profile]"),
    Operation("GET", _DM + "/user_points/{point}/user_profiles/{selector:path}", "one_profile", "8", "One profile", "Profile"),
)  # fmt: skip
