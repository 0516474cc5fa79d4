"""`reconciler source …`: sources, without the remote."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.cli import exit_codes, steps
from reconciler.cli.console import out, show_findings, style
from reconciler.cli.options import Format
from reconciler.errors import UsageError
from reconciler.model.diagnostic import Diagnostic, has_errors
from reconciler.planning.guards import refused
from reconciler.reports import source_text
from reconciler.reports.findings.as_json import plain
from reconciler.spec.nearest import nearest
from reconciler.spec.sets import UnknownDatamart
from reconciler.workflows.source_check import examine


def check(flags: steps.Flags, name: str, rejects: Path | None) -> int:
    """Read a source and show counts, volume and bad lines; 4 if too many are bad, 1 if it cannot be read.

    Raises:
        UsageError: there is no such source or datamart, or the rejects cannot be written.
        SpecError: the specs have findings that stop.
    """
    checked = steps.read_workspace(flags)
    if name not in checked.specs.sources:
        hint = nearest(name, checked.specs.sources) or "`reconciler render` lists what is declared"
        raise UsageError(f"no spec declares ProfileSource/{name}", help=hint)
    try:
        datamarts = checked.datamart_ids(flags.datamart) if flags.datamart else None
    except UnknownDatamart as e:
        raise UsageError(f"--datamart: no spec declares '{e.name}'") from None
    marks, findings, reads = style(sys.stdout, no_color=flags.no_color), list[Diagnostic](), []
    with steps.progress(flags) as shown, _rejects(rejects) as keep:
        for found in examine(checked, name, datamarts, steps.new_scans(flags, shown), keep):
            findings += found.findings
            if found.scan is None:
                continue
            if flags.output is Format.JSON:
                reads.append(source_text.plain(found.addresses, found.scan, found.examples))
            else:
                out(source_text.as_text(found.addresses, found.scan, found.examples, found.max_bytes, marks))
    if flags.output is Format.JSON:
        out(source_text.as_json(reads, [plain(d) for d in findings]))
    else:
        show_findings(findings, flags.root, style(sys.stderr, no_color=flags.no_color))
    if not has_errors(findings):
        return exit_codes.DONE
    return exit_codes.REFUSED if refused(findings) else exit_codes.FAILED


@contextmanager
def _rejects(path: Path | None) -> Iterator[Callable[[str], None] | None]:
    """A new file that only its owner can read, for lines with their contents (G9)."""
    if path is None:
        yield None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as e:
        raise UsageError(
            f"cannot write {path}: {e.strerror}", help="name a file that does not exist yet"
        ) from None
    with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:  # noqa: PTH123 - a descriptor
        yield lambda line: print(line, file=file)
