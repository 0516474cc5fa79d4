"""Where a source can be divided: one worker reads all of it in order, and says so while it reads."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.bulk.scan.reading import SourceDigest
from reconciler.bulk.scan.segment_records import lines_of
from reconciler.bulk.scan.worker_memory import Continued
from reconciler.bulk.scan.worker_parts import Framed, Pass, Piece, Place, Stretch, require
from reconciler.bulk.sources import locations, object_store, parquet
from reconciler.bulk.sources.segments import alone, feed_file, segments

STRETCH = 8  # segments that one task checks
ROWS = 10 * parquet.BATCH  # of a Parquet file, that one task checks
FIRST, MOST = 16, 64  # segments after which places are given back: few at first, so that others can begin


def frame(task: Pass, places: Sequence[Place], number: int) -> Framed:
    """Where the source can be divided; each call gives more, until the source's digest is there.

    Args:
        task: the pass.
        places: all of the source.
        number: how many answers were given before.

    Raises:
        ReconcilerError: it cannot be read, or is another one.
    """
    return _framing.item((task.key, "frame"), number, lambda: _framed(task, places))


def forget(key: str) -> None:
    """A pass is over: keep nothing of it."""
    _framing.forget(key)


def _framed(task: Pass, places: Sequence[Place]) -> Iterator[Framed]:
    for place in places:
        require(task, place)
    digests = SourceDigest(task.source)
    root, names = Path(task.root), [p.name for p in places]
    if task.source.format == "parquet":
        yield _row_groups(root, names)
        for name in names:
            with locations.as_file(root, name) as path:
                feed_file(path, digests.feed)
    else:
        yield Framed((), 0, frozenset(p.file for p in places if not alone(p.name, task.source)))
        yield from _text(task, root, names, digests)
    yield Framed((), len(names), digest=digests.hexdigest())


def _row_groups(root: Path, names: Sequence[str]) -> Framed:
    whole, stretches = set[int](), list[Stretch]()
    for index, name in enumerate(names):
        if object_store.is_url(name) or parquet.layout(root / name, name).footer is not None:
            whole.add(index)
            continue
        count = parquet.rows(root / name, name)
        stretches += [
            Stretch(index, at == 0, rows=(at, min(ROWS, count - at))) for at in range(0, count, ROWS)
        ]
    return Framed(tuple(stretches), len(names), frozenset(whole))


def _text(task: Pass, root: Path, names: Sequence[str], digests: SourceDigest) -> Iterator[Framed]:
    held, most, file = list[Piece](), FIRST, -1
    stretches = list[Stretch]()
    begun = -1

    def close() -> None:
        nonlocal held, begun
        if held:
            stretches.append(Stretch(held[0].segment.file, held[0].segment.file != begun, tuple(held)))
            begun, held = held[0].segment.file, []

    for segment in segments(root, names, task.source, feed=digests.feed):
        if segment.file != file:
            close()
            file = segment.file
        if alone(names[file], task.source):
            lines = lines_of(segment, task.source) if task.numbered else 0
            held.append(Piece(segment._replace(data=b""), len(segment.data), lines))
            if len(held) >= min(STRETCH, most // 4):
                close()
        if sum(len(s.segments) for s in stretches) >= most:
            yield Framed(tuple(stretches), file)
            stretches.clear()
            most = min(2 * most, MOST)
    close()
    yield Framed(tuple(stretches), len(names))


_framing = Continued[Framed]()
