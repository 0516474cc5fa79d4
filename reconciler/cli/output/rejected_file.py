"""The file of `--rejects`: rejected rows with their contents."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.cli.output import output_file
from reconciler.workspace.cache import cache_folder
from reconciler.workspace.rejected_rows import note


@contextmanager
def rejected_rows(root: Path, path: Path | None) -> Iterator[Callable[[str], None] | None]:
    """A new private file for rejected rows, which `clean` finds again; None where none is asked for.

    Raises:
        DiskFailed: a file is there already, or the path cannot be written.
    """
    with output_file.new_private_lines(path) as keep:
        folder = cache_folder(root, os.environ)
        if path is not None and folder is not None and path.is_file() and not output_file.is_stdout(path):
            note(path, folder)
        yield keep
