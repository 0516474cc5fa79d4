"""Starter files: the repository's `specs/`, which the wheel carries as `reconciler/starter`."""

import shutil
from pathlib import Path

import reconciler
from reconciler.errors import ReconcilerError


def starter() -> Path:
    """Where the starter files are: in the installed package, or in a checkout."""
    package = Path(reconciler.__file__).parent
    return found if (found := package / "starter").is_dir() else package.parent / "specs"


def scaffold(target: Path) -> list[Path]:
    """Copy the starter files; never overwrites.

    Raises:
        ReconcilerError: one of the files is there already; nothing was written.
    """
    source = starter()
    names = sorted(
        p.relative_to(source)
        for p in source.rglob("*")
        if p.is_file() and not any(x.startswith(".") for x in p.relative_to(source).parts)
    )
    if taken := next((n for n in names if (target / n).exists()), None):
        raise ReconcilerError(
            f"{target / taken} is there already; nothing was written", help="name another folder"
        )
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)
    ignore = target / ".gitignore"
    if not ignore.exists():
        ignore.write_text(".reconciler/\n.sandbox/\n", "utf-8")
    return [target / n for n in names]
