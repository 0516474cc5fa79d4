"""Names of document imports: the identity of a load on the remote (design 6).

`rcl1.<workspace>.<source>.g<generation>.<load12>.b<max_bytes>.<index>-<count>.<chunk12>.a<attempt>` names a chunk;
`rcl1.<workspace>.<source>.g<generation>.<load12>.sealed.<ok>-<failed>` seals a load. A retry of failed lines is a sub-load,
`g<generation>.r<retry>` in both. `str` and `parse` are inverse; anything that does not match exactly is somebody else's import and is left alone.
"""

import re
from dataclasses import dataclass

MAX_LENGTH = 128

_HEAD = r"rcl1\.(?P<workspace>[a-z0-9-]{1,24})\.(?P<source>[a-z0-9-]{1,40})\.g(?P<generation>[1-9][0-9]{0,5})(?:\.r(?P<retry>[1-9][0-9]{0,3}))?\.(?P<load12>[0-9a-f]{12})"
_CHUNK = re.compile(
    _HEAD + r"\.b(?P<max_bytes>[1-9][0-9]{0,8})\.(?P<index>[1-9][0-9]{0,6})-(?P<count>[1-9][0-9]{0,6})"
    r"\.(?P<chunk12>[0-9a-f]{12})\.a(?P<attempt>[1-9][0-9]{0,3})"
)
_SEAL = re.compile(_HEAD + r"\.sealed\.(?P<ok>0|[1-9][0-9]{0,14})-(?P<failed>0|[1-9][0-9]{0,14})")


@dataclass(frozen=True, slots=True, order=True)
class LoadKey:
    """What all imports of one load share; `retry` counts from 1 in sub-loads and is 0 in others."""

    workspace: str
    source: str
    generation: int
    load12: str
    retry: int = 0

    @property
    def label(self) -> str:
        """`g7`, or `g7.r1`."""
        return f"g{self.generation}.r{self.retry}" if self.retry else f"g{self.generation}"

    @property
    def title(self) -> str:
        """`load 7`, or `load 7 (retry 1)`: for people."""
        return f"load {self.generation} (retry {self.retry})" if self.retry else f"load {self.generation}"

    def __str__(self) -> str:
        return f"rcl1.{self.workspace}.{self.source}.{self.label}.{self.load12}"


@dataclass(frozen=True, slots=True)
class ChunkName:
    """One chunk's import; `index` counts from 1."""

    load: LoadKey
    max_bytes: int
    index: int
    count: int
    chunk12: str
    attempt: int

    def __str__(self) -> str:
        return f"{self.load}.b{self.max_bytes}.{self.index}-{self.count}.{self.chunk12}.a{self.attempt}"


@dataclass(frozen=True, slots=True)
class SealName:
    """The import that says a load is finished; counts are lines."""

    load: LoadKey
    ok: int
    failed: int

    def __str__(self) -> str:
        return f"{self.load}.sealed.{self.ok}-{self.failed}"


def parse(name: str) -> ChunkName | SealName | None:
    """Read a name back; None if it is not one of ours."""
    if len(name) > MAX_LENGTH:
        return None
    if m := _CHUNK.fullmatch(name):
        if int(m["index"]) > int(m["count"]):
            return None
        return ChunkName(
            _key(m), int(m["max_bytes"]), int(m["index"]), int(m["count"]), m["chunk12"], int(m["attempt"])
        )
    if m := _SEAL.fullmatch(name):
        return SealName(_key(m), int(m["ok"]), int(m["failed"]))
    return None


def _key(m: re.Match[str]) -> LoadKey:
    return LoadKey(m["workspace"], m["source"], int(m["generation"]), m["load12"], int(m["retry"] or 0))
