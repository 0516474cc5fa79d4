"""YAML text -> documents in which every node knows its position. The only user of PyYAML.

Read strictly (design 3): the scalars of YAML 1.2 and no others, no duplicate keys, no custom tags, bounded depth, size
and alias expansion. Enters: bytes of one file. Leaves: documents and diagnostics. Never raises on bad input.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from reconciler.model.address import Span
from reconciler.model.diagnostic import Diagnostic, error

MAX_BYTES = 5_000_000
MAX_DEPTH = 50
MAX_NODES = 200_000

Path = tuple[str | int, ...]

_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_OCTAL_LOOKALIKE = re.compile(r"[-+]?0[0-9_]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INF = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CORE_TAGS = {f"tag:yaml.org,2002:{t}": t for t in ("str", "int", "float", "bool", "null", "map", "seq")}


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document.

    Attributes:
        data: plain dicts, lists and scalars.
        values: position of each node by path.
        keys: position of each mapping key by path.
    """

    path: str
    data: Any
    values: dict[Path, Span] = field(default_factory=dict)
    keys: dict[Path, Span] = field(default_factory=dict)

    def span(self, *path: str | int) -> Span:
        """The position of the value at `path`, or of its nearest existing parent."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, Span(self.path))

    def key_span(self, *path: str | int) -> Span:
        """The position of the key at `path`, or of the value, or of the nearest parent."""
        return self.keys.get(path) or self.span(*path)


class _Bad(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic


def parse(path: str, content: bytes) -> tuple[list[Document], list[Diagnostic]]:
    """Read all documents of one file; documents before a syntax error are still given."""
    if len(content) > MAX_BYTES:
        return [], [
            error(
                "yaml-too-large",
                f"the file has {len(content):,} bytes; specs may have {MAX_BYTES:,}",
                Span(path),
            )
        ]
    text, bad = _decode(path, content)
    if bad:
        return [], [bad]
    documents: list[Document] = []
    findings: list[Diagnostic] = []
    try:
        events = yaml.parse(
            text, Loader=yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
        )
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                composer = _Composer(path, events)
                data = composer.node(next(events), (), 0)
                findings += composer.findings
                documents.append(Document(path, data, composer.values, composer.keys))
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        span = Span(path, mark.line + 1, mark.column + 1) if mark else Span(path)
        what = " ".join(x for x in (e.context, e.problem) if x)
        findings.append(error("yaml-syntax", f"not valid YAML: {what}", span, help=_syntax_help(text, span)))
    except yaml.YAMLError as e:
        findings.append(error("yaml-syntax", f"not valid YAML: {str(e).splitlines()[0]}", Span(path)))
    except _Bad as e:
        findings.append(e.diagnostic)
    return [d for d in documents if d.data is not None], findings


def _decode(path: str, content: bytes) -> tuple[str, Diagnostic | None]:
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        return "", error("yaml-binary", "the file holds a NUL byte; it is not text", Span(path, line))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        before = content[: e.start]
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        span = Span(path, before.count(b"\n") + 1, column)
        return "", error(
            "yaml-encoding",
            f"byte 0x{content[e.start]:02x} is not UTF-8",
            span,
            help="save the file as UTF-8",
        )
    for n, line_text in enumerate(re.split("\r\n|\r|\n", text), 1):
        if not line_text.isprintable() and (
            m := re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]", line_text)
        ):
            span = Span(path, n, m.start() + 1)
            return "", error(
                "yaml-binary", f"control character U+{ord(m[0]):04X} is not allowed in YAML", span
            )
    return text, None


def _syntax_help(text: str, span: Span) -> str | None:
    lines = text.splitlines()
    if 0 < span.line <= len(lines) and "\t" in lines[span.line - 1]:
        return "YAML indents with spaces; this line holds a tab"
    return None


class _Composer:
    """Builds one document from parser events."""

    def __init__(self, path: str, events: Iterator[yaml.Event]) -> None:
        self.path = path
        self.events = events
        self.values: dict[Path, Span] = {}
        self.keys: dict[Path, Span] = {}
        self.findings: list[Diagnostic] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.open_anchors: set[str] = set()
        self.nodes = 0

    def node(self, event: yaml.Event, path: Path, depth: int) -> Any:
        span = self._span(event)
        self.values[path] = span
        self._count(1, span)
        if depth > MAX_DEPTH:
            raise _Bad(error("yaml-too-deep", f"nested more than {MAX_DEPTH} levels deep", span))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), span)
        before = self.nodes
        anchor = getattr(event, "anchor", None)
        if anchor:
            self.open_anchors.add(anchor)
        value = self._value(event, path, depth, span)
        if anchor:
            self.open_anchors.discard(anchor)
            self.anchors[anchor] = (value, self.nodes - before + 1)
        return value

    def _value(self, event: Any, path: Path, depth: int, span: Span) -> Any:
        tag = _CORE_TAGS.get(event.tag) if event.tag not in (None, "!") else None
        if event.tag not in (None, "!") and tag is None:
            raise _Bad(
                error("yaml-tag", f"custom tag {event.tag!r} is not allowed", span, help="remove the tag")
            )
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path, depth)
        return self._scalar(event, tag, span)

    def _mapping(self, path: Path, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            span = self._span(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise _Bad(error("yaml-key", "a mapping key must be a plain word", span))
            key = event.value
            if key in result:
                first = self.keys[(*path, key)]
                self.findings.append(
                    error(
                        "yaml-duplicate-key",
                        f"the key '{key}' stands twice in one mapping",
                        span,
                        secondary=((first, "first here"),),
                        help="remove one of the two",
                    )
                )
            else:
                self.keys[(*path, key)] = span
            value = self.node(next(self.events), (*path, key), depth + 1)
            result[key] = value
        return result

    def _sequence(self, path: Path, depth: int) -> list[Any]:
        result: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            result.append(self.node(event, (*path, len(result)), depth + 1))
        return result

    def _alias(self, anchor: str, span: Span) -> Any:
        if anchor in self.open_anchors:
            raise _Bad(error("yaml-alias", f"the alias '*{anchor}' contains itself", span))
        if anchor not in self.anchors:
            raise _Bad(error("yaml-alias", f"the alias '*{anchor}' has no anchor before it", span))
        value, size = self.anchors[anchor]
        self._count(size, span)
        return value

    def _scalar(self, event: yaml.ScalarEvent, tag: str | None, span: Span) -> Any:
        text = event.value
        if (
            tag == "str" or event.tag == "!" or event.style not in (None, "")
        ):  # the C parser says "" for plain
            return text
        if _OCTAL_LOOKALIKE.fullmatch(text):
            self.findings.append(
                error(
                    "yaml-octal",
                    f"'{text}' is not a number of YAML 1.2 (leading zero)",
                    span,
                    help=f'write "{text}" for a string, or drop the zero for a number',
                )
            )
            return text
        return core_scalar(text)

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        length = end.column - start.column if end.line == start.line else 1
        return Span(self.path, start.line + 1, start.column + 1, max(1, length))

    def _count(self, nodes: int, span: Span) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise _Bad(
                error("yaml-too-many", f"more than {MAX_NODES:,} nodes once aliases are expanded", span)
            )


def core_scalar(text: str) -> Any:
    """Resolve a plain scalar by the core schema of YAML 1.2 (`no` is a string)."""
    if _NULL.fullmatch(text):
        return None
    if _BOOL.fullmatch(text):
        return text.lower() == "true"
    if _INT.fullmatch(text) and len(text) < 40:
        return int(text)
    if _BASED.fullmatch(text) and len(text) < 40:
        return int(text, 0)
    if _INF.fullmatch(text):
        return float(text.lower().replace(".", ""))
    if _FLOAT.fullmatch(text) and len(text) < 400:
        return float(text)
    return text
