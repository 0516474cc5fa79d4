"""What reading a source shows, as text that fits 80 columns. Pure; no contents of lines come here."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.model.load import Reject, Scan
from reconciler.reports.style import Style, many, safe, size

_FILES = 5


def render(
    addresses: Sequence[str],
    scan: Scan,
    examples: Mapping[str, Sequence[Reject]],
    max_bytes: int,
    style: Style,
) -> str:
    """Counts, volume, chunks, and the reasons for which lines were rejected, the commonest first.

    Args:
        addresses: loads of the source.
        scan: what reading it gave.
        examples: a few rejected rows by code.
        max_bytes: of a chunk.
        style: how to mark text.
    """
    chunks = len(scan.chunks)
    shown = [
        *scan.files[:_FILES],
        *([f"and {len(scan.files) - _FILES:,} more"] if len(scan.files) > _FILES else []),
    ]
    lines = [
        *(style.bold(a) for a in addresses),
        f"  read    {scan.lines:,} rows = {scan.sent:,} to send + {scan.rejected:,} rejected",
        *_other_lines(scan),
        f"  send    {scan.upserts:,} upserts, {scan.deletes:,} deletes",
        f"  volume  about {size(scan.bytes)} in {many(chunks, 'chunk')} of at most {size(max_bytes)}",
        f"  replay  {'safe: a failed chunk is sent again by apply' if scan.replay_safe else 'not safe: a failed chunk is sent again only with --resend'}",
        *(f"  {'from' if n == 0 else '    '}    {safe(file)}" for n, file in enumerate(shown)),
    ]
    if scan.rejected:
        lines += ["", "  Rejected rows by reason:"]
        for code, count in sorted(scan.reasons.items(), key=lambda item: (-item[1], item[0])):
            lines.append(f"  {count:>9,}  {style.red(code)}")
            lines += [
                f"             {safe(r.path)}:{r.line}: {safe(r.reason)}" for r in examples.get(code, ())
            ]
    return "\n".join(lines) + "\n"


def _other_lines(scan: Scan) -> list[str]:
    """Lines of the files that are no rows, where there are any."""
    counts = (
        (scan.headers, "of headers"),
        (scan.continued, "more of rows of several lines"),
        (scan.blank, "blank at the ends of files"),
    )
    shown = [f"{count:,} {what}" for count, what in counts if count]
    return [f"  {'lines' if n == 0 else '     '}   {text}" for n, text in enumerate(shown)]


def plain(addresses: Sequence[str], scan: Scan, examples: Mapping[str, Sequence[Reject]]) -> dict[str, Any]:
    """The same as data."""
    return {
        "addresses": list(addresses),
        "files": list(scan.files),
        "lines": scan.lines,
        "sent": scan.sent,
        "rejected": scan.rejected,
        "headers": scan.headers,
        "continued": scan.continued,
        "blank": scan.blank,
        "upserts": scan.upserts,
        "deletes": scan.deletes,
        "bytes": scan.bytes,
        "chunks": len(scan.chunks),
        "replay_safe": scan.replay_safe,
        "reasons": {
            code: {
                "count": count,
                "examples": [
                    {"path": r.path, "line": r.line, "reason": r.reason} for r in examples.get(code, ())
                ],
            }
            for code, count in scan.reasons.items()
        },
    }
