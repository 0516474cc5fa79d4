"""Objects behind a URL: s3://, gs://, az:// and https://. The only user of obstore (extra: cloud).

Credentials and endpoints are those of the environment, as obstore reads them (AWS_…, GOOGLE_…, AZURE_…). An object is read
in ranges, each on the condition that it is still the one that was found; so what is read is one version of it.
"""

import functools
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple
from urllib.parse import unquote

from reconciler.bulk.sources.patterns import has_wildcard, holds_no_rows, matches, may_be_literal, natural
from reconciler.errors import MissingExtra, ReconcilerError
from reconciler.kinds.counts import many
from reconciler.origin import SourceUrl, masked

RANGE = 8 << 20  # bytes of one request
_ALLOW_HTTP = ("AWS_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP", "AZURE_ALLOW_HTTP")  # for stores of one's own


class Object(NamedTuple):
    """What the store says of an object; `tag` is None where it promises nothing about the content."""

    size: int
    tag: str | None
    modified: str


def is_url(place: str) -> bool:
    """True if a place is not a path."""
    return "://" in place


@functools.lru_cache(maxsize=256)
def find(pattern: str) -> tuple[str, ...]:
    """URLs of the objects that match, in the manner of `reconciler.bulk.sources.patterns`. Asked once until `forget`.

    Raises:
        ReconcilerError: there is none, or the store cannot be asked.
    """
    base, key = _split(pattern)
    if base.startswith("http") and "*" in key:
        raise ReconcilerError(
            f"{masked(pattern)}: files on a web server cannot be listed",
            help="name each file, without wildcards",
        )
    if base.startswith("http") or not has_wildcard(key):
        head(pattern)
        return (pattern,)
    parts = key.split("/")
    fixed = next(i for i, part in enumerate(parts) if has_wildcard(part))
    with _told(pattern):
        listed = _obstore().list(_store(base), "/".join(parts[:fixed]) or None)
        sizes = {meta["path"]: meta["size"] for chunk in listed for meta in chunk}
    if may_be_literal(key) and key in sizes:
        return (pattern,)
    keys = [k for k, s in sizes.items() if matches(parts, k.split("/")) and not holds_no_rows(k, s)]
    if not keys:
        raise ReconcilerError(f"no object matches '{masked(pattern)}'")
    return tuple(sorted((f"{base}/{k}" for k in keys), key=natural))


@functools.lru_cache(maxsize=4096)
def head(url: str) -> Object:
    """What the store says of an object; asked once until `forget`.

    Raises:
        ReconcilerError: it is not there, or the store cannot be asked.
    """
    from reconciler.bulk.sources import web  # urllib and TLS, for which files on a disk need not wait

    base, key = _split(url)
    store, on_the_web = _store(base), base.startswith("http")
    try:
        meta = _obstore().head(store, key)
    except Exception as e:
        if not on_the_web:
            raise _unreadable(url, e) from None
        web.open_url(url).close()  # a server may refuse HEAD, or say no length; GET decides, and is read once
        return Object(0, None, "")
    tag = meta["e_tag"]
    strong = tag if tag and not tag.startswith("W/") else None
    if on_the_web and strong is not None and not _gives_ranges(url, store, key, strong):
        strong = None
    return Object(meta["size"], strong, meta["last_modified"].isoformat())


def _gives_ranges(url: str, store: Any, key: str, tag: str) -> bool:
    """Whether a web server gives parts of a file; many that send a strong validator do not."""
    try:
        options = {"range": (0, 512), "if_match": tag}
        start = bytes(_obstore().get(store, key, options=options).bytes())
    except Exception as e:
        if type(e).__name__ == "PreconditionError":
            raise _unreadable(url, e) from None
        return False
    from reconciler.bulk.sources import web

    web.refuse_page(url, start)
    return True


def forget() -> None:
    """Ask the stores anew from here on."""
    head.cache_clear()
    find.cache_clear()


def open_object(url: str) -> IO[bytes]:
    """The bytes of an object.

    Raises:
        ReconcilerError: it cannot be read, or is no longer the one that was found.
    """
    found = head(url)
    base, key = _split(url)
    if found.tag is None:
        from reconciler.bulk.sources import web

        return web.open_url(url) if base.startswith("http") else _whole(url, base, key)
    return io.BufferedReader(_Ranges(url, base, key, found), RANGE)


def _whole(url: str, base: str, key: str) -> IO[bytes]:
    """In one request, for servers that promise nothing about a second one."""
    with _told(url):
        stream = _obstore().get(_store(base), key).stream(min_chunk_size=1 << 20)
    return io.BufferedReader(_Stream(url, iter(stream)), 1 << 20)


class _Ranges(io.RawIOBase):
    def __init__(self, url: str, base: str, key: str, found: Object) -> None:
        self._url, self._key, self._found, self._at = url, key, found, 0
        self._store = _store(base)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._found.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, into: Any) -> int:
        end = min(self._found.size, self._at + len(into))
        if end <= self._at:
            return 0
        options = {"range": (self._at, end), "if_match": self._found.tag}
        with _told(self._url):
            answer = _obstore().get(self._store, self._key, options=options)
            told, data = answer.meta, bytes(answer.bytes())
        if why := _unlike(told, len(data), self._found, end - self._at):
            raise ReconcilerError(f"cannot read {masked(self._url)}: {why}")
        into[: len(data)] = data
        self._at = end
        return len(data)


def _unlike(told: Any, size: int, found: Object, asked: int) -> str | None:
    """Why an answer is no part of the object that was found: a server need not look at the condition, and a part may be any.

    Args:
        told: what the answer says of the object.
        size: bytes that came.
        found: the object.
        asked: bytes that were asked for.
    """
    if told["e_tag"] not in (None, found.tag) or told["size"] != found.size:
        return "the object changed while it was read"
    return None if size == asked else f"of a part of {many(asked, 'byte')}, the server sent {size:,}"


class _Stream(io.RawIOBase):
    def __init__(self, url: str, blocks: Any) -> None:
        self._url, self._blocks, self._rest = url, blocks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        while not self._rest:
            with _told(self._url):
                block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = bytes(block)
        size = min(len(into), len(self._rest))
        into[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def _split(url: str) -> tuple[str, str]:
    """Where a store is, and a key there. A key is taken literally, whatever its characters; only a web address is encoded."""
    found = SourceUrl.parse(url)
    return found.store, unquote(found.key) if found.server else found.key


@functools.lru_cache(maxsize=64)
def _store(base: str) -> Any:
    _obstore()
    from obstore.store import from_url

    options: Any = {"timeout": "60s", "connect_timeout": "10s"}
    retries: Any = {"max_retries": 4}
    server = SourceUrl.parse(base).server
    ours = server is None and any(os.environ.get(n) == "true" for n in _ALLOW_HTTP)
    if ours or (server is not None and server.loopback):
        options["allow_http"] = True
    with _told(base):
        return from_url(base, client_options=options, retry_config=retries)


def _obstore() -> Any:
    try:
        import obstore
    except ImportError:
        raise MissingExtra("reading from URLs", "cloud") from None
    return obstore


@contextmanager
def _told(url: str) -> Iterator[None]:
    """What goes wrong with a store, as an error of ours: the errors of its library have no class in common."""
    try:
        yield
    except Exception as e:
        raise _unreadable(url, e) from None


def _unreadable(url: str, e: Exception) -> ReconcilerError:
    """In words of our own: what a store answers may quote what was asked of it."""
    if isinstance(e, ReconcilerError):
        return e
    kind = type(e).__name__
    words = {
        "FileNotFoundError": "the object does not exist",
        "NotFoundError": "the object does not exist",
        "PreconditionError": "the object changed while it was read",
        "PermissionDeniedError": "access is denied",
        "UnauthenticatedError": "the credentials in the environment are not accepted",
        "NotSupportedError": "the server does not support reading parts of a file",
        "GenericError": "the store could not be read (GenericError): the name of the bucket or host, the network, or the credentials in the environment may be wrong",
        "InvalidPathError": "a key there has an empty part, `.`, `..` or a control character",
        "ValueError": "its key has an empty part, `.`, `..` or a control character",
    }.get(kind, f"the store could not be read ({kind})")
    return ReconcilerError(
        f"cannot read {masked(url)}: {words}",
        help="credentials and endpoints come from the environment: AWS_…, GOOGLE_…, AZURE_…",
    )


def names_below(url: str) -> list[str]:
    """Names of the objects right below a URL.

    Raises:
        ReconcilerError: the store cannot be asked.
    """
    base, key = _split(url)
    with _told(url):
        listed = _obstore().list(_store(base), key or None)
        keys = [meta["path"] for chunk in listed for meta in chunk]
    start = f"{key}/" if key else ""
    return sorted(
        k.removeprefix(start) for k in keys if k.startswith(start) and "/" not in k.removeprefix(start)
    )


def download(url: str, into: IO[bytes]) -> bool:
    """Copy an object; False if it is not there.

    Raises:
        ReconcilerError: it cannot be read.
    """
    base, key = _split(url)
    try:
        for block in _obstore().get(_store(base), key).stream(min_chunk_size=1 << 20):
            into.write(block)
    except Exception as e:
        if type(e).__name__ in ("FileNotFoundError", "NotFoundError"):
            return False
        raise _unreadable(url, e) from None
    return True


def put(url: str, file: IO[bytes]) -> None:
    """Write an object whole.

    Raises:
        ReconcilerError: it cannot be written.
    """
    base, key = _split(url)
    try:
        _obstore().put(_store(base), key, file)
    except Exception as e:
        raise _unwritable(url, e) from None


def delete(url: str) -> None:
    """Remove an object; that it is not there is no error.

    Raises:
        ReconcilerError: it cannot be removed.
    """
    base, key = _split(url)
    try:
        _obstore().delete(_store(base), key)
    except Exception as e:
        if type(e).__name__ not in ("FileNotFoundError", "NotFoundError"):
            raise _unwritable(url, e) from None


def _unwritable(url: str, e: Exception) -> ReconcilerError:
    found = _unreadable(url, e)
    return ReconcilerError(str(found).replace("cannot read", "cannot write", 1), help=found.help)
