"""Find and read the workspace file and the spec files: the only I/O of this package."""

from collections.abc import Sequence
from pathlib import Path

from reconciler.errors import ReconcilerError, SpecError
from reconciler.model.address import Span
from reconciler.model.diagnostic import Diagnostic, error, has_errors
from reconciler.spec.documents import Document, parse
from reconciler.spec.validate import validate

WORKSPACE_FILE = "reconciler.yaml"


def read_workspace(root: Path) -> Document:
    """Read and check `reconciler.yaml`.

    Raises:
        ReconcilerError: there is none.
        SpecError: it has findings.
    """
    path = root / WORKSPACE_FILE
    if not path.is_file():
        raise ReconcilerError(
            f"no {WORKSPACE_FILE} in {root}",
            help="run this in a workspace, name one with -C DIR, or make one with `reconciler init`",
        )
    documents, findings = read(root, path)
    if not findings and [d.data.get("kind") for d in documents] != ["Workspace"]:
        findings = [
            error(
                "spec-kind",
                f"{WORKSPACE_FILE} must hold exactly one document of kind Workspace",
                Span(WORKSPACE_FILE),
            )
        ]
    if has_errors(findings):
        raise SpecError(findings)
    return documents[0]


def find(
    root: Path, folders: Sequence[str], only: Sequence[Path] = ()
) -> tuple[list[Path], list[Diagnostic]]:
    """All spec files below the folders, in a stable order; `only` narrows to files or folders named on the command line."""
    findings: list[Diagnostic] = []
    roots = [root / f for f in folders] if not only else [Path(p) for p in only]
    files: list[Path] = []
    for base in roots:
        if base.is_dir():
            files += sorted(
                p for pattern in ("*.yaml", "*.yml") for p in base.rglob(pattern) if _is_spec(p, base)
            )
        elif base.is_file():
            files.append(base)
        else:
            findings.append(
                error(
                    "spec-no-such-path",
                    f"there is no file or folder {display(root, base)}",
                    Span(display(root, base)),
                )
            )
    return list(dict.fromkeys(files)), findings


def _is_spec(path: Path, base: Path) -> bool:
    """Hidden folders hold other tools' files."""
    return path.is_file() and not any(part.startswith(".") for part in path.relative_to(base).parts)


def read(root: Path, path: Path) -> tuple[list[Document], list[Diagnostic]]:
    """Read one file: syntax and schema findings, and its documents."""
    shown = display(root, path)
    try:
        content = path.read_bytes()
    except OSError as e:
        return [], [error("spec-unreadable", f"cannot read the file: {e.strerror}", Span(shown))]
    documents, findings = parse(shown, content)
    if not documents and not findings:
        findings = [
            error(
                "spec-empty",
                "the file holds no document",
                Span(shown),
                help="delete it, or declare something in it",
            )
        ]
    for document in documents:
        findings += validate(document)
    return documents, findings


def display(root: Path, path: Path) -> str:
    """The path as users write it: relative to the workspace where it lies inside."""
    try:
        return str(path.resolve().relative_to(root.resolve()))
    except ValueError:
        return str(path)
