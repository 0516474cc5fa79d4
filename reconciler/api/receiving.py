"""A body, as much of it as may be taken. Enters: a response whose body is still to come. Leaves: its bytes, decompressed.

The size counts after decompression, block by block: a small answer can unpack to gigabytes. `gzip` once is the only packing
that is asked for and the only one that is taken.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.api.libraries import httpx
from reconciler.kinds.counts import many

_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of an answer is taken.

    Attributes:
        bytes: decompressed.
        values: of its JSON document: two bytes of it can take a hundred in memory.
        seconds: from connecting to the last byte.
    """

    bytes: int = 16 << 20
    values: int = 1_000_000
    seconds: float = 40.0


BOUNDS = Bounds()


class TooLarge(Exception):
    """More than may be taken; the message says which bound."""


def body(response: httpx.Response, bounds: Bounds = BOUNDS) -> bytes:
    """The whole body.

    Args:
        response: opened as a stream.
        bounds: of it.

    Raises:
        TooLarge: it has more bytes, or more values than a JSON document of that size should.
        httpx.DecodingError: it is packed otherwise, or is damaged.
    """
    whole = b"".join(blocks(response, bounds.bytes))
    if len(whole) > 2 * bounds.values and sum(whole.count(c) for c in (b",", b"[", b"{")) > bounds.values:
        raise TooLarge(f"the answer has more than {many(bounds.values, 'value')}")
    return whole


def blocks(response: httpx.Response, limit: int) -> Iterator[bytes]:
    """The body in blocks.

    Raises:
        TooLarge: more bytes came, packed or unpacked.
        httpx.DecodingError: it is packed otherwise, or is damaged.
    """
    taken = 0
    for block in _plain(response, limit):
        taken += len(block)
        if taken > limit:
            raise TooLarge(f"the answer has more than {many(limit, 'byte')}")
        yield block


def _plain(response: httpx.Response, limit: int) -> Iterator[bytes]:
    packing = response.headers.get("Content-Encoding", "").strip().lower()
    if packing in ("", "identity"):
        yield from response.iter_raw()
    elif packing in ("gzip", "x-gzip"):
        yield from _unpacked(response.iter_raw(), limit)
    else:
        raise httpx.DecodingError("packed in a way that was not asked for")


def _unpacked(packed: Iterator[bytes], limit: int) -> Iterator[bytes]:
    unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
    taken = 0
    try:
        for block in packed:
            taken += len(block)
            if taken > limit:
                raise TooLarge(f"the answer has more than {many(limit, 'byte')}")
            if unpack.eof:
                raise httpx.DecodingError("bytes after its end")
            left = block
            while left:
                yield unpack.decompress(left, _BLOCK)
                left = unpack.unconsumed_tail
        while rest := unpack.decompress(unpack.unconsumed_tail, _BLOCK):
            yield rest
    except zlib.error as e:
        raise httpx.DecodingError("damaged") from e
    if taken and not unpack.eof:
        raise httpx.DecodingError("interrupted")
