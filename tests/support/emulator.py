"""The sandbox in a thread of the test process, with its insides at hand."""

import socket
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn

from reconciler.sandbox.app import Sandbox
from reconciler.sandbox.faults import read
from reconciler.sandbox.seed import SEED, plant
from reconciler.sandbox.store import Store
from reconciler.sandbox.switches import Switches


class Emulator:
    """A served sandbox; `url` is where."""

    def __init__(self, folder: Path, seed: dict[str, Any] | None = None, **switches: Any) -> None:
        self.store = Store(folder)
        plant(self.store, seed or SEED)
        self.sandbox = Sandbox(
            self.store, Switches().with_values({"pending_seconds": 0, "running_seconds": 0, **switches})
        )
        listener = socket.socket(proto=socket.IPPROTO_TCP)  # so that asyncio sends small answers at once
        listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(self.sandbox.app(), log_level="critical", lifespan="off", access_log=False)
        )
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)

    def stop(self) -> None:
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(5)
        self.sandbox.processor.stop()
        with self.store.lock:
            self.store.db.close()

    def switch(self, **values: Any) -> None:
        self.sandbox.switches = self.sandbox.switches.with_values(values)

    def fault(self, *rows: dict[str, Any]) -> None:
        self.sandbox.faults = read(list(rows))

    def end_with(self, *words: str) -> None:
        self.sandbox.processor.outcomes += words

    def quarantine(self, *accounts: str) -> None:
        """Refuse lines about these accounts, and about no others, from now on."""
        self.sandbox.processor.quarantined = set(accounts)

    def compartments(self) -> list[dict[str, Any]]:
        return self.store.all("compartment", "1185")

    def activations(self, datamart: str) -> list[dict[str, Any]]:
        return self.store.all("activation", datamart)

    def imports(self, datamart: str) -> list[dict[str, Any]]:
        return self.store.all("import", datamart)

    def imports_named(self, datamart: str) -> list[str]:
        return [i["name"] for i in self.imports(datamart)]

    def executions(self, datamart: str) -> dict[str, list[dict[str, Any]]]:
        """By import name."""
        return {i["name"]: self.store.all("execution", i["id"]) for i in self.imports(datamart)}

    def writes(self) -> list[dict[str, Any]]:
        return [r for r in self.store.requests() if r["method"] != "GET"]

    def profiles(self, datamart: str) -> list[tuple[str, str, str]]:
        with self.store.lock:
            return self.store.db.execute(
                "SELECT compartment, account, body FROM profiles WHERE datamart=? ORDER BY 1, 2", (datamart,)
            ).fetchall()
