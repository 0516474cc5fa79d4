"""Changes of values in spec files, as changes of text: every byte that is not about them stays, comments, order and quotes included. Pure.

A comment that stood within what is replaced is moved onto a line of its own above it. What comes out is read again; a change
that did not have just its own effect, or that lost a comment, is not made (aliases, for example).
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from reconciler.spec.documents import Path, parse
from reconciler.spec.exported import flow, quoted, scalar

_COMMENT = re.compile(r"#[^\r\n]*")
_BLOCK_HEADER = re.compile(r"[|>][^\r\n#]*?[ \t](#[^\r\n]*)")
_GAP, _INDICATORS = re.compile(r"[ \t]*"), re.compile(r"[-+0-9]*[ \t]*")
_ANCHOR = re.compile(r"&[^\s,\[\]{}]+[ \t]+")


class _Loader(yaml.SafeLoader):
    """PyYAML's own scanner, whose marks count characters; it takes tabs between tokens, as libyaml does, and anchors given twice."""

    def scan_to_next_token(self) -> None:
        super().scan_to_next_token()
        while self.peek() == "\t":
            self._blank(_GAP)
            super().scan_to_next_token()

    def scan_block_scalar_indicators(self, start_mark: Any) -> Any:
        self._blank(_INDICATORS)
        return super().scan_block_scalar_indicators(start_mark)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if not self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            self.anchors.pop(event.anchor, None)  # the same name may be given again
        return super().compose_node(parent, index)

    def _blank(self, pattern: re.Pattern[str]) -> None:
        """Tabs of what comes next become blanks for the scanner; a text is wholly in its buffer."""
        found = pattern.match(self.buffer, self.pointer)
        if found and "\t" in found[0]:
            blank = found[0].replace("\t", " ")
            self.buffer = self.buffer[: found.start()] + blank + self.buffer[found.end() :]


@dataclass(frozen=True, slots=True)
class Edit:
    """One value of one document.

    Attributes:
        index: which document of the file, from 0.
        value: a text, a list of names, or a mapping; None removes the key.
    """

    index: int
    path: Path
    value: Any


@dataclass(frozen=True, slots=True)
class _Splice:
    start: int
    end: int
    text: str


class _NotEditable(Exception):
    """The place of an edit is not as it has to be."""


def edited(name: str, content: bytes, edits: Sequence[Edit]) -> tuple[bytes, list[Edit]]:
    """The file with as many of the edits made as can be, and those that cannot.

    Args:
        name: of the file, as shown to users.
        content: of the file; valid.
        edits: at different places.
    """
    try:
        made = _made(content, edits)
    except (_NotEditable, yaml.YAMLError):
        made = None
    if made is not None and _proved(name, content, made, edits):
        return made, []
    if len(edits) == 1:
        return content, list(edits)
    left: list[Edit] = []
    for edit in edits:
        content, refused = edited(name, content, [edit])
        left += refused
    return content, left


def comments(text: str) -> list[str]:
    """All comments of a YAML text, in order."""
    return [text[a:b].rstrip() for a, b in _comment_places(text)]


def _proved(name: str, before: bytes, after: bytes, edits: Sequence[Edit]) -> bool:
    """Whether the new text says what it should, and has every comment."""
    old, _ = parse(name, before)
    new, bad = parse(name, after)
    wanted = {d.index: d.data for d in old}
    for edit in edits:
        wanted[edit.index] = _with(wanted[edit.index], edit.path, edit.value)
    if bad or {d.index: d.data for d in new} != wanted:
        return False
    return Counter(comments(_text(before))) == Counter(comments(_text(after)))


def _with(data: Any, path: Path, value: Any) -> Any:
    """A copy of plain data, with another value at a path."""
    key, *rest = path
    if not rest:
        return {k: v for k, v in data.items() if k != key} if value is None else {**data, key: value}
    return {**data, key: _with(data[key], tuple(rest), value)}


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig")


def _made(content: bytes, edits: Sequence[Edit]) -> bytes:
    text, todo = _text(content), list(edits)
    while todo:
        nodes = list(yaml.compose_all(text, Loader=_Loader))
        places, taken, later = _comment_places(text), [], []
        free = len(text) + 1
        # From the end of the text to its beginning; what overlaps waits for the next round.
        planned = [(edit, list(_splices(text, nodes[edit.index], edit, places))) for edit in todo]
        for edit, splices in sorted(planned, key=lambda p: -max(s.end for s in p[1])):
            if max(s.end for s in splices) > free:
                later.append(edit)
                continue
            free = min(s.start for s in splices)
            taken += splices
        for splice in sorted(taken, key=lambda s: (s.start, s.end), reverse=True):
            text = text[: splice.start] + splice.text + text[splice.end :]
        todo = later
    mark = content[:3] if content.startswith(b"\xef\xbb\xbf") else b""
    return mark + text.encode()


def _splices(text: str, root: Any, edit: Edit, places: Sequence[tuple[int, int]]) -> Iterator[_Splice]:
    parent, key, value = _found(root, edit.path)
    if edit.value is None:
        yield from _removal(text, parent, key, value, places)
    elif isinstance(value, yaml.ScalarNode) and isinstance(edit.value, str) and value.style not in ("|", ">"):
        start = value.start_mark.index
        anchor = _ANCHOR.match(text, start)  # whoever uses it gets the new value, too, which is found out
        yield _Splice(anchor.end() if anchor else start, value.end_mark.index, _like(value, edit.value))
    elif isinstance(value, yaml.SequenceNode) and (changed := _items(text, value, edit.value, places)):
        yield from changed
    else:
        colon = text.index(":", key.end_mark.index) + 1
        yield from _replaced(text, _Splice(colon, _end(text, value), f" {flow(edit.value)}"), places)


def _found(root: Any, path: Path) -> tuple[Any, Any, Any]:
    """The mapping that holds a key, the key and its value."""
    parent, key, value = None, None, root
    for name in path:
        if not isinstance(value, yaml.MappingNode):
            raise _NotEditable
        parent = value
        key, value = next(((k, v) for k, v in value.value if k.value == name), (None, None))
        if key is None:
            raise _NotEditable
    return parent, key, value


def _like(node: Any, text: str) -> str:
    """A text, quoted as the one before it was."""
    if node.style == '"':
        return quoted(text)
    if node.style == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return scalar(text)


def _end(text: str, node: Any) -> int:
    """Where the text of a node ends: the mark of a block collection stands behind comments after it, that of a block scalar in the next line."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    end = int(node.end_mark.index)
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return len(text[:end].rstrip())
    return end


def _removal(
    text: str, parent: Any, key: Any, value: Any, places: Sequence[tuple[int, int]]
) -> Iterator[_Splice]:
    start, end = key.start_mark.index, _end(text, value)
    if parent.flow_style:
        pairs = parent.value
        at = next(i for i, (k, _) in enumerate(pairs) if k is key)
        if at + 1 < len(pairs):
            end = pairs[at + 1][0].start_mark.index
        elif at:
            start = _end(text, pairs[at - 1][1])
        yield from _replaced(text, _Splice(start, end, ""), places)
        return
    if text[_line(text, start) : start].strip():
        raise _NotEditable  # the key does not begin its line
    yield from _line_without(text, start, end, places)


def _line_without(text: str, start: int, end: int, places: Sequence[tuple[int, int]]) -> Iterator[_Splice]:
    """Whole lines without what they hold; a comment behind it stays, on a line of its own."""
    indent = text[_line(text, start) : start]
    stop = _line_end(text, end)
    rest = text[end:stop].strip()
    kept = [text[a:b] for a, b in places if start <= a < end] + ([rest] if rest else [])
    newline = _newline(text)
    after = stop + len(newline) if text.startswith(newline, stop) else stop
    yield _Splice(_line(text, start), after, "".join(f"{indent}{line}{newline}" for line in kept))


def _replaced(text: str, splice: _Splice, places: Sequence[tuple[int, int]]) -> Iterator[_Splice]:
    """One replacement; comments in it go above its first line."""
    inside = [text[a:b] for a, b in places if splice.start <= a < splice.end]
    if inside:
        start = _line(text, splice.start)
        head = text[start : splice.start]
        indent = head[: len(head) - len(head.lstrip())]
        yield _Splice(start, start, "".join(f"{indent}{line}{_newline(text)}" for line in inside))
    yield splice


def _items(text: str, node: Any, wanted: Any, places: Sequence[tuple[int, int]]) -> list[_Splice]:
    """Items removed from a list of names, and added at its end; nothing where that does not lead to the wanted list."""
    if not isinstance(wanted, list) or not all(isinstance(n, yaml.ScalarNode) for n in node.value):
        return []
    kept = [n for n in node.value if n.value in wanted]
    added = wanted[len(kept) :]
    if not kept or [n.value for n in kept] != wanted[: len(kept)]:
        return []
    going = [n for n in node.value if n not in kept]
    if node.flow_style:
        return _flow_items(node, going, kept[-1], added, text, places)
    dash = text.rindex("-", 0, kept[-1].start_mark.index)
    indent = text[_line(text, dash) : dash]
    if indent.strip() or any(
        text[_line(text, n.start_mark.index) : n.start_mark.index].strip() != "-" for n in going
    ):
        return []
    found: list[_Splice] = []
    for item in going:
        start = text.rindex("-", 0, item.start_mark.index)
        found += _line_without(text, start, _end(text, item), places)
    end = _line_end(text, _end(text, kept[-1]))
    new = "".join(f"{_newline(text)}{indent}- {scalar(name)}" for name in added)
    return [*found, *([_Splice(end, end, new)] if added else [])]


def _flow_items(
    node: Any,
    going: Sequence[Any],
    last: Any,
    added: Sequence[str],
    text: str,
    places: Sequence[tuple[int, int]],
) -> list[_Splice]:
    found: list[_Splice] = []
    for item in going:
        at = node.value.index(item)
        behind = at > node.value.index(last)
        start = node.value[at - 1].end_mark.index if behind else item.start_mark.index
        end = item.end_mark.index if behind else node.value[at + 1].start_mark.index
        if any(start <= a < end for a, _ in places):
            return []
        found.append(_Splice(start, end, ""))
    end = last.end_mark.index
    return [*found, *([_Splice(end, end, "".join(f", {scalar(n)}" for n in added))] if added else [])]


def _comment_places(text: str) -> list[tuple[int, int]]:
    """Where comments begin and end: what stands between tokens, and behind the head of a block scalar."""
    found: list[tuple[int, int]] = []
    before = 0
    for token in yaml.scan(text, Loader=_Loader):
        start, end = token.start_mark.index, token.end_mark.index
        if start > before:
            found += [m.span() for m in _COMMENT.finditer(text, before, start)]
        if isinstance(token, yaml.ScalarToken) and token.style in ("|", ">"):
            found += [m.span(1) for m in [_BLOCK_HEADER.match(text, start, _line_end(text, start))] if m]
        before = max(before, end)
    return found


def _line(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    found = re.compile(r"\r?\n|$(?![\s\S])").search(text, at)
    return found.start() if found else len(text)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
