"""Serve the sandbox on loopback, and tell where."""

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.faults import Script, read
from reconciler.sandbox.seed import SEED, plant, with_files
from reconciler.sandbox.store import Store
from reconciler.sandbox.strict_json import read_json
from reconciler.sandbox.switches import Switches

STATE_FILE = "server.json"


def serve(
    folder: Path | None,
    port: int,
    *,
    switches: dict[str, Any],
    seed: dict[str, Any] | None = None,
    faults: dict[str, Any] | None = None,
    idle: float | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until stopped, or until nothing was asked for `idle` seconds.

    Args:
        folder: where state lives; None keeps it in memory.
        port: 0 selects a free port.
        switches: by name.
        seed: what an empty store begins with.
        faults: a script, as `reconciler.sandbox.faults` has it.
        idle: seconds.
        ready: is told the URL.

    Raises:
        ValueError: a switch, the seed or the faults are wrong.
        OSError: the port is taken.
    """
    chosen = Switches().with_values(switches)
    script = read(faults) if faults is not None else Script()
    store = Store(folder)
    if store.empty():
        with store.transaction():  # of a seed that is refused, nothing is left for the next start
            plant(store, seed or _own_seed(folder) or SEED)
    sandbox = Sandbox(store, chosen)
    sandbox.faults = script
    listener = socket.socket(proto=socket.IPPROTO_TCP)  # so that asyncio sends small answers at once
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        sandbox.app(), log_level="error", access_log=False, lifespan="off", timeout_keep_alive=60
    )
    server = uvicorn.Server(config)
    uvloop.run(_run(server, listener, sandbox, folder, url, idle, ready))


def _own_seed(folder: Path | None) -> dict[str, Any] | None:
    """A `seed.json` beside the state replaces the built-in seed."""
    path = folder / "seed.json" if folder else None
    if path is None or not path.is_file():
        return None
    found: dict[str, Any] = read_json(path.read_text("utf-8"))
    return with_files(found, path.parent)


async def _run(
    server: uvicorn.Server,
    listener: socket.socket,
    sandbox: Sandbox,
    folder: Path | None,
    url: str,
    idle: float | None,
    ready: Callable[[str], None] | None,
) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.005)
    if folder is not None:
        temporary = folder / f"{STATE_FILE}.{os.getpid()}"
        temporary.write_text(json.dumps({"url": url, "pid": os.getpid()}))
        temporary.replace(folder / STATE_FILE)
    if ready:
        ready(url)
    try:
        while not serving.done():
            await asyncio.wait([serving], timeout=0.25)
            if sandbox.ending or (idle is not None and time.monotonic() - sandbox.last_request > idle):
                server.should_exit = True
        await serving
    finally:
        if serving.done() and not serving.cancelled():
            serving.exception()  # SIGTERM's, which ended the loop already: asyncio is not to tell it again
