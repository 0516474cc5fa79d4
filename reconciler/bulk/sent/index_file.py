"""The file of a sent index: entries of one size, sorted by identity, what they are about, and a keyed checksum of it all.

    magic | entries, 32 bytes each | description as JSON | its length, 4 bytes | keyed checksum, 32 bytes

The checksum is made with the key of the digests: a file that is damaged, cut short or made with another key is not believed; nor is
one that was renamed, since the name says which load it is of, and the description says the name.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import IO

import msgspec

from reconciler.bulk.sent.digests import SIZE, UNKNOWN
from reconciler.bulk.sources import enciphered
from reconciler.errors import ReconcilerError

_MAGIC = b"rclsent2"
ENTRY = 2 * SIZE
_MAC = 32
_BLOCK = 1 << 20


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """What an index is about.

    Attributes:
        name: that it is kept under, which says what load it is of.
        content: digest of the source's content with the ids of its compartments.
        compartment_ids: those ids, in the order of the compartments' names in the specs, which are not written.
        since_full: how many deltas were made since the last load of all rows.
        rows: entries.
        unknown: entries without a command that the platform certainly took.
        identified: digest of how the source said whom a row is about; whom it names otherwise cannot be compared.
        identities: id of the file beside it that says whom each entry is about; empty where there is none.
    """

    name: str
    content: str
    compartment_ids: tuple[str, ...]
    since_full: int
    rows: int
    unknown: int
    identified: str = ""
    identities: str = ""


class Unusable(ReconcilerError):
    """An index that cannot be believed."""


def write_index(file: IO[bytes], key: bytes, entries: Iterable[bytes], about: Description) -> Description:
    """Write an index; gives its description with the counts.

    Args:
        file: a new file.
        key: of the digests.
        entries: in order; what follows the digests of one is not written.
        about: its counts are replaced.
    """
    mac = _mac(key)
    rows = unknown = 0

    def put(data: bytes) -> None:
        mac.update(data)
        file.write(data)

    put(_MAGIC)
    held = bytearray()
    for entry in entries:
        held += entry[:ENTRY]
        rows += 1
        unknown += entry[SIZE:ENTRY] == UNKNOWN
        if len(held) >= _BLOCK:
            put(bytes(held))
            held.clear()
    put(bytes(held))
    said = msgspec.structs.replace(about, rows=rows, unknown=unknown)
    text = msgspec.json.encode(said)
    put(text + len(text).to_bytes(4, "big"))
    file.write(mac.digest())
    file.flush()
    return said


def read_index(file: IO[bytes], key: bytes | None, name: str) -> tuple[Description, Iterator[bytes]]:
    """What an index is about, and its entries, which are read while the file is open.

    Raises:
        Unusable: it is not whole, or was made with another key or under another name, or there is no key.
    """
    if key is None:
        raise Unusable("its key is not here")
    size = file.seek(0, os.SEEK_END)
    if size < len(_MAGIC) + 4 + _MAC:
        raise Unusable("it is damaged")
    mac, left = _mac(key), size - _MAC
    file.seek(0)
    while left:
        data = file.read(min(left, _BLOCK))
        mac.update(data)
        left -= len(data)
        if not data:
            raise Unusable("it is damaged")
    if mac.digest() != file.read(_MAC):
        raise Unusable("it is damaged, or was made with another index_key")
    file.seek(size - _MAC - 4)
    length = int.from_bytes(file.read(4), "big")
    file.seek(size - _MAC - 4 - length)
    about = _described(file.read(length))
    if about.name != name:
        raise Unusable("it is of another load: the file was copied or renamed")
    if len(_MAGIC) + about.rows * ENTRY + length + 4 + _MAC != size:
        raise Unusable("it is damaged")
    return about, _entries(file, about.rows)


def _described(text: bytes) -> Description:
    try:
        return msgspec.json.decode(text, type=Description)
    except msgspec.MsgspecError:
        raise Unusable("another version of reconciler wrote it") from None


def _entries(file: IO[bytes], rows: int) -> Iterator[bytes]:
    file.seek(len(_MAGIC))
    left = rows * ENTRY
    while left:
        block = file.read(min(left, ENTRY * 4096))
        if not block:  # it was cut short after it was looked at
            raise Unusable("it is damaged")
        left -= len(block)
        yield from (block[at : at + ENTRY] for at in range(0, len(block), ENTRY))


def joined(read: Iterator[bytes], identities: Iterator[bytes], title: str) -> Iterator[bytes]:
    """Two files in step.

    Raises:
        Unusable: they are not of each other.
    """
    try:
        for entry, who in zip(read, identities, strict=True):
            yield entry + who
    except (enciphered.Damaged, ValueError) as e:
        words = str(e) if isinstance(e, ReconcilerError) else "there are not as many as entries"
        raise Unusable(f"the identities of {title} cannot be used: {words}") from None


def _mac(key: bytes) -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=_MAC, key=key, person=b"rcl index")
