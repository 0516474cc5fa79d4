"""Against which load a delta is made, and which index describes that load (design 11). Pure.

With T the newest load that counts (finished, or with an execution):

    T                                                          -> what is sent
    none, --reload, or two digests under its number               all rows
    has the digest of all rows                                    all rows: it is done, or resumed
    finished, and of this content by the digest of a delta        nothing
    finished, and its index is there                              rows that are not in the index
    unfinished, made of rows that are not in the index of S,
      the newest finished load before                             those rows: it is resumed
    else                                                          all rows, saying why; refused where lists would grow

The third and the last row but one ask for the index; what an index says is used for no other load than the one it is bound to.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter

from reconciler.kinds.names import LoadKey, SealName
from reconciler.model.source import SourceDefinition
from reconciler.planning.digests import canonical, load_digest
from reconciler.planning.loads.generations import Generation, counted


@dataclass(frozen=True, slots=True)
class Newest:
    """The loads that decide.

    Attributes:
        top: the newest load that counts; None where there is none, or two.
        finished: the newest finished load: that one, or one before.
    """

    top: Generation | None = None
    finished: Generation | None = None


def newest(found: Sequence[Generation], executed: Collection[LoadKey]) -> Newest:
    """The loads that decide, of all of a source on a datamart."""
    tops = counted(found, executed)
    if len(tops) != 1:
        return Newest()
    return Newest(tops[0], max((g for g in found if g.seal), key=attrgetter("number"), default=None))


class Sends(StrEnum):
    """What a load holds that is compared with one before."""

    CHANGED = ""  # rows that changed
    CHANGED_AND_DELETES = ".deletes"  # and DELETE commands about identities that are gone
    ALL_AND_DELETES = ".all"  # all rows, and those


def base_of(load: Generation, sends: Sends) -> str:
    """How a digest names the load that another is made against."""
    return f"g{load.number}.{load.key.load12}{sends}"


def is_of_all_rows(load: Generation, source_digest: str, source: SourceDefinition) -> bool:
    """True if a load has the digest of all rows of this content."""
    digest = load_digest(source_digest, source.compartments)
    return digest is not None and digest[:12] == load.key.load12


def is_delta_of(
    load: Generation, found: Iterable[Generation], source_digest: str, source: SourceDefinition
) -> bool:
    """True if a load is of this content, made against one of the finished loads before it.

    Args:
        load: in question.
        found: all loads of the source on the datamart.
        source_digest: SHA-256 (hex) of the source.
        source: with the remote ids of its compartments.
    """
    bases = (base_of(g, s) for g in found if g.seal and g.number < load.number for s in Sends)
    digests = (load_digest(source_digest, source.compartments, base) for base in bases)
    return any(d is not None and d[:12] == load.key.load12 for d in digests)


def grows(source: SourceDefinition, *, replay_safe: bool) -> bool:
    """True if sending a row that was sent before may make lists longer."""
    if source.format == "commands":
        return not replay_safe
    return bool(source.update.merge_objects) and not source.update.force_replace


def scope(origin: str, organisation_id: str, datamart_id: str, workspace: str) -> str:
    """The platform, organisation and datamart that an index is about, and whose it is, in few characters.

    Args:
        origin: of the platform, as text.
        organisation_id: of the platform.
        datamart_id: of the datamart.
        workspace: its name when the load was made; several workspaces may keep their indexes in one place.
    """
    return hashlib.sha256(canonical([origin, organisation_id, datamart_id, workspace])).hexdigest()[:12]


def index_name(about: str, key: LoadKey, seal: SealName, imports: Mapping[str, Sequence[str]]) -> str:
    """The name of the index that describes a finished load: it depends on the load's seal and on the ids of its imports.

    So an index is of this very load, and one that was written for a seal that never came is never found.

    Args:
        about: the scope.
        key: of the load, with the names that workspace and source had.
        seal: of the load.
        imports: ids by name of its chunk imports.
    """
    rows = sorted([str(name), *sorted(ids)] for name, ids in imports.items())
    bound = hashlib.sha256(canonical([about, str(key), str(seal), rows])).hexdigest()[:20]
    return f"{prefix(about, key.source)}g{key.generation}.{bound}"


def prefix(about: str, source: str) -> str:
    """How the names of all indexes of a source on one datamart begin."""
    return f"{source}.{about}."


def index_of(about: str, load: Generation) -> str:
    """The name of the index of a finished load, as listed."""
    assert load.seal is not None  # noqa: S101 - the caller's question
    return index_name(about, load.key, load.seal, {str(n): ids for n, ids in load.chunks.items()})
