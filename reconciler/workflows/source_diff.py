"""Some identities of a source and their stored profiles -> what the load would change. Reads only."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

import msgspec

from reconciler.api.client import Reader
from reconciler.api.profiles import stored_profile
from reconciler.bulk.scan.sample import MOST, Identity, Sample, Sampled
from reconciler.bulk.scan.source_scans import Scans
from reconciler.kinds.merge import Unpredictable, merged
from reconciler.model.desired import DesiredLoad
from reconciler.model.preview import Preview
from reconciler.model.profile import owner
from reconciler.model.source import SourceDefinition
from reconciler.model.source_diff import SourceDiff, Unpredicted
from reconciler.workflows.preview import default_compartment, resolved


def differences(
    loads: Sequence[DesiredLoad],
    ids: Mapping[str, str | None],
    size: int,
    reader: Reader,
    io: Executor,
    scans: Scans,
) -> list[SourceDiff]:
    """Read a source, once for all datamarts for which it reads the same, and the stored profiles of some identities (contract 8).

    Args:
        loads: of the source on datamarts.
        ids: remote id by compartment key; None where it is still to be created.
        size: how many identities to look at.
        reader: reads profiles.
        io: threads that wait for answers.
        scans: reads the source.

    Raises:
        ReadFailed: the platform could not be read.
        ReconcilerError: the source cannot be read.
    """
    samples: dict[str, tuple[Sample, int]] = {}
    made = list[SourceDiff]()
    for load in loads:
        source = resolved(load.definition, ids)
        key = repr(source)
        if key not in samples:
            samples[key] = _sampled(source, size, scans)
        sample, rejected = samples[key]
        default = default_compartment(reader, load.datamart_id)
        look = partial(_one, str(load.address), load.datamart_id, default, reader)
        found = list(io.map(look, sample.result()))
        previews = tuple(x for x in found if isinstance(x, Preview))
        unpredicted = tuple(x for x in found if isinstance(x, Unpredicted))
        made.append(SourceDiff(str(load.address), sample.commands, rejected, previews, unpredicted))
    return made


def _sampled(source: SourceDefinition, size: int, scans: Scans) -> tuple[Sample, int]:
    """Some identities of a source, and how many of its rows are not sent."""
    sample = Sample(size)
    with scans.for_once(source) as readable:
        read = scans.read(readable, on_sent=sample.add)
    return sample, read.rejected


def _one(
    address: str, datamart_id: str, default: str | None, reader: Reader, found: Identity
) -> Preview | Unpredicted:
    """The commands about one identity, one after the other, upon what is stored."""
    if found.more:
        path, line, _ = found.commands[0]
        return Unpredicted(path, line, f"more than {MOST} commands are about this identity")
    path, line, _ = found.commands[-1]
    commands = [_command(x) for x in found.commands]
    last = commands[-1]
    stored = profile = stored_profile(reader, datamart_id, last, default)
    try:
        for command in commands:
            if owner(command, default) == owner(last, default):  # else it is about another profile
                profile = merged(profile, command)
    except Unpredictable as e:
        return Unpredicted(path, line, str(e))
    return Preview(address, path, line, last, stored, profile)


def _command(found: Sampled) -> dict[str, Any]:
    return dict(msgspec.json.decode(found.command))
