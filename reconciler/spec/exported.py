"""Declarations of what exists -> the text of spec files. Pure.

Every text is read back as it was: what is not plain is quoted, and what a reader could not see stands there as an escape.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from typing import Any, Literal

from reconciler.kinds.counts import many
from reconciler.model.export import CompartmentDocument, DatamartEntry, Export, Remark

Layout = Literal["per-compartment", "single-file"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(?: [A-Za-z0-9_-]+)*")
# What YAML 1.1 or 1.2 reads as something else than text.
_NOT_TEXT = frozenset(["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan", "inf"])
_SHOWN_IMPORTS = 5
_GROWS = "  # datamarts that are declared later, too; write a list of names where that is not meant"
_HEAD = "apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n"


def files(
    export: Export, layout: Layout, name_of: Callable[[str], str], free: Callable[[str], PurePosixPath]
) -> dict[PurePosixPath, str]:
    """The files of an export.

    Args:
        export: what to declare.
        layout: one file for each compartment, or one for all.
        name_of: gives a `metadata.name` for a `Datamarts` document that no other document has.
        free: gives a path where no file is yet, from the wanted one.
    """
    found: dict[PurePosixPath, str] = {}
    if export.datamarts:
        found[free("datamarts.yaml")] = _datamarts(export.datamarts, name_of("datamarts"))
    texts = [(c.key, _compartment(c, export.live)) for c in export.compartments]
    if layout == "per-compartment":
        found |= {free(f"compartments/{key}.yaml"): text for key, text in texts}
    elif texts:
        found[free("compartments.yaml")] = "---\n".join(text for _, text in texts)
    if found and export.remarks:
        found[free("unmanaged.md")] = _remarks(export.remarks)
    return found


def scalar(text: str) -> str:
    """One text as a YAML scalar that YAML 1.2 and 1.1 both read as this text."""
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT:
        return text
    return quoted(text)


def flow(value: Any) -> str:
    """Texts, lists and mappings of texts, as YAML on one line."""
    match value:
        case str():
            return scalar(value)
        case list():
            return f"[{', '.join(flow(v) for v in value)}]"
        case dict():
            return f"{{{', '.join(f'{flow(k)}: {flow(v)}' for k, v in value.items())}}}"
        case _:
            raise TypeError(f"no text, list or mapping: {value!r}")


def quoted(text: str) -> str:
    """Double-quoted: JSON's escapes are YAML's; what does not show (category C, line breaks, blanks of odd width) is escaped."""
    return "".join(c if _shows(c) else _escape(c) for c in json.dumps(text, ensure_ascii=False))


def _shows(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] not in "CZ"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _datamarts(entries: Sequence[DatamartEntry], name: str) -> str:
    lines = [_HEAD.format(kind="Datamarts", name=name)]
    for entry in entries:
        default = f", default_compartment: {scalar(entry.default)}" if entry.default else ""
        lines.append(
            f"  {scalar(entry.name)}: {{id: {quoted(entry.id)}{default}}}  # {quoted(entry.title)}\n"
        )
        lines += [f"    # {line}\n" for line in _imports(entry.imports)]
    return "".join(lines)


def _imports(names: Sequence[str]) -> Iterable[str]:
    if names:
        count = len(names)
        yield f"{many(count, 'document import exists', 'document imports exist')} here; specs do not declare imports:"
        yield from (f"  {quoted(name)}" for name in names[:_SHOWN_IMPORTS])
        if count > _SHOWN_IMPORTS:
            yield f"  and {count - _SHOWN_IMPORTS} more"


def _compartment(document: CompartmentDocument, live: Sequence[str]) -> str:
    lines = [f"# {document.why}\n"] if document.why else []
    lines.append(_HEAD.format(kind="Compartment", name=scalar(document.key)))
    fields = (("id", document.id and quoted(document.id)), ("name", document.name and scalar(document.name)))
    lines += [f"  {key}: {value}\n" for key, value in fields if value]
    if document.token:
        lines.append(f"  token: {scalar(document.token)}\n")
    if document.datamarts:
        found = datamart_set(document.datamarts, live)
        lines.append(f"  activations: {flow(found)}{'' if isinstance(found, list) else _GROWS}\n")
    return "".join(lines)


def datamart_set(members: Sequence[str], live: Sequence[str]) -> Any:
    """Where a compartment is active, in the shortest form: all, all but some, or a list."""
    missing = [name for name in live if name not in set(members)]
    if not missing:
        return "all"
    if len(missing) < len(members):
        return {"datamarts": "all", "except": missing}
    return list(members)


def _remarks(remarks: Iterable[Remark]) -> str:
    lines = ["What exists on the platform, and no spec declares. reconciler never changes it.\n\n"]
    return "".join([*lines, *(f"- {_comment(r.about)}: {_comment(r.why)}\n" for r in remarks)])


def _comment(text: str) -> str:
    return "".join(c if _shows(c) else _escape(c) for c in text)
