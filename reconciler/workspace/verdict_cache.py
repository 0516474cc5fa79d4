"""The last verdict of `validate`, kept in the user's cache folder so that an unchanged workspace is not read again.

A verdict depends on the bytes of the workspace file and the specs, on where a few paths lead, on the environment and on
this tool's own code; nothing else. Files count as unchanged if names, sizes, inodes and times are. An edit within the
timestamp tick of the last look could hide there, so a verdict over files younger than that is confirmed by their
contents (as git does with its index). A folder that cannot be written costs the cache, never the verdict.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.errors import DiskFailed
from reconciler.model.address import Span
from reconciler.model.diagnostic import Diagnostic, Severity, has_errors
from reconciler.private_folder import replace_file
from reconciler.spec.find import SpecFile, content_of, find, spec_file, workspace_file
from reconciler.workspace.cache import TICK_NS, cache_folder, clock_of, code_digest, kept_file
from reconciler.workspace.path_state import look

CODE = ("kinds", "model", "spec", "workflows", "workspace")  # what decides a verdict


class Verdict(NamedTuple):
    """What `validate` found.

    Attributes:
        files: shown names of the spec files that were read.
    """

    diagnostics: tuple[Diagnostic, ...]
    files: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True if nothing stops."""
        return not has_errors(self.diagnostics)


class VerdictCache:
    """Where the verdict on one workspace in one environment is kept."""

    def __init__(self, root: Path, environ: Mapping[str, str], environment: str | None) -> None:
        self.root = root
        environment = environment or environ.get("RECONCILER_ENVIRONMENT")
        name = hashlib.sha256((environment or "").encode()).hexdigest()[:12]
        folder = cache_folder(root, environ)
        self.path = folder / f"validate-{name}.json" if folder else None
        self.stamp = -1

    def load(self) -> Verdict | None:
        """The last verdict, if it still holds."""
        if self.path is None:
            return None
        try:
            kept = json.loads(kept_file(self.path.parent, self.path.name))
            if kept["tool"] != code_digest(CODE) or any(
                look(self.root, p) != real for p, real in kept["looked"].items()
            ):
                return None
            found, bad = find(self.root, kept["folders"])
            files = [workspace_file(self.root), *found]
            if bad:
                return None
            if not (kept["settled"] and kept["stats"] == _stats(files)):
                self.begin()
                files = [spec_file(f.path, f.shown) for f in files]  # again: the look began just now
                if kept["contents"] != contents((f.shown, _digest(f)) for f in files):
                    return None
                self._write({**kept, "stats": _stats(files), "settled": self._settled(files)})
            return Verdict(tuple(_diagnostic(d) for d in kept["findings"]), tuple(f.shown for f in found))
        except (OSError, DiskFailed, ValueError, KeyError, TypeError):
            return None  # none yet, or not one of ours

    def begin(self) -> None:
        """Note when, by the file system's clock, a look at the files begins."""
        if self.path is not None:
            self.stamp = clock_of(self.path)

    def keep(
        self,
        verdict: Verdict,
        folders: Sequence[str],
        looked: Mapping[str, str | None],
        files: Sequence[SpecFile],
        digests: Sequence[bytes],
    ) -> None:
        """Keep a verdict.

        Args:
            verdict: on what was read since `begin`.
            folders: that hold all of the specs.
            looked: where other paths lead.
            files: the workspace file and the specs, as they were before they were read.
            digests: of the bytes that were read.
        """
        if self.stamp < 0:
            return
        kept = {
            "tool": code_digest(CODE),
            "folders": list(folders),
            "looked": dict(looked),
            "findings": [_plain(d) for d in verdict.diagnostics],
            "contents": contents(zip((f.shown for f in files), digests, strict=True)),
            "stats": _stats(files),
            "settled": self._settled(files),
        }
        with suppress(OSError, DiskFailed):
            self._write(kept)

    def _settled(self, files: Sequence[SpecFile]) -> bool:
        """True if no later edit can hide in the timestamp tick of an earlier one."""
        youngest = max(max(f.state.modified_ns, f.state.changed_ns) for f in files)
        return youngest < self.stamp - TICK_NS

    def _write(self, kept: dict[str, Any]) -> None:
        if self.path is not None:
            replace_file(self.path, json.dumps(kept).encode())


def contents(files: Iterable[tuple[str, bytes]]) -> str:
    """A digest over names and digests of files."""
    digest = hashlib.sha256()
    for shown, own in files:
        digest.update(f"{len(shown)} {shown} ".encode("utf-8", "surrogateescape") + own)
    return digest.hexdigest()


def _stats(files: Sequence[SpecFile]) -> str:
    lines = "\n".join(f"{f.shown}\0{f.state}" for f in files)
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def _digest(file: SpecFile) -> bytes:
    return hashlib.sha256(content_of(file)).digest()


def _plain(d: Diagnostic) -> list[Any]:
    def place(s: Span) -> list[Any]:
        return [s.path, s.line, s.column, s.length]

    secondary = [[place(s), label] for s, label in d.secondary]
    return [
        d.code,
        d.severity.value,
        d.message,
        d.span and place(d.span),
        secondary,
        d.help,
        d.note,
        d.address,
    ]


def _diagnostic(kept: Sequence[Any]) -> Diagnostic:
    code, severity, message, span, secondary, hint, note, address = kept
    return Diagnostic(
        code,
        Severity(severity),
        message,
        Span(*span) if span else None,
        tuple((Span(*s), label) for s, label in secondary),
        hint,
        note,
        address,
    )
