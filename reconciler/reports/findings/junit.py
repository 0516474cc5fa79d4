"""Findings as JUnit XML: a test suite a file, a failed case a finding, a passed case a file without one. Pure."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reconciler.kinds.printable import printable
from reconciler.model.address import WORKSPACE_FILE
from reconciler.model.diagnostic import Diagnostic, Severity


def render(findings: Sequence[Diagnostic], files: Sequence[str]) -> str:
    """Errors are failures; warnings and notes pass, with their text as output."""
    by_file: dict[str, list[Diagnostic]] = {f: [] for f in files}
    for d in findings:
        by_file.setdefault(d.span.path if d.span else WORKSPACE_FILE, []).append(d)
    failures = sum(d.severity is Severity.ERROR for d in findings)
    total = sum(max(1, len(found)) for found in by_file.values())
    root = Element(
        "testsuites", name="reconciler validate", tests=str(total), failures=str(failures), errors="0"
    )
    for path, found in by_file.items():
        _suite(root, _text(path), found)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, path: str, found: Sequence[Diagnostic]) -> None:
    failures = sum(d.severity is Severity.ERROR for d in found)
    suite = SubElement(
        root,
        "testsuite",
        name=path,
        tests=str(max(1, len(found))),
        failures=str(failures),
        errors="0",
        skipped="0",
    )
    if not found:
        SubElement(suite, "testcase", classname=path, name="valid", file=path)
    for d in found:
        place = f"{path}:{d.span.line}:{d.span.column}" if d.span else path
        name = f"{d.code} at {d.span.line}:{d.span.column}" if d.span else d.code
        case = SubElement(suite, "testcase", classname=path, name=name, file=path)
        words = "\n".join(x for x in (f"{place}: {d.message}", d.note, d.help and f"help: {d.help}") if x)
        if d.severity is Severity.ERROR:
            SubElement(case, "failure", type=d.code, message=_text(d.message)).text = _text(words)
        else:
            SubElement(case, "system-out").text = _text(f"{d.severity.value}: {words}")


def _text(text: str) -> str:
    """Without what XML 1.0 cannot carry, not even escaped, and without what moves a cursor or turns text where a file is shown."""
    return printable(text, "\N{REPLACEMENT CHARACTER}", kept="\n")
