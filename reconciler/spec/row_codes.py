"""Why a row is not sent: the codes of rejected rows, each with what it means and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowCode:
    """One code."""

    code: str
    title: str
    fix: str


_FIX_ROW = "Correct the row at its source, or allow some with bad_lines: {allow: …}."
ROW_CODES = {
    x.code: x
    for x in (
        RowCode(
            "line-agent", "The user agent id does not have the form prefix:rest", "Write for example vec:123."
        ),
        RowCode("line-blank", "The line is blank, or a CSV row has no cell", _FIX_ROW),
        RowCode(
            "line-columns",
            "A CSV row has more or fewer cells than the header",
            "Look for a delimiter or a quote in a cell; csv: {delimiter, quote} say how the file is written.",
        ),
        RowCode(
            "line-compartment",
            "A command names no compartment, or another than the source",
            "fill_identity: true adds the compartment of the source; a command of another one belongs in a source of its own.",
        ),
        RowCode("line-csv", "A quote is not closed, or a row takes too many lines", _FIX_ROW),
        RowCode(
            "line-dialect",
            "A command mixes force_replace or merge_objects with update_strategy",
            "Use the fields of one dialect in all commands of the source.",
        ),
        RowCode("line-duplicate-key", "A key occurs twice in one JSON object, with two values", _FIX_ROW),
        RowCode(
            "line-encoding",
            "The row has bytes that are not in the encoding of the file",
            "csv: {encoding: …} says how the file is encoded; commands and NDJSON are UTF-8.",
        ),
        RowCode("line-field", "A field of a command is unknown or has a wrong type", _FIX_ROW),
        RowCode(
            "line-force-replace",
            "An UPSERT command lacks force_replace",
            "Add force_replace, as the platform requires.",
        ),
        RowCode(
            "line-identifier-type",
            "The identifier is no text and no whole number",
            "An identifier such as 1.5 or true is not sent; let the source give text.",
        ),
        RowCode("line-identifiers", "A command names two identifiers", "A command names exactly one."),
        RowCode(
            "line-identity",
            "$compartment_id or $user_account_id differs from the identifier of the row",
            "Remove the field, which the profile gets by itself, or correct it.",
        ),
        RowCode("line-json", "The line is not a JSON object that can be sent exactly", _FIX_ROW),
        RowCode("line-no-identifier", "The row has no value in any column of identify_by", _FIX_ROW),
        RowCode(
            "line-operation",
            "The operation is not UPSERT or DELETE",
            "operation: {column: …, map: {U: UPSERT, D: DELETE}} says what the values mean.",
        ),
        RowCode(
            "line-profile",
            "A command lacks user_profile, or it is not an object",
            "An UPSERT command has a user_profile.",
        ),
        RowCode(
            "line-property",
            "Two fields of the row become one property",
            "Give one of them another name with profile: {rename: …}, or exclude it.",
        ),
        RowCode(
            "line-superseded",
            "A later row names the same identity, and duplicates is keep_last",
            "Nothing; these rows do not count as rejected rows.",
        ),
        RowCode(
            "line-too-large",
            "The command is larger than a chunk may be",
            "Raise chunk: {max_bytes: …}, below 100MB.",
        ),
        RowCode(
            "line-type",
            "A cell is not of the declared type, or a value has no exact form in JSON",
            "Write the value as its type has it, or take the column out of types: its cells are then sent as text. A boolean is true or false in any"
            " case; 1, 0, yes and no are none (1 and 0 are integers). A number has no spaces, no + and no comma, and a point before its fraction.",
        ),
    )
}
