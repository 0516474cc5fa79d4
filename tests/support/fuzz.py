"""schemathesis against the emulator: whatever is sent, its answers are as its OpenAPI document says, and never a 500.

python -m tests.support.fuzz [EXAMPLES]      pip install schemathesis; not part of the test suite
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from reconciler.sandbox.operations import OPERATIONS
from reconciler.sandbox.threaded import ThreadedSandbox, serving

CHECKS = "not_a_server_error,response_schema_conformance,content_type_conformance"
LINE = b'{"operation":"UPSERT","user_account_id":"u","force_replace":true,"user_profile":{"a":1}}\n'


def planted(http: httpx.Client) -> dict[str, str]:
    """One object of each kind; their ids, by the beginning of a path that has one."""
    imports = "/v1/datamarts/1509/document_imports"
    new = {"name": "n", "document_type": "USER_PROFILE", "mime_type": "APPLICATION_X_NDJSON"}
    made = http.post(imports, json=new).json()["data"]["id"]
    head = {"Content-Type": "application/x-ndjson"}
    execution = http.post(f"{imports}/{made}/executions", content=LINE, headers=head).json()["data"]["id"]
    active = http.get("/v1/datamarts/1509/compartments").json()["data"][0]["id"]
    http.post(f"/v1/datamarts/1509/compartments/{active}/processing_selections", json={"processing_id": "1"})
    return {"import": made, "execution": execution, "activation": active}


def parameters(path: str, ids: dict[str, str]) -> dict[str, str]:
    """Values that reach an object, for the names in a path."""
    chosen = {"path.dm": "1509"} if "{dm}" in path else {}
    if "{id}" in path:
        kind = "import" if "document_imports" in path else "activation" if "{dm}" in path else ""
        chosen["path.id"] = ids.get(kind, "1000")
    if "{execution}" in path:
        chosen["path.execution"] = ids["execution"]
    if "user_points" in path:
        chosen["path.point"] = "compartment_id=1000,user_account_id=u"
    if "user_identifiers" in path:
        chosen["path.selector"] = "user_account_id=u"
    return chosen


def main() -> int:
    """The exit code of schemathesis."""
    examples = sys.argv[1] if len(sys.argv) > 1 else "100"
    with tempfile.TemporaryDirectory() as folder, serving(ThreadedSandbox(Path(folder))) as sandbox:
        # What is planted is not to be deleted under the other operations.
        with httpx.Client(base_url=sandbox.url, headers={"Authorization": "t"}) as http:
            ids = planted(http)
        config = "[warnings]\nenabled = false\n"
        for operation in OPERATIONS:
            chosen = {} if operation.method == "DELETE" else parameters(operation.path, ids)
            rows = "\n".join(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in chosen.items())
            path = operation.path.replace(":path", "")
            config += f"\n[[operations]]\ninclude-name = {json.dumps(f'{operation.method} {path}')}\n[operations.parameters]\n{rows}\n"
        settings = Path(folder) / "schemathesis.toml"
        settings.write_text(config)
        program = str(Path(sys.executable).with_name("schemathesis"))
        command = [
            program,
            f"--config-file={settings}",
            "run",
            f"{sandbox.url}/openapi.json",
            "-H",
            "Authorization: t",
        ]
        done = subprocess.run([*command, "--checks", CHECKS, "-n", examples], check=False)
        print(
            {
                s: sum(r["status"] == s for r in sandbox.requests())
                for s in sorted({r["status"] for r in sandbox.requests()})
            }
        )
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())
