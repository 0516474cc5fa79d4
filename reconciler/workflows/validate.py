"""Offline: every finding in a workspace, in one environment or in all of them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.errors import SpecError
from reconciler.model.diagnostic import Diagnostic
from reconciler.settings import Settings, resolve
from reconciler.spec.files import read_all, read_workspace
from reconciler.spec.find import SpecFile, find_named, workspace_file
from reconciler.spec.severities import ruled
from reconciler.workflows.check import Checked, Loaded, check_environment, load
from reconciler.workspace.disk_rules import Disk
from reconciler.workspace.verdict_cache import Verdict, VerdictCache


def validate(
    root: Path, flags: Mapping[str, Any], environ: Mapping[str, str], paths: Sequence[Path] = ()
) -> Verdict:
    """All findings; with paths, those about them.

    Without a chosen environment, every one that reconciler.yaml declares is checked, and the workspace without one.

    Args:
        root: the folder with reconciler.yaml.
        flags: given flags.
        environ: process environment.
        paths: files and folders to tell about; all are read, since a finding may lie between two of them.

    Raises:
        ReconcilerError: there is no workspace file, or no such environment.
    """
    cache = VerdictCache(root, environ, flags.get("environment"))
    cache.begin()
    head = workspace_file(root)
    try:
        workspace = read_workspace(root)
    except SpecError as e:
        return Verdict(e.diagnostics, ())
    settings = resolve(flags, environ, workspace.data, any_environment=True)
    named, missing = find_named(root, paths)
    disk = Disk(root)
    loaded: dict[tuple[str, ...], Loaded] = {}
    checked: list[Checked] = []
    for one in _environments(settings, flags, environ, workspace.data):
        if one.specs not in loaded:
            loaded[one.specs] = load(root, one, workspace, named)
        checked.append(check_environment(loaded[one.specs], one, disk))
    read = {f: digest for each in loaded.values() for f, digest in zip(each.files, each.digests, strict=True)}
    verdict = Verdict(tuple(_together(checked)), tuple(f.shown for f in read))
    if paths:
        return about(verdict, named, missing)
    if not disk.opened:
        folders = list(dict.fromkeys(f for specs in loaded for f in specs))
        own = hashlib.sha256(workspace.file.content).digest()
        cache.keep(verdict, folders, disk.looked, [head, *read], [own, *read.values()])
    return verdict


def validate_each(
    root: Path, flags: Mapping[str, Any], environ: Mapping[str, str], paths: Sequence[Path]
) -> Verdict:
    """Each file by itself: syntax, schema, and rules within one document; no other file is read.

    Args:
        root: the workspace.
        flags: settings by flag.
        environ: environment variables.
        paths: files or folders.

    Raises:
        ReconcilerError: there is no workspace file.
    """
    try:
        settings = resolve(flags, environ, read_workspace(root).data, any_environment=True)
    except SpecError as e:
        return Verdict(e.diagnostics, ())
    files, findings = find_named(root, paths)
    for read in read_all(files):
        findings += read.findings
    if settings.allow_outside_paths:
        findings = [d for d in findings if d.code != "unsafe-path"]
    kept = sorted(ruled(findings, settings.rules), key=Diagnostic.order)
    return Verdict(tuple(kept), tuple(f.shown for f in files))


def about(verdict: Verdict, named: Sequence[SpecFile], refused: Sequence[Diagnostic] = ()) -> Verdict:
    """The part of a verdict that is about some files, with what was found while they were looked for."""
    wanted = {f.shown for f in named}
    kept = [
        d
        for d in verdict.diagnostics
        if not wanted.isdisjoint([d.span.path if d.span else "", *(s.path for s, _ in d.secondary)])
    ]
    return Verdict(tuple(dict.fromkeys((*refused, *kept))), tuple(wanted))


def _environments(
    settings: Settings, flags: Mapping[str, Any], environ: Mapping[str, str], workspace: Mapping[str, Any]
) -> list[Settings]:
    declared = workspace["spec"].get("environments", {})
    if settings.environment is not None or not declared:
        return [settings]
    return [settings, *(resolve({**flags, "environment": e}, environ, workspace) for e in declared)]


def _together(checked: Iterable[Checked]) -> list[Diagnostic]:
    """Findings of all environments; what is not found in each says where it is."""
    every = list(checked)
    where: dict[Diagnostic, list[str | None]] = {}
    for one in every:
        for d in one.diagnostics:
            where.setdefault(d, []).append(one.settings.environment)
    return sorted(
        (d if len(places) == len(every) else _placed(d, places) for d, places in where.items()),
        key=Diagnostic.order,
    )


def _placed(d: Diagnostic, places: Sequence[str | None]) -> Diagnostic:
    words = "in " + " and ".join(
        f"the environment '{p}'" if p else "the workspace without environment" for p in places
    )
    return replace(d, note=f"{words}; {d.note}" if d.note else words)
