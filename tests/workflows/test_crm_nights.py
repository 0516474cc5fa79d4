"""Three nights of a CRM export on the sandbox, and what befalls its index: what the plan says of each night, as text and as a page,
and what the platform has after it. With NIGHTS=FOLDER what a user sees is kept there."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from moto.server import ThreadedMotoServer

from tests.support.datamart_schema import EXAMPLE
from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace
from tests.workflows.test_delta_loads import applied, stored

SOURCE = (
    CUSTOMERS.replace("customers}", "crm-profiles}").replace("data/*.csv", "export/*.csv")
    + "  duplicates: refuse\n  send: changed\n  gone: delete\n  schema: error\n"
)
SCHEMA = EXAMPLE.replace("country: String!", "country: String").replace("first_name", "tier")
KEY = "0123456789abcdef0123456789abcdef"
COUNT = 2000
Rows = dict[str, str]


@pytest.fixture
def store() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    httpx.post(f"{url}/moto-api/reset")
    httpx.put(f"{url}/crm-loads")
    yield url
    server.stop()


class Nights:
    """A workspace, and the pages that its plans make."""

    def __init__(self, workspace: Workspace, emulator: Emulator) -> None:
        self.workspace, self.emulator = workspace, emulator
        self.settings = (workspace.root / "reconciler.yaml").read_text()
        workspace.env["RECONCILER_INDEX_KEY"] = KEY
        workspace.env["COLUMNS"] = "80"
        workspace.write("specs/crm.yaml", SOURCE)
        self.index("    .reconciler/index")

    def index(self, place: str) -> None:
        more = f"  index: {place.strip()}\n  index_key: {{env: RECONCILER_INDEX_KEY}}\n"
        self.workspace.write("reconciler.yaml", self.settings + more)

    def export(self, rows: Rows) -> None:
        for old in (self.workspace.root / "data").glob("../export/*.csv"):
            old.unlink()
        half = len(rows) // 2
        for n, part in enumerate((list(rows.items())[:half], list(rows.items())[half:])):
            text = "id,tier\n" + "".join(f"{a},{t}\n" for a, t in part)
            self.workspace.write(f"export/part-{n}.csv", text)

    def told(self, name: str, *, code: int = 0) -> str:
        """What a plan says, as text; its page says the same."""
        done = self.workspace.run("plan")
        assert done.code == code, done
        page = self.workspace.run("plan", "-o", "html").out
        if folder := os.environ.get("NIGHTS"):
            Path(folder).mkdir(exist_ok=True)
            Path(folder, f"{name}.txt").write_text(done.out + done.err)
            Path(folder, f"{name}.html").write_text(page)
        text = " ".join((done.out + done.err).split())
        for words in ("added", "no longer in the source", "all rows are sent"):
            assert (words in text) == (words in " ".join(page.split())), words
        return text

    def applied(self, rows: Rows, name: str) -> dict[str, int]:
        done = applied(self.workspace)
        if folder := os.environ.get("NIGHTS"):
            shown = self.workspace.run("runs", "show").out
            Path(folder, f"{name}.txt").write_text(shown)
            Path(folder, f"{name}-index.txt").write_text(
                self.workspace.run("source", "index", "crm-profiles").out
            )
        assert stored(self.emulator) == rows
        assert self.workspace.plan()["loads"][0]["actions"] == ["no-op"]
        return dict(done["counts"])


def changed(rows: Rows, night: int) -> Rows:
    """One of a hundred rows is another, and there are two new ones."""
    now = {a: f"night {night}" if n % 100 == night else t for n, (a, t) in enumerate(rows.items())}
    return now | {f"n{night}-{n}": "new" for n in range(2)}


def test_three_nights_and_a_renamed_field(workspace: Workspace, emulator: Emulator) -> None:
    nights, rows = Nights(workspace, emulator), {f"c{n:05d}": "gold" for n in range(COUNT)}
    emulator.schema("1509", SCHEMA)
    nights.export(rows)
    assert "2,000 rows read: 2,000 upserts, 0 deletes, 0 rejected" in nights.told("night-1-plan")
    assert nights.applied(rows, "night-1-run")["sent"] == COUNT
    rows = changed(rows, 2)
    nights.export(rows)
    assert (
        "compared with load 1: 2 added, 20 changed, 1,980 unchanged, 0 retried, 0 no longer in the source"
        in nights.told("night-2-plan")
    )
    assert nights.applied(rows, "night-2-run")["sent"] == 22

    left = list(rows)[50:1050:100]  # half a percent
    rows = changed({a: t for a, t in rows.items() if a not in left}, 3)
    nights.export(rows)
    told = nights.told("night-3-plan")
    assert "10 no longer in the source (10 deleted)" in told
    assert "22 upserts, 10 deletes" in told
    counts = nights.applied(rows, "night-3-run")
    assert (counts["gone"], counts["failed"]) == (10, 0)

    # A field is renamed in the schema: told, and nothing is sent.
    rows = changed(rows, 4)
    nights.export(rows)
    emulator.schema("1509", SCHEMA.replace("tier", "level"))
    told = nights.told("schema-renamed-plan", code=4)
    assert "schema-unknown-field" in told
    emulator.schema("1509", SCHEMA)
    nights.applied(rows, "night-4-run")


def test_an_index_of_last_week_a_lost_one_and_one_in_a_bucket(
    workspace: Workspace, emulator: Emulator, store: str, tmp_path: Path
) -> None:
    nights, rows = Nights(workspace, emulator), {f"c{n:05d}": "gold" for n in range(COUNT)}
    emulator.schema("1509", SCHEMA)
    nights.export(rows)
    nights.applied(rows, "first-run")
    shutil.copytree(workspace.root / ".reconciler/index", tmp_path / "last-week")
    rows = changed(rows, 2)
    nights.export(rows)
    nights.applied(rows, "second-run")

    # The index of last week is put back in place of the newest one.
    shutil.rmtree(workspace.root / ".reconciler/index")
    shutil.copytree(tmp_path / "last-week", workspace.root / ".reconciler/index")
    rows = changed(rows, 5)
    nights.export(rows)
    told = nights.told("index-of-last-week-plan")
    assert "all rows are sent: there is no sent index of load 2; there is one of load 1" in told
    assert "nothing is deleted" in told
    nights.applied(rows, "night-5-run")

    # It is deleted, and made again from what was loaded.
    shutil.rmtree(workspace.root / ".reconciler/index")
    assert workspace.run("source", "index", "crm-profiles", "--rebuild").code == 0

    # It moves to an object store.
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "us-east-1"}
    workspace.env |= {**keys, "AWS_ENDPOINT_URL": store, "AWS_ALLOW_HTTP": "true"}
    for path in (workspace.root / ".reconciler/index").iterdir():
        httpx.put(f"{store}/crm-loads/sent/{path.name}", content=path.read_bytes()).raise_for_status()
    shutil.rmtree(workspace.root / ".reconciler/index")
    nights.index("s3://crm-loads/sent")
    workspace.forget_ledger()  # another runner
    del rows["c00001"]
    rows = changed(rows, 6)
    nights.export(rows)
    assert "1 no longer in the source (1 deleted)" in nights.told("index-in-a-bucket-plan")
    nights.applied(rows, "night-6-run")
    assert not (workspace.root / ".reconciler/index").exists()
    assert "load 4:" in workspace.run("source", "index", "crm-profiles").out
