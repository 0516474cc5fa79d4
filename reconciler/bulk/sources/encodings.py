"""Encodings of text files: marks at their beginnings, and files that are read as UTF-8 whatever they are in.

In UTF-8 and in encodings of one byte for each character, an ASCII byte is that character and nothing else, so records can be
found in the bytes as they are. A file in any other encoding is turned into UTF-8 while it is read; each byte that does not
belong to the encoding becomes three that do not belong to UTF-8, so that the rows that hold them are rejected (`shown`).
"""

import codecs
import functools
import io
import re
from typing import IO, Any

from reconciler.errors import ReconcilerError

UTF_8 = "utf-8"
MARKS = (  # by which the encoding is known; those of 32 bits begin like those of 16
    (codecs.BOM_UTF8, ("utf-8", "utf-8-sig")),
    (codecs.BOM_UTF32_LE, ("utf-32", "utf-32-le")),
    (codecs.BOM_UTF32_BE, ("utf-32", "utf-32-be")),
    (codecs.BOM_UTF16_LE, ("utf-16", "utf-16-le")),
    (codecs.BOM_UTF16_BE, ("utf-16", "utf-16-be")),
)
_LONGEST = 4
_BLOCK = 1 << 20
_WRONG = 0xDC00  # with a byte that is not in the encoding added: a character for which UTF-8 has no bytes
_WRONG_BYTE = re.compile("[\udc00-\udcff]")
_WRONG_BYTES = re.compile("([\udc00-\udcff]+)")


def _wrong(e: UnicodeError) -> tuple[str | bytes, int]:
    """Bytes that are not in an encoding, as characters."""
    assert isinstance(e, UnicodeDecodeError)  # noqa: S101 - nothing is encoded or translated
    return "".join(chr(_WRONG + byte) for byte in e.object[e.start : e.end]), e.end


codecs.register_error("reconciler-wrong", _wrong)


@functools.cache
def read_as_is(encoding: str) -> bool:
    """True if records are found in the bytes of this encoding as they are."""
    name = codecs.lookup(encoding).name
    if name in ("utf-8", "utf-8-sig", "ascii"):
        return True
    if any(bytes([n]).decode(name, "replace") != chr(n) for n in range(128)):
        return False
    return len(bytes(range(256)).decode(name, "replace")) == 256


def encoding_read(encoding: str) -> str:
    """The encoding of the bytes that `as_text` gives; of any part of them, so that no mark belongs to it."""
    marked = codecs.lookup(encoding).name == "utf-8-sig"
    return encoding if read_as_is(encoding) and not marked else UTF_8


def shown(data: bytes, encoding: str) -> str:
    """The text of bytes that `as_text` gives of a file in this encoding, with bytes that are not in it written out."""
    if read_as_is(encoding):
        return data.decode(encoding_read(encoding), "backslashreplace")
    return _WRONG_BYTE.sub(
        lambda found: f"\\x{ord(found[0]) - _WRONG:02x}", data.decode(UTF_8, "surrogatepass")
    )


def stored(data: bytes, encoding: str) -> bytes:
    """The bytes of the file, of bytes that `as_text` gives, which may end within a character; for encodings that it turns into UTF-8."""
    text = codecs.getincrementaldecoder(UTF_8)("surrogatepass").decode(data)
    encode = codecs.getincrementalencoder(encoding)("replace").encode  # one mark, whatever the pieces
    return b"".join(
        bytes(ord(c) - _WRONG for c in piece) if n % 2 else encode(piece)
        for n, piece in enumerate(_WRONG_BYTES.split(text))
    )


def mark(file: IO[bytes], encoding: str, name: str, setting: str) -> int:
    """How many bytes at the beginning of a file are a byte order mark; the file is left at its beginning.

    Args:
        file: its decompressed bytes.
        encoding: as declared.
        name: of the file.
        setting: what to set for another encoding, with a `{}` for it; empty where there is no choice.

    Raises:
        ReconcilerError: the mark is that of another encoding.
    """
    file.seek(0)
    begins = file.read(_LONGEST)
    file.seek(0)
    for found, names in MARKS:
        if begins.startswith(found):
            if codecs.lookup(encoding).name not in names:
                words = (
                    f"{name} begins with the byte order mark of {names[0].upper()}, but is read as {encoding}"
                )
                raise ReconcilerError(
                    words, help=setting.format(names[0]) if setting else f"save it as {encoding}"
                )
            return len(found)
    if codecs.lookup(encoding).name in ("utf-16", "utf-32") and begins:
        words = f"{name} has no byte order mark, so {encoding} does not say in which order its bytes are"
        raise ReconcilerError(words, help=setting.format(f"{encoding}-le") + f", or {encoding}-be")
    return 0


def as_text(file: IO[bytes], encoding: str, name: str, setting: str = "") -> tuple[IO[bytes], int]:
    """The file with its bytes in `encoding_read`, and how many of them a mark takes at the beginning.

    Args:
        file: decompressed bytes.
        encoding: as the spec names it.
        name: of the file, for messages.
        setting: what to set for another encoding, with a `{}` for it; empty where there is no choice.

    Raises:
        ReconcilerError: a byte order mark does not fit the encoding.
    """
    size = mark(file, encoding, name, setting)
    if read_as_is(encoding):
        return file, size
    return io.BufferedReader(_AsUtf8(file, encoding, marked=size > 0), _BLOCK), len(
        codecs.BOM_UTF8
    ) if size else 0


class _AsUtf8(io.RawIOBase):
    """A file in another encoding; going back means reading again from its beginning."""

    def __init__(self, file: IO[bytes], encoding: str, *, marked: bool) -> None:
        self._file, self._make = file, codecs.getincrementaldecoder(encoding)
        # The decoders of utf-16 and utf-32 take the mark away; it is put back, so that offsets count it.
        taken = codecs.lookup(encoding).name in ("utf-16", "utf-32")
        self._mark = codecs.BOM_UTF8 if marked and taken else b""
        self._again()

    def _again(self) -> None:
        self._file.seek(0)
        self._decoder: Any = self._make("reconciler-wrong")
        self._rest, self._at, self._ended = self._mark, 0, False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only from the beginning")
        if offset < self._at:
            self._again()
        buffer = bytearray(_BLOCK)
        while self._at < offset and self.readinto(memoryview(buffer)[: offset - self._at]):
            pass
        return self._at

    def readinto(self, into: Any) -> int:
        while not self._rest and not self._ended:
            data = self._file.read(_BLOCK)
            self._ended = not data
            self._rest = self._decoder.decode(data, final=self._ended).encode(UTF_8, "surrogatepass")
        size = min(len(into), len(self._rest))
        into[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        self._at += size
        return size
