"""The YAML language server from npm, driven over its protocol as an editor drives it."""

import json
import os
import subprocess
import threading
from pathlib import Path
from queue import Queue
from typing import Any

from tests.support.npm import installed

VERSION = "1.24.0"  # 2.0 needs Node.js 22


def server() -> Path:
    """The program of the server."""
    return installed("yaml-language-server", VERSION) / "bin" / "yaml-language-server"


class LanguageServer:
    """A running server with one workspace folder open; settings are those of its `.vscode/settings.json`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = json.loads((root / ".vscode/settings.json").read_text())
        self._process = subprocess.Popen(
            ["node", str(server()), "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._id = 0
        self._answers: dict[int, Queue[Any]] = {}
        self._diagnostics: dict[str, Queue[Any]] = {}
        threading.Thread(target=self._read, daemon=True).start()
        folder = {"uri": root.as_uri(), "name": root.name}
        capabilities = {
            "workspace": {"configuration": True, "workspaceFolders": True},
            "textDocument": {
                "publishDiagnostics": {},
                "completion": {"completionItem": {"snippetSupport": True}},
            },
        }
        self.call(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": root.as_uri(),
                "capabilities": capabilities,
                "workspaceFolders": [folder],
            },
        )
        self._send({"method": "initialized", "params": {}})

    def close(self) -> None:
        """End the server."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()

    def open(self, name: str, text: str) -> list[dict[str, Any]]:
        """Open a file with this text, as typed; the diagnostics the editor would underline."""
        uri = (self.root / name).as_uri()
        self._diagnostics[uri] = Queue()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        found: list[dict[str, Any]] = self._diagnostics[uri].get(timeout=60)
        return found

    def complete(self, name: str, line: int, character: int) -> list[str]:
        """Labels offered at a place (0-based)."""
        items = self._at("textDocument/completion", name, line, character)["items"]
        return [i["label"] for i in items]

    def hover(self, name: str, line: int, character: int) -> str:
        """The text shown at a place (0-based)."""
        return str(self._at("textDocument/hover", name, line, character)["contents"]["value"])

    def _at(self, method: str, name: str, line: int, character: int) -> Any:
        uri = (self.root / name).as_uri()
        return self.call(
            method, {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        )

    def call(self, method: str, params: dict[str, Any]) -> Any:
        """Ask, and wait for the answer."""
        self._id += 1
        self._answers[self._id] = Queue()
        self._send({"id": self._id, "method": method, "params": params})
        return self._answers[self._id].get(timeout=60)

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream
        while header := stream.readline():
            size = 0
            while header.strip():
                name, _, value = header.partition(b":")
                size = int(value) if name.lower() == b"content-length" else size
                header = stream.readline()
            self._take(json.loads(stream.read(size)))

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            self._answers[message["id"]].put(message.get("result"))
        elif message["method"] == "textDocument/publishDiagnostics":
            uri = message["params"]["uri"]
            if uri in self._diagnostics:
                self._diagnostics[uri].put(message["params"]["diagnostics"])
        elif "id" in message:
            self._send({"id": message["id"], "result": self._configuration(message)})

    def _configuration(self, message: dict[str, Any]) -> Any:
        if message["method"] != "workspace/configuration":
            return None
        schemas = self.settings["yaml.schemas"]
        return [
            {"schemas": schemas} if i.get("section") == "yaml" else {} for i in message["params"]["items"]
        ]
