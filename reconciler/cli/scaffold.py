"""Starter files: the repository's `specs/`, which the wheel carries as `reconciler/starter`."""

from pathlib import Path

import reconciler
from reconciler.errors import ReconcilerError
from reconciler.spec.find import WORKSPACE_FILE


def starter() -> Path:
    """Where the starter files are: in the installed package, or in a checkout."""
    package = Path(reconciler.__file__).parent
    return found if (found := package / "starter").is_dir() else package.parent / "specs"


def scaffold(target: Path) -> list[Path]:
    """Write the starter files: the workspace file, specs below `specs/`, data below `data/`; never overwrites.

    Raises:
        ReconcilerError: one of the files is there already; nothing was written.
    """
    source = starter()
    files = {
        target / _place(p.relative_to(source)): p.read_text("utf-8")
        for p in sorted(source.rglob("*"))
        if _is_starter(p, source)
    }
    if taken := next((path for path in files if path.exists()), None):
        raise ReconcilerError(f"{taken} is there already; nothing was written", help="name another folder")
    workspace = target / WORKSPACE_FILE
    files[workspace] = files[workspace].replace("specs: [.]", "specs: [specs]").replace("-C specs ", "")
    if not (target / ".gitignore").exists():
        files[target / ".gitignore"] = ".reconciler/\n.sandbox/\n"
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return list(files)


def _is_starter(path: Path, source: Path) -> bool:
    return path.is_file() and not any(part.startswith(".") for part in path.relative_to(source).parts)


def _place(name: Path) -> Path:
    return name if name == Path(WORKSPACE_FILE) or name.parts[0] == "data" else Path("specs") / name
