"""Which loads of a source the remote knows, and which generation comes next (design 6). Pure.

Decision table, with L = the latest generation that counts (sealed, or with an execution), D = our load digest:

    L            digest    sealed   content    -> action             generation
    none         -         -        -             execute            1
    two digests under the highest number          refuse             -          (until --reload)
    (digests agree, too, where every chunk that would be sent is one of L's, byte for byte)
    L            = D       yes      -             no-op              L
    L            = D       no       -             resume             L
    L            /= D      yes      -             execute            L + 1
    L            /= D      no       snapshot      execute, supersede L + 1
    L            /= D      no       changes       refuse             -          (until finished or --supersede)
    any          -         -        --reload      execute            L + 1, or the next that no other bytes have
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from reconciler.kinds.counts import many
from reconciler.kinds.names import ChunkName, LoadKey, SealName, parse
from reconciler.model.remote import Import
from reconciler.whole import whole


@dataclass(frozen=True, slots=True)
class Generation:
    """All imports of one load as listed.

    Attributes:
        chunks: ids of the imports by chunk name; more than one id is a duplicate name.
        doubt: why what claims to be its seal is not believed.
    """

    key: LoadKey
    seal: SealName | None = None
    chunks: Mapping[ChunkName, tuple[str, ...]] = field(default_factory=dict)
    doubt: str = ""

    @property
    def number(self) -> int:
        """The generation's number."""
        return self.key.generation

    @property
    def import_ids(self) -> tuple[str, ...]:
        """Ids of all its chunk imports."""
        return tuple(i for ids in self.chunks.values() for i in ids)


def last_attempt(chunks: Mapping[ChunkName, tuple[str, ...]], index: int) -> tuple[int, tuple[str, ...]]:
    """A chunk's last attempt and the ids of its imports; 1 and none where it has no import."""
    mine = {n: ids for n, ids in chunks.items() if n.index == index}
    attempt = max((n.attempt for n in mine), default=1)
    return attempt, tuple(i for n, ids in mine.items() if n.attempt == attempt for i in ids)


class Do(StrEnum):
    """What to do with a load."""

    EXECUTE = "execute"
    RESUME = "resume"
    NOTHING = "no-op"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Decision:
    """The row of the table that holds.

    Attributes:
        key: names to use; of an existing generation when it is resumed.
        latest: the latest generation that counts, if any.
        superseded: the unfinished generation that newer content replaces.
    """

    do: Do
    reason: str
    key: LoadKey | None = None
    latest: Generation | None = None
    superseded: Generation | None = None


def number(identity: str) -> tuple[int, str]:
    """Order of remote ids: numeric where they are numbers."""
    found = whole(identity)
    return (2**63 if found is None else found, identity)


@dataclass(frozen=True, slots=True)
class Content:
    """The present content of a source: a seal of its load has to count as many commands.

    Attributes:
        load12: begins the load digest.
        cut: `max_bytes`, and chunk12 of every chunk: what would be sent.
    """

    load12: str
    commands: int
    cut: tuple[int, tuple[str, ...]] = (0, ())

    def is_of(self, generation: "Generation") -> bool:
        """True if this is the content of a load: by its digest, or because the very same chunks would be sent."""
        return generation.key.load12 == self.load12 or self.cut_as(generation)

    def cut_as(self, generation: "Generation") -> bool:
        """True if the chunks of a load are all those that would be sent, byte for byte."""
        return bool(self.cut[1]) and _chunks_of(generation) == self._chunks()

    def fits(self, generation: "Generation") -> bool:
        """True if each chunk of a load is one of those that would be sent, byte for byte."""
        return _chunks_of(generation) <= self._chunks()

    def _chunks(self) -> set[tuple[int, int, int, str]]:
        max_bytes, chunks = self.cut
        return {(max_bytes, len(chunks), i, chunk12) for i, chunk12 in enumerate(chunks, 1)}


def _chunks_of(generation: Generation) -> set[tuple[int, int, int, str]]:
    return {(n.max_bytes, n.count, n.index, n.chunk12) for n in generation.chunks}


def generations(
    imports: Iterable[Import],
    former: Collection[tuple[str, str]],
    *,
    retries: bool = False,
    content: Content | None = None,
) -> list[Generation]:
    """Generations of a source under any of its names, oldest first; or its sub-loads, `retries`, which never count as such.

    A name on the platform is a claim: a seal is believed only where chunks of its load are there and, of the present content, its
    counts come to all commands.

    Args:
        imports: all of a datamart.
        former: names of workspace and source under which loads may stand.
        retries: give the sub-loads.
        content: what the source holds, where it was read.
    """
    seals: dict[LoadKey, set[SealName]] = {}
    chunks: dict[LoadKey, dict[ChunkName, list[str]]] = {}
    for row in imports:
        name = parse(row.name)
        if name is None or (name.load.workspace, name.load.source) not in former:
            continue
        if bool(name.load.retry) is not retries:
            continue
        if isinstance(name, SealName):
            seals.setdefault(name.load, set()).add(name)
            chunks.setdefault(name.load, {})
        else:
            chunks.setdefault(name.load, {}).setdefault(name, []).append(row.id)
    found = []
    for key, names in chunks.items():
        listed = Generation(key, chunks={n: tuple(sorted(i, key=number)) for n, i in names.items()})
        seal, doubt = _believed(
            seals.get(key, set()), names, content if content and content.is_of(listed) else None
        )
        found.append(replace(listed, seal=seal, doubt=doubt))
    return sorted(found, key=lambda g: (g.key.generation, g.key.retry))


def _believed(
    seals: Collection[SealName], chunks: Collection[ChunkName], content: Content | None
) -> tuple[SealName | None, str]:
    """The seal, or None and why what claims to be one is not believed."""
    if not seals:
        return None, ""
    expected = content.commands if content else 0
    claimed = max(seals, key=lambda s: (s.ok + s.failed == expected, s.ok + s.failed, s.failed))
    total = claimed.ok + claimed.failed
    # An import that was deleted after its chunk ended leaves the load as finished as it was.
    if total and not chunks:
        return None, f"its seal counts {many(total, 'command')}, but no chunk of it has a document import"
    if content is not None and not claimed.load.retry and total != content.commands:
        return None, f"its seal counts {many(total, 'command')}, but its content has {content.commands:,}"
    return claimed, ""


def open_generations(found: Sequence[Generation]) -> list[Generation]:
    """Those whose executions must be looked at: not sealed, and not older than a sealed one."""
    return open_retries(found, found)


def open_retries(found: Sequence[Generation], retries: Sequence[Generation]) -> list[Generation]:
    """Sub-loads whose executions must be looked at: not sealed, and of no generation before the newest sealed one."""
    newest_seal = max((g.number for g in found if g.seal), default=0)
    return [g for g in retries if not g.seal and g.number >= newest_seal]


def counted(found: Sequence[Generation], executed: Collection[LoadKey]) -> list[Generation]:
    """The generations under the highest number that counts; empty if none does."""
    real = [g for g in found if g.seal or g.key in executed]
    highest = max((g.number for g in real), default=0)
    return [g for g in real if g.number == highest]


def decide_retry(
    found: Sequence[Generation], executed: Collection[LoadKey], retries: Sequence[Generation], wanted: LoadKey
) -> Decision:
    """A sub-load that sends again the failed lines of a generation.

    Args:
        found: all generations of the source on this datamart.
        executed: keys of the loads that have at least one execution.
        retries: all sub-loads of them.
        wanted: the sub-load that was planned.
    """
    newest = max((g.number for g in counted(found, executed)), default=0)
    if newest != wanted.generation:
        return Decision(Do.REFUSE, f"the latest load is load {newest}, no longer load {wanted.generation}")
    same = [g for g in retries if (g.number, g.key.retry) == (wanted.generation, wanted.retry)]
    mine = next((g for g in same if g.key.load12 == wanted.load12), None)
    if same and mine is None:
        return Decision(Do.REFUSE, f"{wanted.title} exists with other rows")
    if mine is None:
        return Decision(Do.EXECUTE, f"failed commands of load {wanted.generation}", wanted)
    if mine.seal:
        return Decision(Do.NOTHING, f"{wanted.title} is finished", mine.key, mine)
    return Decision(Do.RESUME, f"{wanted.title} is unfinished", mine.key, mine)


def decide(
    found: Sequence[Generation],
    executed: Collection[LoadKey],
    new: LoadKey,
    *,
    content: Content | None,
    newer: str = "snapshot",
    reload: bool = False,
    supersede: bool = False,
) -> Decision:
    """Apply the table.

    Args:
        found: all generations of the source on this datamart.
        executed: keys of the loads that have at least one execution.
        new: workspace and source names for a new generation; its number and digest are replaced.
        content: what the source holds; None while a compartment is still to be created.
        newer: what newer content is: a snapshot, or changes.
        reload: the user asked for a new generation whatever the digests say.
        supersede: the user allows newer content to replace an unfinished generation.
    """
    top = counted(found, executed)
    first = LoadKey(new.workspace, new.source, 1, content.load12 if content else "0" * 12)
    if not top:
        return Decision(Do.EXECUTE, "first load", _unused(first, found, content) if reload else first)
    latest = next((g for g in top if content and content.is_of(g)), top[0])
    following = replace(first, generation=latest.number + 1)
    if reload:
        following = _unused(following, found, content)
        return Decision(
            Do.EXECUTE,
            f"--reload after load {latest.number}",
            following,
            latest,
            None if latest.seal else latest,
        )
    if len({g.key.load12 for g in top}) > 1:
        both = " and ".join(sorted(g.key.load12 for g in top))
        return Decision(
            Do.REFUSE,
            f"load {latest.number} exists with two digests, {both}; --reload starts a new load",
            None,
            latest,
        )
    if content is not None and content.is_of(latest):
        if latest.seal:
            other = "" if latest.key.load12 == content.load12 else "; the files differ, the commands do not"
            return Decision(Do.NOTHING, _sealed(latest) + other, latest.key, latest)
        return Decision(Do.RESUME, f"load {latest.number} is unfinished", latest.key, latest)
    if latest.seal:
        return Decision(Do.EXECUTE, f"content changed since load {latest.number}", following, latest)
    if newer == "changes" and not supersede:
        return Decision(
            Do.REFUSE,
            f"load {latest.number} is unfinished and content is 'changes'; finish that load, or give --supersede",
            None,
            latest,
        )
    return Decision(
        Do.EXECUTE, f"newer content supersedes the unfinished load {latest.number}", following, latest, latest
    )


def _unused(key: LoadKey, found: Sequence[Generation], content: Content | None) -> LoadKey:
    """A key from this number on, under which no import was made from other bytes: nobody could send under it."""
    taken = {g.key for g in found if content is not None and not content.fits(g)}
    while key in taken:
        key = replace(key, generation=key.generation + 1)
    return key


def still_failed(load: Generation, retries: Iterable[Generation]) -> int:
    """How many commands of a finished load failed, and did not succeed in one of its sub-loads either.

    Args:
        load: as listed.
        retries: sub-loads of the source, of this load and of others.
    """
    again = sum(g.seal.ok for g in retries if g.seal and g.number == load.number)
    return max(0, load.seal.failed - again) if load.seal else 0


def _sealed(latest: Generation) -> str:
    seal = latest.seal
    if seal is not None and seal.failed:
        return f"load {latest.number} is finished; {seal.failed:,} of its commands failed"
    return f"load {latest.number} is finished"
