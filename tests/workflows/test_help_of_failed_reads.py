"""What the client knows of a read that failed reaches the user: no other hint is put in its place."""

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace


@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve"), ("drift",)])
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "long-lived tokens often start with 'api:', this one does not"),
        (403, "check organisation_id, the datamart ids, and the permissions of the token"),
        (404, "check organisation_id, the datamart ids, and the permissions of the token"),
    ],
)
def test_the_help_of_the_client_is_shown(
    command: tuple[str, ...], status: int, words: str, workspace: Workspace, emulator: Emulator
) -> None:
    path = "/v1/datamarts/1509/compartments"
    emulator.fault({"method": "GET", "path": path, "do": "status", "status": status, "times": 0})
    done = workspace.run(*command, RECONCILER_TOKEN="a-token-without-prefix")
    assert done.code == 1, done
    assert words in " ".join(done.err.split())
