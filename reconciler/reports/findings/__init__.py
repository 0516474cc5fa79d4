"""Findings for machines: one module per format, `render(findings, files) -> str`. Pure.

Every format is complete but GitHub's, which shows only so many annotations; and none can be told by a spec's text to do
anything: each escapes by the rules of its reader.
"""

from collections.abc import Sequence

from reconciler.model.diagnostic import Diagnostic

FORMATS = ("json", "github", "sarif", "junit", "gitlab")


def render(output: str, findings: Sequence[Diagnostic], files: Sequence[str]) -> str:
    """Findings in one of `FORMATS`; each module is loaded only when it is asked for.

    Raises:
        KeyError: there is no such format.
    """
    match output:
        case "json":
            from reconciler.reports.findings import json as module
        case "github":
            from reconciler.reports.findings import github as module  # type: ignore[no-redef]
        case "sarif":
            from reconciler.reports.findings import sarif as module  # type: ignore[no-redef]
        case "junit":
            from reconciler.reports.findings import junit as module  # type: ignore[no-redef]
        case "gitlab":
            from reconciler.reports.findings import gitlab as module  # type: ignore[no-redef]
        case _:
            raise KeyError(output)
    return module.render(findings, files)
