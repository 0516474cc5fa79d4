"""Names as a hostile user of the platform, or of a branch, could make them; and a search for any that came out as more than text."""

import json
import random
import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html.parser import HTMLParser

from markdown_it import MarkdownIt

MARK = "kqzname"
_MOVING = [
    chr(n)
    for n in (
        *range(1, 32),
        *range(127, 160),
        0x61C,
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
    )
]
_PIECES = (
    "\x1b[2J", "\x1b[31m", "\x1b]0;gone\x07", "\x9b31m", "\x1b[1m", "\x1b[0m",
    "\n::error::{}", "\r::set-env name={}::y", "##[error]{}", "\n##vso[task.{}]", "%0A::warning::{}", "\n\n# {}", "\n- {}", "\n```\n{}",
    "<script>{}</script>", "<img src=x onerror={}>", "</td></table><b>{}</b>", "\"><a href='javascript:{}'>", "' onload='{}", "<!-- {}", "&lt;{}&gt;",
    "[{}](https://evil.example/{})", "![{}](https://evil.example/x.png)", "https://evil.example/{}", "www.evil.example/{}", "<https://evil.example/{}>",
    "| {} |", "\\| {}", "`{}`", "``{}", "**{}**", "~~{}~~", "@{}", "#1 {}", "]]>{}", "$({})", "{{{{ {} }}}}", "{{% {} %}}", "',\"{}", "\\u001b[31m{}", "\\x1b{}",
    "\u202e{}\u202c", "\u2066{}", "\ud7ff{}", "\U000e0041{}",
)  # fmt: skip
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_ORDER = re.compile(
    r"^[^\S\n]*::(?!:)(?!(?:error|warning|notice) (?:file|title)=)|##\[|##vso\[", re.MULTILINE
)
_OURS = re.compile(r"</?(?:br|details|summary|sub)\b[^<>]*>|<!-- reconciler[^<>]*-->")


def names(seed: int, count: int) -> list[str]:
    """So many names, always the same for a seed; every piece is in one of them, and some are very long."""
    dice = random.Random(seed)
    pieces = [*_PIECES, *(f"{c}{{}}" for c in _MOVING)]
    dice.shuffle(pieces)
    found = []
    for n in range(count):
        own = pieces[n::count] + dice.sample(pieces, 2)
        found.append("".join(p.format(*[f"{MARK}{n}"] * p.count("{}")) for p in own) * (200 if n == 7 else 1))
    return found


def more_than_text(text: str, form: str) -> Iterator[str]:
    """Where a name is more than text in what a command wrote.

    Args:
        text: as written.
        form: `text`, `json`, `lines` (of JSON), `markdown`, `html`, `xml`, `github`, or a `file` that nothing shows.
    """
    if found := RAW.search(text):
        yield f"raw {unicodedata.name(found[0], hex(ord(found[0])))}: {_around(text, found)}"
    if form != "file" and (found := _ORDER.search(text)):
        yield f"an order: {_around(text, found)}"
    match form:
        case "json":
            json.loads(text)
        case "lines":
            for line in text.splitlines():
                json.loads(line)
        case "xml":
            ET.fromstring(text)
        case "html":
            page = _Page()
            page.feed(text)
            yield from page.odd
        case "markdown":
            yield from _markdown(text)


def _around(text: str, found: "re.Match[str]") -> str:
    return json.dumps(text[max(0, found.start() - 40) : found.end() + 40])


class _Page(HTMLParser):
    """Tags and attributes that a name made."""

    def __init__(self) -> None:
        super().__init__()
        self.odd: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in (
            "script",
            "img",
            "iframe",
            "object",
            "embed",
            "base",
            "meta" if MARK in str(attrs) else "iframe",
        ) or tag.startswith(MARK):
            self.odd.append(f"<{tag} {attrs}>"[:200])
        for name, value in attrs:
            harmless = name in ("title", "aria-label", "id", "alt", "value") or name.startswith("data-")
            if MARK in name or name.startswith("on") or (MARK in (value or "") and not harmless):
                self.odd.append(f"<{tag} {name}={value!r}>"[:200])

    def handle_comment(self, data: str) -> None:
        if MARK in data:
            self.odd.append(f"<!--{data[:200]}")


_READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def _markdown(text: str) -> Iterator[str]:
    """Links, pictures, tags, headings, emphasis, mentions and bare addresses that a name made."""
    inside: list[str] = []
    for token in _READER.parse(text):
        if token.type.endswith("_open"):
            inside.append(token.tag)
        elif token.type.endswith("_close"):
            inside.pop()
        if token.type in ("fence", "code_block") and MARK in token.content:
            yield f"{token.type}: {token.content[:200]!r}"
        if token.type == "html_block" and "<" in _OURS.sub("", token.content):
            yield f"tags: {token.content[:200]!r}"
        if token.type == "inline" and MARK in token.content:
            if {"h1", "h2"} & set(inside) and token.content.lstrip().startswith(MARK):
                yield f"a heading: {token.content[:200]!r}"
            for part in token.children or ():
                tag = part.type == "html_inline" and not _OURS.fullmatch(part.content)
                if tag or part.type in ("link_open", "image", "s_open"):
                    yield f"{part.type}: {part.attrs} {part.content[:200]!r} in {token.content[:200]!r}"
                if part.type == "text" and (
                    found := re.search(rf"@{MARK}|https?://evil|www\.evil", part.content)
                ):
                    yield f"a bare {found[0]!r} in {token.content[:200]!r}"
