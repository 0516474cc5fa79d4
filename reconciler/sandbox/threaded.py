"""The sandbox in a thread of this process, with its insides at hand: for tests."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from reconciler.sandbox import faults
from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.live_schema import indexed, live_schema
from reconciler.sandbox.seed import SEED, plant, plant_schema
from reconciler.sandbox.store import Row, Store
from reconciler.sandbox.switches import Switches

# Tests do not wait for executions, unless they ask for it.
AT_ONCE = {"pending_seconds": 0, "running_seconds": 0}


class _Server(uvicorn.Server):
    """Ends when it is told to: uvicorn's own looks ten times a second, and then waits as long for connections to close."""

    _told: asyncio.Event | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Serve until `end`."""
        self._told = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):  # the header with the date is made anew
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what listens, and each connection."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for _ in range(20):
            await asyncio.sleep(0.005)
            if not self.server_state.connections:
                return

    def end(self) -> None:
        """Serve no more; asked for by another thread."""
        self.should_exit = self.force_exit = True
        if self._loop and self._told:
            with contextlib.suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._told.set)


class ThreadedSandbox:
    """A served sandbox.

    Attributes:
        url: where it is.
        sandbox: the application.
        store: what it holds.
    """

    def __init__(
        self, folder: Path | None = None, seed: Mapping[str, Any] | None = None, **switches: Any
    ) -> None:
        self.store = Store(folder)
        plant(self.store, dict(seed or SEED))
        self.sandbox = Sandbox(self.store, Switches().with_values({**AT_ONCE, **switches}))
        listener = socket.socket(proto=socket.IPPROTO_TCP)  # so that asyncio sends small answers at once
        listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(self.sandbox.app(), log_level="critical", lifespan="off", access_log=False)
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)

    def stop(self) -> None:
        """Serve no more; nothing of it is left but files in its folder."""
        self._server.end()
        self._thread.join(5)
        self.sandbox.processor.stop()
        with self.store.lock:
            self.store.db.close()

    def switch(self, **values: Any) -> None:
        """Set switches.

        Raises:
            ValueError: no such switch, or not one of its options.
        """
        self.sandbox.switches = self.sandbox.switches.with_values(values)

    def fault(self, script: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        """Set what goes wrong from now on; an empty list is nothing.

        Raises:
            ValueError: it is no script.
        """
        self.sandbox.faults = faults.read(script)

    def requests(self) -> list[Row]:
        """Every request so far, oldest first; status 0 was dropped."""
        return self.store.requests()

    def writes(self) -> list[Row]:
        """Those that are no GET."""
        return [r for r in self.store.requests() if r["method"] != "GET"]

    def compartments(self, organisation_id: str) -> list[Row]:
        """Those of an organisation."""
        return self.store.all("compartment", organisation_id)

    def activations(self, datamart_id: str) -> list[Row]:
        """Those of a datamart."""
        return self.store.all("activation", datamart_id)

    def imports(self, datamart_id: str) -> list[Row]:
        """Document imports of a datamart."""
        return self.store.all("import", datamart_id)

    def executions(self, datamart_id: str) -> dict[str, list[Row]]:
        """By the name of their import; two imports may have one name."""
        found: dict[str, list[Row]] = {}
        for row in self.imports(datamart_id):
            found.setdefault(row["name"], []).extend(self.store.all("execution", row["id"]))
        return found

    def schema(self, datamart_id: str, text: str) -> None:
        """Give a datamart this schema, in place of those it has."""
        with self.store.transaction():
            for row in self.store.all("schema", datamart_id):
                self.store.remove("schema", row["id"])
            plant_schema(self.store, datamart_id, text)

    def indexed(self, datamart_id: str) -> dict[str, tuple[str, list[str]]]:
        """By account, whether its profile would be indexed (`yes`, `partly`, `no`), and why not."""
        schema, switches = live_schema(self.store, datamart_id), self.sandbox.switches
        return {
            account: indexed(schema, json.loads(body), switches)
            for _, account, body in self.profiles(datamart_id)
        }

    def profiles(self, datamart_id: str) -> list[tuple[str, str, str]]:
        """Compartment, account and body (JSON text) of each."""
        with self.store.lock:
            return self.store.db.execute(
                "SELECT compartment, account, body FROM profiles WHERE datamart=? ORDER BY 1, 2",
                (datamart_id,),
            ).fetchall()


@contextlib.contextmanager
def serving(sandbox: ThreadedSandbox) -> Iterator[ThreadedSandbox]:
    """Stop it in the end."""
    try:
        yield sandbox
    finally:
        sandbox.stop()
