"""One line of a source and the profile it is about -> what the platform would store. Reads only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import msgspec

from reconciler.api import resources
from reconciler.api.client import Reader
from reconciler.api.profiles import stored_profile
from reconciler.bulk.records.columns import listed
from reconciler.bulk.scan.check import checker
from reconciler.bulk.scan.row_numbers import Rows
from reconciler.bulk.scan.source_scans import Scans
from reconciler.bulk.sources.segments import segments
from reconciler.errors import ReconcilerError, UsageError
from reconciler.kinds.merge import Unpredictable, merged
from reconciler.kinds.nearest import nearest_path
from reconciler.model.desired import Desired, DesiredLoad
from reconciler.model.load import SUPERSEDED, Reject
from reconciler.model.preview import Preview
from reconciler.model.remote import Compartment
from reconciler.model.source import SourceDefinition
from reconciler.planning.config import matching
from reconciler.whole import whole


def compartment_ids(desired: Desired, reader: Reader, organisation_id: str) -> dict[str, str | None]:
    """Remote ids by compartment key; None where there is none yet.

    Raises:
        ReadFailed: they could not be listed.
    """
    rows = resources.compartments(reader, organisation_id).require("the compartments")
    ids: dict[str, str | None] = {}
    for want in desired.compartments.values():
        found = matching.compartment(want, rows, organisation_id, {})
        ids[want.key] = want.id or (found.id if isinstance(found, Compartment) else None)
    return ids


def default_compartment(reader: Reader, datamart_id: str) -> str | None:
    """The id of the compartment of profiles that name none; None where the datamart has none.

    Raises:
        ReadFailed: the activations could not be listed.
    """
    activations = resources.activations(reader, datamart_id).require("the activations")
    return next((a.compartment_id for a in activations.rows if a.default), None)


def resolved(source: SourceDefinition, ids: Mapping[str, str | None]) -> SourceDefinition:
    """A source with the remote ids of its compartments, as far as they are known."""
    return replace(source, compartments={k: ids.get(k) for k in source.compartments})


def previews(
    loads: Iterable[DesiredLoad], ids: Mapping[str, str | None], place: str, reader: Reader, scans: Scans
) -> list[Preview]:
    """Merge one line with what is stored, on each datamart to which it is sent.

    Args:
        loads: the source on its datamarts; each may have files of its own.
        ids: remote id by compartment key; None where it is still to be created.
        place: `LINE`, or `PATH:LINE` where the source has several files.
        reader: reads the profile.
        scans: reads the source.

    Raises:
        UsageError: the place is not one of a line.
        ReconcilerError: there is no such line, it is not sent, cannot be read, or does what is not public.
    """
    path, _, number = place.rpartition(":")
    wanted = whole(number)
    if wanted is None:
        raise UsageError(f"--line {place!r} is not N or FILE:N", help="N is the number of a line, such as 3")
    found: list[Preview] = []
    elsewhere: dict[str, None] = {}
    for load in loads:
        source = resolved(load.definition, ids)
        with scans.for_once(source) as readable:
            names = scans.names(readable)
            shown = Rows(names, readable).names[:-1]  # the last is no file
            if path and path not in shown:
                elsewhere |= dict.fromkeys(shown)
                continue
            file, data = _line(readable, names, shown, (path, wanted), scans)
            _require_last(readable, scans, file, wanted)
        found.append(_merged(load, file, wanted, data, reader))
    if not found and elsewhere:
        advice = (
            f"{near} Its files: " if (near := nearest_path(path, _beside(path, elsewhere))) else "its files: "
        )
        raise ReconcilerError(
            f"--line: the source has no file {path}", help=f"{advice}{listed(list(elsewhere))}"
        )
    return found


def _require_last(source: SourceDefinition, scans: Scans, path: str, line: int) -> None:
    """With `keep_last`, whether a row is sent depends on all that follow.

    Raises:
        ReconcilerError: a later row replaces this one.
    """
    if source.duplicates != "keep_last":
        return
    replaced = list[str]()

    def rejected(reject: Reject, _: object) -> None:
        if (reject.path, reject.line, reject.code) == (path, line, SUPERSEDED):
            replaced.append(reject.reason)

    scans.read(source, rejected)
    if replaced:
        raise ReconcilerError(
            f"{path}:{line} is not sent: {replaced[0]}",
            help="duplicates: keep_last sends the last of such rows",
        )


def _beside(path: str, files: Iterable[str]) -> list[str]:
    folder = path.rpartition("/")[0]
    return [f.rpartition("/")[2] for f in files if f.rpartition("/")[0] == folder]


def _merged(load: DesiredLoad, path: str, line: int, data: bytes, reader: Reader) -> Preview:
    command = msgspec.json.decode(data)
    stored = stored_profile(reader, load.datamart_id, command, default_compartment(reader, load.datamart_id))
    try:
        return Preview(str(load.address), path, line, command, stored, merged(stored, command))
    except Unpredictable as e:
        raise ReconcilerError(f"{path}:{line} cannot be previewed: {e}") from None


def _line(
    source: SourceDefinition,
    names: Sequence[str],
    shown: Sequence[str],
    place: tuple[str, int],
    scans: Scans,
) -> tuple[str, bytes]:
    """The command that a line of the source becomes, with its file: the first one where the place names none."""
    path, line = place
    wanted = shown.index(path) if path else 0
    rows, check = Rows(names, source), checker(source)
    first = last = 0  # lines of the file, from the first row to the last
    for segment in segments(scans.root, names, source):
        before, batch = rows.before(segment)[0], check(segment)
        rows.add(segment, batch)
        if segment.file == wanted:
            first, last = first or before + 1, before + batch.lines
        if segment.file != wanted or not before < line <= before + batch.lines:
            continue
        for rejected in batch.rejects:
            if before + rejected.line + 1 == line:
                raise ReconcilerError(f"{shown[wanted]}:{line} is not sent: {rejected.reason}")
        for text, at in zip(batch.bytes_of(segment).split(b"\n"), batch.places, strict=False):
            if before + at + 1 == line:
                return shown[wanted], text
        begun = [before + at + 1 for at in (*batch.places, *(r.line for r in batch.rejects))]
        start = max((at for at in begun if at < line), default=None)
        advice = f"the row that it belongs to begins at line {start}" if start else None
        raise ReconcilerError(f"no row begins at {shown[wanted]}:{line}", help=advice)
    others = [name for name in shown if name != shown[wanted]]
    advice = f"--line FILE:N names a line of another file: {listed(others)}" if others and not path else None
    where = f"its rows are in lines {first:,} to {last:,}" if first else None
    if 0 < line < first:
        raise ReconcilerError(f"{shown[wanted]}:{line} is the header, not a row", help=where)
    raise ReconcilerError(f"{shown[wanted]} has no line {line}", help=advice or where)
