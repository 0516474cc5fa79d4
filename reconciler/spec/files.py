"""Read the workspace file and the spec files; with `find`, the only I/O of this package."""

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.beneath import within
from reconciler.errors import SpecError
from reconciler.kinds.nearest import nearest
from reconciler.model.address import WORKSPACE_FILE, Span
from reconciler.model.diagnostic import Diagnostic, error, has_errors
from reconciler.spec.documents import Document, parse
from reconciler.spec.find import SpecFile, check_is_workspace, content_of, workspace_file
from reconciler.spec.overlays import is_overlay
from reconciler.spec.quotes import quotes
from reconciler.spec.rules import check_document
from reconciler.spec.schema import KINDS
from reconciler.spec.validate import validate

# Below this many files a second process costs more than it saves.
_MANY = 500
_CHUNK = 200
_WORD = r"[A-Za-z0-9][A-Za-z0-9-]*"


class Read(NamedTuple):
    """What one file holds.

    Attributes:
        documents: those that passed the schema.
        findings: of syntax, schema, and rules within one document.
        doubtful: names that what could not be used may have declared; `Datamarts` if a table may have been lost.
        digest: of the bytes that were read.
    """

    documents: list[Document]
    findings: list[Diagnostic]
    doubtful: frozenset[str] = frozenset()
    digest: bytes = b""


def read_workspace(root: Path) -> Document:
    """Read and check `reconciler.yaml`.

    Raises:
        ReconcilerError: there is none.
        SpecError: it has findings.
    """
    check_is_workspace(root)
    file = workspace_file(root)
    if not within(os.path.realpath(root), file.path):
        words = f"{WORKSPACE_FILE} is a link that leads outside the workspace; it was not read"
        raise SpecError([error("spec-outside", words, Span(WORKSPACE_FILE), help="put the file itself here")])
    documents, findings, _, _ = read(file)
    if not findings and [d.data.get("kind") for d in documents] != ["Workspace"]:
        words = f"{WORKSPACE_FILE} must hold exactly one document of kind Workspace"
        findings = [error("spec-kind", words, Span(WORKSPACE_FILE))]
    if has_errors(findings):
        raise SpecError(findings)
    return documents[0]


def read(file: SpecFile) -> Read:
    """Read one file: its documents, and findings of syntax, schema, and rules within one document."""
    try:
        content = content_of(file)
    except OSError as e:
        return Read([], [error("spec-unreadable", f"cannot read the file: {e.strerror}", Span(file.shown))])
    documents, findings = parse(file.shown, content)
    if not documents and not findings:
        hint = "delete the file, or declare something in it"
        findings = [error("spec-empty", "the file holds no document", Span(file.shown), help=hint)]
    good: list[Document] = []
    doubtful = _words(content) if findings else frozenset()
    for document in documents:
        if bad := validate(document):
            findings += bad
            doubtful |= _names(document.data)
            continue
        good.append(document)
        if not is_overlay(document):  # an overlay is half a document: its rules are asked of what it makes
            findings += check_document(document)
        if not content.isascii():
            findings += quotes(document)
    return Read(good, findings, doubtful, hashlib.sha256(content).digest())


def _words(content: bytes) -> frozenset[str]:
    """All that may be a name in it; names are ASCII, so those of a file in UTF-16 are there once its NUL bytes are not."""
    return frozenset(re.findall(_WORD, content.replace(b"\0", b"").decode("utf-8", "replace")))


def _names(data: object) -> frozenset[str]:
    """What a document that did not pass the schema seems to declare; one of no kind may be a table of datamarts."""
    if not isinstance(data, dict):
        return frozenset()
    kind, metadata = data.get("kind"), data.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    names = frozenset({name}) if isinstance(name, str) else frozenset()
    nameless = kind not in KINDS and "Datamarts" in (nearest(str(kind), KINDS) or "Datamarts")
    return names | {"Datamarts"} if kind == "Datamarts" or nameless else names


def read_all(files: Sequence[SpecFile]) -> list[Read]:
    """Read many files, in order; very many are shared out to a process for each core, while these live."""
    cores = os.cpu_count() or 1
    if len(files) < _MANY or cores == 1:
        return [read(f) for f in files]
    import multiprocessing
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor

    context = multiprocessing.get_context("fork" if _one_thread() else "spawn")
    try:
        with ProcessPoolExecutor(cores, mp_context=context) as pool:
            return list(pool.map(read, files, chunksize=_CHUNK))
    except BrokenExecutor:  # one was killed, or does not begin
        return [read(f) for f in files]


def _one_thread() -> bool:
    """Whether this process may be forked, which starts a process in a tenth of the time.

    A forked process may wait for ever for a lock that another thread of its parent held; threads of libraries count, such as
    those of polars, so the kernel is asked. Where it does not say, nothing is known.
    """
    try:
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208 - names are enough
    except OSError:
        return False
