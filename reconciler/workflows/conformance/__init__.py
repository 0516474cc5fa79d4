"""Which way a platform answers the open questions of the contract: read-only, or with objects made for it on one datamart."""

from collections.abc import Iterator

from reconciler.api.client import Reader
from reconciler.model.conformance import Found
from reconciler.workflows.conformance.bench import Bench
from reconciler.workflows.conformance.config import config_answers, removal
from reconciler.workflows.conformance.lines import line_answers
from reconciler.workflows.conformance.reading import reading_answers
from reconciler.workflows.conformance.schemas import schema_lines, schema_reading

# In the order of the contract; each has one answer in the end.
QUESTIONS = (
    ("duplicate_token", "3.4"),
    ("duplicate_activation", "4.3"),
    ("auto_activate", "3.4"),
    ("unactivated_compartment", "7.6"),
    ("two_identifiers", "7.1"),
    ("duplicate_import", "5.2"),
    ("array_merge", "7.4"),
    ("null_merge", "7.4"),
    ("page_default", "1.5"),
    ("page_cap", "1.5"),
    ("total", "1.4"),
    ("lag_reads", "12"),
    ("lag_seconds", "12"),
    ("profile_lag_reads", "8"),
    ("profile_lag_seconds", "8"),
    ("order", "6.4"),
    ("success_word", "6.3"),
    ("numeric_ids", "1.8"),
    ("update_strategy", "7.5"),
    ("error_file", "6.4"),
    ("removal", "4.2"),
    ("schema_list", "16.3"),
    ("schema_text", "16.2"),
    ("schema_unknown", "16.1"),
    ("schema_clash", "16.5"),
    ("schema_null", "16.5"),
    ("schema_nested_null", "16.5"),
    ("schema_plain_names", "16.4"),
)


def read_only(reader: Reader, organisation_id: str, datamart_id: str) -> Iterator[Found]:
    """What listings and past executions tell. Sends nothing but GET.

    Raises:
        ReadFailed: the organisation or the datamart cannot be read.
    """
    yield from reading_answers(reader, organisation_id, datamart_id)
    yield from schema_reading(reader, datamart_id)


def with_writes(bench: Bench) -> Iterator[Found]:
    """All of it: makes compartments, activations, imports and profiles, and removes what can be removed.

    Raises:
        ReadFailed: the organisation or the datamart cannot be read.
    """
    try:
        yield from config_answers(bench)
        yield from line_answers(bench)
        yield from schema_lines(bench)
        yield from reading_answers(bench.writer, bench.organisation_id, bench.datamart_id)
        yield from schema_reading(bench.writer, bench.datamart_id)
        yield removal(bench)
    finally:
        bench.clear()


def unanswered(found: list[Found], *, wrote: bool) -> list[Found]:
    """The questions without an answer, as such."""
    known = {f.switch for f in found}
    why = "could not be determined" if wrote else "needs --write"
    return [Found(switch, section, None, why) for switch, section in QUESTIONS if switch not in known]


def ordered(found: list[Found]) -> list[Found]:
    """The last answer to each question, in the order of the contract."""
    last = {f.switch: f for f in found if f.answer is not None}
    every = {f.switch: f for f in found} | last
    return [every[switch] for switch, _ in QUESTIONS if switch in every]
