"""Receive the body of an upload, raw or multipart (contract 6.1): into a file, or only counted."""

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from reconciler.sandbox.api import ApiError

MAX_UPLOAD = 100 * 1024 * 1024
_BLOCK = 1 << 20
_MIMES = {"APPLICATION_X_NDJSON": "application/x-ndjson", "TEXT_CSV": "text/csv"}


class Body:
    """What was received so far. Without a file, only lines are counted, and the first is kept to be looked at."""

    def __init__(self, file: BinaryIO | None) -> None:
        self._file, self._sha256 = file, hashlib.sha256()
        self.size = self.newlines = 0
        self._first, self._last = bytearray(), b""

    def feed(self, block: bytes) -> None:
        """Take a block.

        Raises:
            ApiError: it is too much.
        """
        if not block:
            return
        self.size += len(block)
        if self.size > MAX_UPLOAD:
            raise ApiError(413, "the file is too large")
        if b"\n" not in self._first:
            self._first += block
        self.newlines += block.count(b"\n")
        self._last = block[-1:]
        if self._file is not None:
            self._file.write(block)
            self._sha256.update(block)

    @property
    def lines(self) -> int:
        """How many, the last one with or without its end."""
        return self.newlines + (self._last not in (b"", b"\n"))

    @property
    def sha256(self) -> str | None:
        """Of what is in the file, in hex."""
        return self._sha256.hexdigest() if self._file is not None else None

    def check(self, document_type: str, mime: str) -> None:
        """The first line must be a command line (contract 6.1); how much more the platform checks is unknown.

        Raises:
            ApiError: it is none.
        """
        if mime == "TEXT_CSV":
            return
        try:
            command = json.loads(bytes(self._first).split(b"\n", 1)[0])
        except ValueError:
            command = None
        if not isinstance(command, dict) or (document_type == "USER_PROFILE" and "operation" not in command):
            raise ApiError(400, "the file does not hold command lines", "INVALID_FILE")


async def receive(request: Request, mime: str, target: Path | None) -> tuple[Body, str | None]:
    """The whole body, and the file name that a multipart upload gives.

    Raises:
        ApiError: not the import's mime type, no part of that name, too large.
        ClientDisconnect: it ended early; nothing happened.
    """
    kind = request.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if kind == "multipart/form-data":
        try:
            async with request.form() as form:
                part = form.get("file")
                if not isinstance(part, UploadFile):
                    raise ApiError(400, "the part 'file' is missing")
                return await _written(_parts(part), target), part.filename
        except HTTPException as e:
            raise ApiError(e.status_code, str(e.detail)) from None
    if kind != _MIMES[mime]:
        raise ApiError(400, f"Content-Type {kind[:50]!r} is not {_MIMES[mime]}, that of the import")
    body = await _written(request.stream(), target)
    if int(request.headers.get("Content-Length", body.size)) != body.size:
        raise ClientDisconnect
    return body, None


async def _parts(part: UploadFile) -> AsyncIterator[bytes]:
    while block := await part.read(_BLOCK):
        yield block


async def _written(blocks: AsyncIterator[bytes], target: Path | None) -> Body:
    if target is None:
        body = Body(None)
        async for block in blocks:
            body.feed(block)
        return body
    with target.open("wb") as file:
        body = Body(file)
        async for block in blocks:
            body.feed(block)
    return body
