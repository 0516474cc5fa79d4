"""Where things live on the platform (contract sections 2 to 6)."""

import re
from urllib.parse import quote

PREFIX = "/v1"


def datamarts() -> str:
    """Datamarts of an organisation; query `organisation_id` (contract 2)."""
    return f"{PREFIX}/datamarts"


def compartments() -> str:
    """Compartments of an organisation; query `organisation_id` (contract 3.3)."""
    return f"{PREFIX}/user_account_compartments"


def compartment(compartment_id: str) -> str:
    """One compartment (contract 3.3)."""
    return f"{compartments()}/{quote(compartment_id, safe='')}"


def activations(datamart_id: str) -> str:
    """Compartment selections of a datamart (contract 4.2)."""
    return f"{PREFIX}/datamarts/{quote(datamart_id, safe='')}/compartments"


def activation(datamart_id: str, selection_id: str) -> str:
    """One selection row, by its own id, not the compartment's (contract 4.1)."""
    return f"{activations(datamart_id)}/{quote(selection_id, safe='')}"


def imports(datamart_id: str) -> str:
    """Document imports of a datamart (contract 5.2)."""
    return f"{PREFIX}/datamarts/{quote(datamart_id, safe='')}/document_imports"


def executions(datamart_id: str, import_id: str) -> str:
    """Executions of a document import (contract 6.1, 6.4)."""
    return f"{imports(datamart_id)}/{quote(import_id, safe='')}/executions"


def data_file() -> str:
    """Where error files are downloaded; query `uri`, a mics:// URI (contract 6.4)."""
    return f"{PREFIX}/data_file/data"


def processing_selections(datamart_id: str, selection_id: str) -> str:
    """Consent activities attached to an activation (contract 4.2, 4.4)."""
    return f"{activation(datamart_id, selection_id)}/processing_selections"


def user_identifiers(datamart_id: str, selector: str) -> str:
    """Every identifier of the user point behind a selector such as `email_hash=…` (contract 8); it is quoted already."""
    return f"{PREFIX}/datamarts/{quote(datamart_id, safe='')}/user_identifiers/{selector}"


def user_profiles(datamart_id: str, user_point_id: str) -> str:
    """All profiles of a user point, by its id (contract 8)."""
    return f"{PREFIX}/datamarts/{quote(datamart_id, safe='')}/user_points/{quote(user_point_id, safe='')}/user_profiles"


def schemas(datamart_id: str) -> str:
    """Versions of a datamart's schema (contract 16.2)."""
    return f"{PREFIX}/datamarts/{quote(datamart_id, safe='')}/graphdb_runtime_schemas"


def schema_text(datamart_id: str, schema_id: str) -> str:
    """The text of one version (contract 16.2)."""
    return f"{schemas(datamart_id)}/{quote(schema_id, safe='')}/text"


def document_import(datamart_id: str, import_id: str) -> str:
    """One document import (contract 5.2)."""
    return f"{imports(datamart_id)}/{quote(import_id, safe='')}"


def execution_action(datamart_id: str, import_id: str, execution_id: str) -> str:
    """Where an execution is canceled; singular `action` (contract 6.4)."""
    return f"{executions(datamart_id, import_id)}/{quote(execution_id, safe='')}/action"


def shown(path: str) -> str:
    """A path for messages: what names a person stands there as `…`."""
    return re.sub(r"/(user_identifiers|user_points)/.*", r"/\1/…", path)


def about_profiles(path: str) -> bool:
    """Whether what is said about a request may quote profile data: it carries or names some, or lists what became of it."""
    return re.search(r"/(executions|data_file|user_identifiers|user_points)(/|$)", path) is not None


# What stands in a path as it is; whatever else does is an identifier.
_FIXED = frozenset(
    [
        "v1",
        "datamarts",
        "user_account_compartments",
        "compartments",
        "document_imports",
        "executions",
        "action",
        "data_file",
        "data",
        "processing_selections",
        "user_identifiers",
        "user_points",
        "user_profiles",
        "graphdb_runtime_schemas",
        "text",
    ]
)


def route(path: str) -> str:
    """The template of a path: every identifier in it as `{id}`."""
    return "/".join(part if part in _FIXED or not part else "{id}" for part in path.split("?")[0].split("/"))
