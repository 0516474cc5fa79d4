"""YAML text -> documents whose nodes know their position. The only user of PyYAML.

Read strictly (design 3): the scalars of YAML 1.2 and no others, no duplicate keys, no custom tags, bounded depth, size
and alias expansion. Enters: bytes of one file. Leaves: documents and diagnostics. Never raises on bad input.

Positions are for findings, and most files have none: a file is composed without them first, and again with them for the
first question about a position (two thirds of the time are saved on ten thousand good files).
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from math import isfinite
from sys import intern
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from reconciler.model.address import Span
from reconciler.model.diagnostic import Diagnostic, error
from reconciler.spec.find import MAX_BYTES
from reconciler.spec.yaml_advice import Stop, mistake

MAX_DEPTH = 50
MAX_NODES = 200_000
MAX_DOCUMENTS = 10_000
MAX_FINDINGS = 100
MAX_SHOWN = 100
_MAX_NUMBER = 400

Path = tuple[str | int, ...]

# The core schema of YAML 1.2. The patterns are compiled when a scalar first needs them: most files have few numbers.
_NULL = frozenset(["", "~", "null", "Null", "NULL"])
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = r"[-+]?(0|[1-9][0-9]*)"
_OCTAL_LOOKALIKE = r"[-+]?0[0-9_]+"
_BASED = r"0o[0-7]+|0x[0-9a-fA-F]+"
_FLOAT = r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
_INF = r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
# An empty plain scalar is null; what begins otherwise may be null, a boolean or a number.
_NOT_PLAIN_TEXT = frozenset(["", *"~nNtTfF0123456789+-."])
# Control characters, and the line breaks of YAML 1.1 that 1.2 dropped: no editor counts them as lines.
_FORBIDDEN = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
_FORBIDDEN_ASCII = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"  # the same of ASCII, compiled in a tenth of the time
_BREAK = "\r\n|\r|\n"
_CORE_TAGS = {f"tag:yaml.org,2002:{t}": t for t in ("str", "int", "float", "bool", "null", "map", "seq")}
_BEGINNING = ("apiVersion", "kind", "metadata", "spec")  # fields of a document
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Positions:
    """Where the nodes of one document are: of values by path, of mapping keys by path."""

    __slots__ = ("keys", "values")

    def __init__(self) -> None:
        self.values: dict[Path, Span] = {}
        self.keys: dict[Path, Span] = {}


class File:
    """The bytes of one file, and the positions in all of its documents, found together when one is asked for."""

    __slots__ = ("_positions", "content", "path")

    def __init__(self, path: str, content: bytes) -> None:
        self.path, self.content = path, content
        self._positions: list[Positions] = []

    def positions(self, index: int) -> Positions:
        """Those of one document; of none, for a document beyond the first error."""
        if not self._positions:
            composer = _Composer(self.path, with_positions=True)
            _compose(self, composer)
            self._positions = composer.positions
        return self._positions[index]


class Document:
    """One YAML document.

    Attributes:
        file: the file it is in.
        data: plain dicts, lists and scalars.
        index: which document of the file this is, from 0.
    """

    __slots__ = ("data", "file", "index")

    def __init__(self, file: File, data: Any, index: int) -> None:
        self.file, self.data, self.index = file, data, index

    @property
    def path(self) -> str:
        """The file, as shown to users."""
        return self.file.path

    def positions(self) -> Positions:
        """Where its nodes are."""
        return self.file.positions(self.index)

    def span(self, *path: str | int) -> Span:
        """The position of the value at `path`, or of its nearest existing parent."""
        values = self.positions().values
        while path and path not in values:
            path = path[:-1]
        return values.get(path, Span(self.path))

    def written(self, *path: str | int) -> str:
        """The text of the scalar at `path` as it stands in the file, such as `12.10` of a number."""
        span = self.span(*path)
        return self.line(*path)[span.column - 1 : span.column - 1 + span.length]

    def line(self, *path: str | int) -> str:
        """The line of the file with the value at `path`."""
        lines = re.split(_BREAK, _decode(self.path, self.file.content)[0])
        return lines[min(self.span(*path).line, len(lines)) - 1]

    def key_span(self, *path: str | int) -> Span:
        """The position of the key at `path`, or of the value, or of the nearest parent."""
        return self.positions().keys.get(path) or self.span(*path)


class _Bad(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic


def parse(path: str, content: bytes) -> tuple[list[Document], list[Diagnostic]]:
    """Read all documents of one file; documents before a syntax error are still given."""
    file = File(path, content)
    composer = _Composer(path, with_positions=False)
    documents = _compose(file, composer)
    if composer.duplicates:  # to say where the first one is, its position is needed
        composer = _Composer(path, with_positions=True)
        documents = _compose(file, composer)
    return documents, composer.findings


def _compose(file: File, composer: "_Composer") -> list[Document]:
    path, content = file.path, file.content
    if len(content) > MAX_BYTES:
        words = f"the file has more than {MAX_BYTES:,} bytes"
        hint = "split the file, or move data out of the specs"
        composer.findings.append(error("yaml-too-large", words, Span(path), help=hint))
        return []
    text, bad = _decode(path, content)
    if bad:
        composer.findings.append(bad)
        return []
    documents: list[Document] = []
    loader = _Loader(text)
    try:
        while type(event := loader.get_event()) is not StreamEndEvent:
            if type(event) is DocumentStartEvent:
                index = composer.begin(event, loader.get_event)
                data = composer.node(loader.get_event(), (), 0)
                if data is not None:
                    documents.append(Document(file, data, index))
    except yaml.MarkedYAMLError as e:
        composer.findings.append(_syntax(path, text, e))
    except yaml.YAMLError as e:
        composer.findings.append(error("yaml-syntax", f"not valid YAML: {_first_line(e)}", Span(path)))
    except _Bad as e:
        composer.findings.append(e.diagnostic)
    finally:
        loader.dispose()
    return documents


def _first_line(e: Exception) -> str:
    return next(iter(str(e).splitlines()), type(e).__name__)


def _decode(path: str, content: bytes) -> tuple[str, Diagnostic | None]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        before = content[: e.start]
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        span = Span(path, before.count(b"\n") + 1, column)
        wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        words = "the file is UTF-16" if wide else f"byte 0x{content[e.start]:02x} is not UTF-8"
        return "", error("yaml-encoding", words, span, help="save the file as UTF-8")
    if not (m := re.search(_FORBIDDEN_ASCII if text.isascii() else _FORBIDDEN, text)):
        return text, None
    if "\0" in text:
        line = len(re.split(_BREAK, text[: text.index("\0")]))
        words, hint = "the file holds a NUL byte; it is not text", "save the file as text in UTF-8"
        return "", error("yaml-binary", words, Span(path, line), help=hint)
    lines = re.split(_BREAK, text[: m.start()])
    span = Span(path, len(lines), len(lines[-1]) + 1)
    hint = f'remove it, or write it as "\\u{ord(m[0]):04X}" in double quotes'
    return "", error("yaml-binary", f"the character U+{ord(m[0]):04X} is not allowed", span, help=hint)


def _syntax(path: str, text: str, e: Any) -> Diagnostic:
    what = " ".join(x for x in (e.context, e.problem) if x)
    mark, context = e.problem_mark or e.context_mark, e.context_mark
    if mark is None:
        return error("yaml-syntax", f"not valid YAML: {what}", Span(path))
    begin = (context.line + 1, context.column + 1) if context else None
    found = mistake(re.split(_BREAK, text), Stop(mark.line + 1, mark.column + 1, begin, what))
    span = Span(path, found.line, found.column, found.length)
    return error("yaml-syntax", f"not valid YAML: {what}", span, help=found.help)


class _Composer:
    """Builds the documents of one file from parser events."""

    def __init__(self, path: str, *, with_positions: bool) -> None:
        self.path, self.with_positions = path, with_positions
        self.findings: list[Diagnostic] = []
        self.duplicates = False
        self.positions: list[Positions] = []
        self.here: Positions | None = None
        self.nodes = 0
        self.index = -1
        self.get: Callable[[], Any] = lambda: None
        self.end: Any = None
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.open_anchors: set[str] = set()

    def begin(self, event: Any, get: Callable[[], Any]) -> int:
        """A new document: anchors do not reach over; limits do."""
        self.get = get
        self.index += 1
        if self.index >= MAX_DOCUMENTS:
            raise self._bad("yaml-too-many", f"more than {MAX_DOCUMENTS:,} documents in one file", event)
        if self.with_positions:
            self.here = Positions()
            self.positions.append(self.here)
        self.anchors, self.open_anchors = {}, set()
        return self.index

    def node(self, event: Any, path: Path, depth: int) -> Any:
        if self.here is not None:
            self.here.values[path] = self._span(event)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._bad("yaml-too-many", f"more than {MAX_NODES:,} nodes in one file", event)
        kind = type(event)
        if kind is AliasEvent:
            return self._alias(event)
        if event.anchor is not None:
            return self._anchored(event, path, depth)
        if kind is ScalarEvent and event.tag is None and event.value[:1] not in _NOT_PLAIN_TEXT:
            return event.value  # plain or not, a text that begins like this is a text
        return self._value(event, kind, path, depth)

    def _value(self, event: Any, kind: type, path: Path, depth: int) -> Any:
        if kind is ScalarEvent:
            if event.tag is None and not event.style:  # the C parser says "" for plain
                return self._plain(event, event.value)
            return self._tagged(event)
        if event.tag is not None:
            self._check_tag(event)
        if depth >= MAX_DEPTH:
            raise self._bad("yaml-too-deep", f"nested more than {MAX_DEPTH} levels deep", event)
        found: Any = self._mapping(path, depth) if kind is MappingStartEvent else self._sequence(path, depth)
        if self.here is not None and self.end.end_mark.line == event.start_mark.line:
            length = self.end.end_mark.column - event.start_mark.column
            self.here.values[path] = replace(self.here.values[path], length=max(1, length))
        return found

    def _mapping(self, path: Path, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        get, here = self.get, self.here
        while type(event := get()) is not MappingEndEvent:
            if type(event) is not ScalarEvent:
                raise self._bad(
                    "yaml-key",
                    "a mapping key must be a plain word",
                    event,
                    help="specs have no templates such as {{ name }}: write the value, quoted where it begins with a brace",
                )
            key = intern(event.value)  # the same few words in thousands of documents
            if event.tag is not None:
                self._check_tag(event)
            if key in result:
                self._duplicate(key, path, event)
            elif here is not None:
                here.keys[(*path, key)] = self._span(event)
            inner = path if here is None else (*path, key)
            result[key] = self.node(get(), inner, depth + 1)
        self.end = event
        return result

    def _sequence(self, path: Path, depth: int) -> list[Any]:
        result: list[Any] = []
        get, here = self.get, self.here
        while type(event := get()) is not SequenceEndEvent:
            result.append(self.node(event, path if here is None else (*path, len(result)), depth + 1))
        self.end = event
        return result

    def _duplicate(self, key: str, path: Path, event: Any) -> None:
        self.duplicates = True
        first = self.here.keys[(*path, key)] if self.here is not None else Span(self.path)
        self._found(
            "yaml-duplicate-key",
            f"the key '{key[:MAX_SHOWN]}' occurs twice in one mapping",
            event,
            secondary=((first, "first here"),),
            help="put a line of --- between two documents, or remove one of the two"
            if not path and key in _BEGINNING
            else "remove one of the two",
        )

    def _anchored(self, event: Any, path: Path, depth: int) -> Any:
        anchor, before = event.anchor, self.nodes
        self.open_anchors.add(anchor)
        value = self._value(event, type(event), path, depth)
        self.open_anchors.discard(anchor)
        self.anchors[anchor] = (value, self.nodes - before + 1)
        return value

    def _alias(self, event: Any) -> Any:
        anchor = event.anchor
        if anchor in self.open_anchors:
            raise self._bad("yaml-alias", "the alias contains itself", event)
        if anchor not in self.anchors:
            # Its name is not shown: the file may be no spec, and hold a secret.
            hint = 'put quotes around text that begins with *, such as "*.csv"; or write & and the name before the value that is meant'
            raise self._bad("yaml-alias", "the alias has no anchor before it", event, help=hint)
        value, size = self.anchors[anchor]
        self.nodes += size
        if self.nodes > MAX_NODES:
            words = f"more than {MAX_NODES:,} nodes once aliases are expanded"
            raise self._bad("yaml-too-many", words, event)
        return value

    def _tagged(self, event: Any) -> Any:
        tag = self._check_tag(event)
        # Quoted, block and explicitly tagged scalars are strings; other core tags resolve a plain one.
        if tag == "str" or event.tag == "!" or event.style:
            return event.value
        return self._plain(event, event.value)

    def _check_tag(self, event: Any) -> str | None:
        tag = _CORE_TAGS.get(event.tag)
        if event.tag not in (None, "!") and tag is None:
            raise self._bad("yaml-tag", "a custom tag is not allowed", event, help="remove the tag")
        return tag

    def _plain(self, event: Any, text: str) -> Any:
        value = core_scalar(text)
        shown = text[:MAX_SHOWN]
        if isinstance(value, str) and re.fullmatch(_OCTAL_LOOKALIKE, text):
            words = f"'{shown}' is not a number of YAML 1.2 (leading zero)"
            hint = f'write "{shown}" for a string, or remove the zero for a number'
            self._found("yaml-octal", words, event, help=hint)
        elif isinstance(value, float) and not isfinite(value):
            words = f"'{shown}' is not a number that JSON can represent"
            self._found("yaml-not-finite", words, event, help=f'write "{shown}" for a string')
            return text  # as a text it can be looked at further
        return value

    def _found(self, code: str, message: str, event: Any, **rest: Any) -> None:
        self.findings.append(error(code, message, self._span(event), **rest))
        if len(self.findings) >= MAX_FINDINGS:
            words = f"{MAX_FINDINGS} findings in one file; the rest of the file was not read"
            raise self._bad("yaml-too-many", words, event)

    def _bad(self, code: str, message: str, event: Any, **rest: Any) -> _Bad:
        return _Bad(error(code, message, self._span(event), **rest))

    def _span(self, event: Any) -> Span:
        start, end = event.start_mark, event.end_mark
        length = end.column - start.column if end.line == start.line else 1
        return Span(self.path, start.line + 1, start.column + 1, max(1, length))


@lru_cache(maxsize=4096)
def core_scalar(text: str) -> Any:
    """Resolve a plain scalar by the core schema of YAML 1.2 (`no` is a string)."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if len(text) > _MAX_NUMBER or text[0].isalpha():
        return text
    if re.fullmatch(_INT, text):
        return int(text)
    if re.fullmatch(_OCTAL_LOOKALIKE, text):
        return text
    if re.fullmatch(_BASED, text):
        return int(text, 0)
    if re.fullmatch(_INF, text):
        return float(text.lower().replace(".", ""))
    if re.fullmatch(_FLOAT, text):
        return float(text)
    return text
