"""What is unknown about the platform, as switches (contract 13); defaults as marked there."""

from dataclasses import dataclass, fields, replace
from typing import Any

CHOICES: dict[str, tuple[str, ...]] = {
    "duplicate_token": ("error409", "error400", "accepted"),
    "duplicate_activation": ("error", "existing", "second"),
    "auto_activate": ("off", "on"),
    "unactivated_compartment": ("failure", "accepted"),
    "two_identifiers": ("failure", "first"),
    "duplicate_import": ("accepted", "error"),
    "array_merge": ("concatenate", "deduplicate"),
    "null_merge": ("stored", "removed"),
    "total": ("with", "without"),
    "order": ("fifo", "shuffled", "parallel"),
    "success_word": ("SUCCEEDED", "SUCCESS"),
    "numeric_ids": ("on", "off"),
    "update_strategy": ("accepted", "rejected"),
    "removal": ("405", "works"),
    "shape": ("plain", "odd"),
    "profiles": ("kept", "counted"),
    "error_file": ("numbers", "echo", "opaque"),
    "schema_unknown": ("stored", "failure", "dropped"),
    "schema_clash": ("object_not_indexed", "field_not_indexed", "failure", "coerced"),
    "schema_null": ("object_not_indexed", "failure"),
    "schema_nested_null": ("element_not_indexed", "profile_not_indexed"),
    "schema_plain_names": ("custom", "platform"),
    "schema_text": ("plain", "charset", "json_wrapper", "json_string", "octet_stream"),
    "schema_list": ("draft_first", "paged", "live_only", "empty", "no_live", "two_live", "published"),
    "schema_content": (
        "as_seeded",
        "truncated",
        "empty_type",
        "unknown_directive",
        "mirror",
        "replaced",
    ),
}
# Settings of the sandbox itself: there is nothing about the platform to find out.
OWN = frozenset({"profiles", "latency_seconds", "token", "shape", "schema_content"})


@dataclass(frozen=True, slots=True)
class Switches:
    """Settings of the sandbox.

    Attributes:
        page_default: rows of a page where the client does not ask for so many.
        page_cap: rows of a page at most; 0 is unlimited.
        lag_reads: how many listings a write stays invisible for.
        lag_seconds: for how long a write stays invisible in listings.
        profile_lag_reads, profile_lag_seconds: the same for a profile after its execution ended.
        pending_seconds, running_seconds: how long an execution stays in each state.
        removal: of selections and compartments, by DELETE or `archived`; deletion of imports always works.
        shape: `odd` answers with fields nobody knows, bare list wrappers and 201, all of which contract 1.4 allows.
        profiles: `counted` neither stores nor checks lines (for very large uploads).
        error_file: what its entries say of a failed line: its number, the line itself, or nothing but a reason.
        schema_unknown: a field of a profile that the LIVE schema does not have.
        schema_clash: a value that does not fit the type of its field.
        schema_null: null, or nothing in a whole profile, where the schema says `!`.
        schema_nested_null: the same within a list of objects.
        schema_plain_names: `compartment_id` and `user_account_id` in a profile, without their `$`.
        schema_text: in what form the text of a schema is answered.
        schema_list: which versions are listed, and how.
        schema_content: what became of the text of the LIVE version.
        latency_seconds: how long every answer takes at least.
        token: the only accepted token; empty accepts any.
    """

    duplicate_token: str = "error409"  # noqa: S105 - no secret
    duplicate_activation: str = "error"
    auto_activate: str = "off"
    unactivated_compartment: str = "failure"
    two_identifiers: str = "failure"
    duplicate_import: str = "accepted"
    array_merge: str = "concatenate"
    null_merge: str = "stored"
    total: str = "with"
    order: str = "fifo"
    success_word: str = "SUCCEEDED"
    numeric_ids: str = "on"
    update_strategy: str = "accepted"
    removal: str = "405"
    shape: str = "plain"
    profiles: str = "kept"
    error_file: str = "numbers"
    schema_unknown: str = "stored"
    schema_clash: str = "object_not_indexed"
    schema_null: str = "object_not_indexed"
    schema_nested_null: str = "element_not_indexed"
    schema_plain_names: str = "custom"
    schema_text: str = "plain"
    schema_list: str = "draft_first"
    schema_content: str = "as_seeded"
    page_default: int = 20
    page_cap: int = 500
    lag_reads: int = 0
    lag_seconds: float = 0.0
    profile_lag_reads: int = 0
    profile_lag_seconds: float = 0.0
    pending_seconds: float = 0.05
    running_seconds: float = 0.05
    latency_seconds: float = 0.0
    token: str = ""

    def with_values(self, values: dict[str, Any]) -> "Switches":
        """A copy with some switches set, from text or values.

        Raises:
            ValueError: no such switch, or not one of its options.
        """
        known = self.values()
        new: dict[str, Any] = {}
        for key, value in values.items():
            if key not in known:
                raise ValueError(f"unknown switch {key!r}; known: {', '.join(sorted(known))}")
            if key in CHOICES and str(value) not in CHOICES[key]:
                raise ValueError(f"switch {key} is one of {', '.join(CHOICES[key])}, not {value!r}")
            try:
                new[key] = type(known[key])(value)
            except (TypeError, ValueError):
                raise ValueError(f"switch {key} is a number, not {value!r}") from None
            if key not in CHOICES and not isinstance(new[key], str) and not 0 <= new[key] < 1e9:
                raise ValueError(f"switch {key} is a number from 0, not {value!r}")
        return replace(self, **new)

    def values(self) -> dict[str, Any]:
        """Every switch with its setting."""
        return {f.name: getattr(self, f.name) for f in fields(self)}
