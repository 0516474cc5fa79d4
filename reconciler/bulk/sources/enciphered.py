"""Records in frames, each of them enciphered and authenticated (AES-GCM): the only form in which identities lie on a disk.

    magic | id of the file, 16 bytes | frames, each: length, 4 bytes | 1 for the last, else 0 | nonce, 12 bytes | ciphertext

The key of a file is derived (HKDF) from the caller's key and the file's id. With every frame its number, whether it is the last,
and what the file is about are authenticated: frames cannot be changed, swapped, left out, cut off or put in from another file.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from typing import IO, Any

from reconciler.errors import MissingExtra, ReconcilerError

_MAGIC = b"rclenci1"
ID = 16  # bytes
_NONCE, _TAG = 12, 16
_HEAD = struct.Struct(">I?")
_LENGTH = struct.Struct(">I")
FRAME = 1 << 16  # bytes of records, about
_MOST = 1 << 26  # bytes of a frame that is believed


class Damaged(ReconcilerError):
    """A file of which a frame is not what was written there."""


def write(file: IO[bytes], key: bytes, title: str, records: Iterable[bytes], size: int = FRAME) -> bytes:
    """Write records, in order; gives the id of the file.

    Args:
        file: a new file.
        key: that the file's key is derived from.
        title: what the file is about; who reads it has to know.
        records: what is written.
        size: bytes of records in a frame, about.

    Raises:
        MissingExtra: the library for it is not installed.
    """
    identity = os.urandom(ID)
    cipher = _cipher(key, identity)
    file.write(_MAGIC + identity)
    number, held = 0, bytearray()

    def put(*, last: bool) -> None:
        nonce = os.urandom(_NONCE)
        data = cipher.encrypt(nonce, bytes(held), _about(title, number, last=last))
        file.write(_HEAD.pack(len(data), last) + nonce + data)

    for record in records:
        if len(held) >= size:
            put(last=False)
            number += 1
            held.clear()
        held += _LENGTH.pack(len(record)) + record
    put(last=True)
    file.flush()
    return identity


def identity_of(file: IO[bytes]) -> bytes:
    """The id of a file.

    Raises:
        Damaged: it is no such file.
    """
    file.seek(0)
    head = file.read(len(_MAGIC) + ID)
    if len(head) < len(_MAGIC) + ID or not head.startswith(_MAGIC):
        raise Damaged("it is damaged")
    return head[len(_MAGIC) :]


def read(file: IO[bytes], key: bytes, title: str, first: int = 0) -> Iterator[list[bytes]]:
    """The records of each frame.

    Args:
        file: open for as long as they are read.
        key: as it was written with.
        title: as it was written with.
        first: number of the frame to begin with.

    Raises:
        Damaged: a frame is not what was written there, or the file ends before its last one.
        MissingExtra: the library for it is not installed.
    """
    cipher, number = _cipher(key, identity_of(file)), 0
    while True:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size or head[-1] > 1:
            raise Damaged("it is damaged")
        size, last = _HEAD.unpack(head)
        if size > _MOST:
            raise Damaged("it is damaged")
        if number < first:
            file.seek(_NONCE + size, os.SEEK_CUR)
        else:
            yield _records(_plain(cipher, file, size, _about(title, number, last=last)))
        number += 1
        if last:
            if file.read(1):
                raise Damaged("it is damaged")
            return


def _plain(cipher: Any, file: IO[bytes], size: int, about: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag

    data = file.read(_NONCE + size)
    if len(data) < _NONCE + size or size < _TAG:
        raise Damaged("it is damaged")
    try:
        found: bytes = cipher.decrypt(data[:_NONCE], data[_NONCE:], about)
    except InvalidTag:
        raise Damaged("it is damaged, or was made with another key or for another load") from None
    return found


def _records(data: bytes) -> list[bytes]:
    found, at = list[bytes](), 0
    while at < len(data):
        (size,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size + size
        found.append(data[at - size : at])
    return found


def _about(title: str, number: int, *, last: bool) -> bytes:
    """What is authenticated with a frame."""
    return b"%d %d %s" % (number, last, title.encode())


def require() -> None:
    """Require the library.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import cryptography.hazmat.primitives.ciphers.aead  # noqa: F401
    except ImportError:
        raise MissingExtra("gone: delete", "delta") from None


def _cipher(key: bytes, identity: bytes) -> Any:
    require()
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(SHA256(), 32, salt=identity, info=b"reconciler identities").derive(key)
    return AESGCM(derived)
