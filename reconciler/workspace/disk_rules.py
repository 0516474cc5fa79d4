"""What only the disk can tell about specs: links that leave the workspace, files that are referred to, small sources.

Enters: documents. Leaves: findings, and the list of what was looked at, so that a later run can see that nothing moved.
Source files themselves are opened for the opt-in rule `small-source` alone.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.beneath import open_beneath, within
from reconciler.errors import MissingExtra, SchemaUnusable
from reconciler.kinds.counts import many
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.settings import Settings
from reconciler.spec.documents import Document
from reconciler.spec.severities import enabled
from reconciler.spec.source_fields import file_references, is_url
from reconciler.spec.source_rules import outside, unsafe_path
from reconciler.workspace.path_state import look

SMALL = 1000
_BLOCK = 1 << 16


class Disk:
    """Looks at paths below the workspace, each once.

    Attributes:
        looked: what was seen, by path relative to the workspace: where the path really leads, or None if nowhere.
        opened: True if the contents of other files than specs decided something.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.inside = os.path.realpath(root)
        self.looked: dict[str, str | None] = {}
        self.opened = False

    def leads_to(self, path: str) -> str | None:
        """Where a path really leads; None if there is nothing."""
        if path not in self.looked:
            self.looked[path] = look(self.root, path)
        return self.looked[path]

    def findings(self, documents: Sequence[Document], settings: Settings) -> Iterator[Diagnostic]:
        """All findings about the files that the documents name."""
        for document in documents:
            if document.data["kind"] == "Datamarts":
                yield from self._schemas(document)
            if document.data["kind"] == "ProfileSource":
                yield from self._links(document)
                yield from self._queries(document)
                if enabled("small-source", settings.rules):
                    yield from self._small(document)

    def _schemas(self, document: Document) -> Iterator[Diagnostic]:
        for name, entry in document.data["spec"].items():
            text = entry.get("schema")
            if text is None:
                continue
            path = (name, "schema")
            real = None if outside(text) else self.leads_to(text)
            if outside(text) or (real is not None and not within(self.inside, real)):
                yield unsafe_path(document, path, text, "")
            elif real is None:
                words = f"there is no file {text}"
                advice = "paths are relative to the workspace; `reconciler schema fetch` writes it"
                yield warning("schema-file", words, document.span("spec", *path), help=advice)
            else:
                yield from self._unusable(document, path, text)

    def _unusable(self, document: Document, path: tuple[str, str], text: str) -> Iterator[Diagnostic]:
        from reconciler.workspace.schema_files import from_file  # few workspaces have schemas in files

        self.opened = True
        try:
            from_file(self.root, text)
        except (SchemaUnusable, MissingExtra) as e:
            advice = e.help or "profiles are not compared with it until it is corrected"
            yield warning("schema-file", str(e), document.span("spec", *path), help=advice)

    def _links(self, document: Document) -> Iterator[Diagnostic]:
        spec = document.data["spec"]
        named = [(("files", i), _fixed_part(p)) for i, p in enumerate(spec.get("files", [])) if not is_url(p)]
        for path, text in [*named, *file_references(spec)]:
            real = None if not text or outside(text) else self.leads_to(text)
            if real is not None and not within(self.inside, real):
                yield unsafe_path(document, path, text, " through a symbolic link")

    def _queries(self, document: Document) -> Iterator[Diagnostic]:
        for path, text in file_references(document.data["spec"]):
            if path[1] == "query" and not outside(text) and self.leads_to(text) is None:
                yield error(
                    "reference-file",
                    f"there is no file {text}",
                    document.span("spec", *path),
                    help="paths are relative to the workspace",
                )

    def _small(self, document: Document) -> Iterator[Diagnostic]:
        patterns = [p for p in document.data["spec"].get("files", []) if "{" not in p and not is_url(p)]
        files = [f for p in patterns if not outside(p) for f in self.root.glob(p)]
        self.opened = True
        for file in files:
            if file.suffix in (".gz", ".zst", ".parquet"):
                continue
            try:
                lines = _lines_up_to(self.root, file, SMALL)
            except OSError:
                continue  # a folder, a pipe, or a link out of the workspace, which `_links` tells of
            if lines < SMALL:
                yield warning(
                    "small-source",
                    f"{file.relative_to(self.root)} has {many(lines, 'row')}",
                    document.span("spec", "files"),
                    note="the platform advises bulk imports for more than 1,000 rows per file",
                )


def _fixed_part(pattern: str) -> str:
    """The folders of a pattern before its first wildcard or placeholder."""
    parts = pattern.split("/")
    fixed = next((i for i, part in enumerate(parts) if any(c in part for c in "*?[{")), len(parts))
    return "/".join(parts[:fixed])


def _lines_up_to(root: Path, path: Path, limit: int) -> int:
    lines, last = 0, b"\n"
    with open_beneath(root, path) as file:
        while lines < limit and (block := file.read(_BLOCK)):
            lines += block.count(b"\n")
            last = block[-1:]
    return lines + (last != b"\n")
