"""Delta loads of each kind of source, on several datamarts, and with their index in an object store."""

import shutil
import sqlite3
from collections.abc import Iterator

import httpx
import pytest
from moto.server import ThreadedMotoServer

from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace
from tests.workflows.test_delta_loads import SOURCE, Rows, applied, counts, customers, export, planned, stored


@pytest.fixture
def bucket(workspace: Workspace) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    httpx.post(f"{url}/moto-api/reset")
    httpx.put(f"{url}/retail-data")
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_REGION": "us-east-1"}
    workspace.env |= {**keys, "AWS_ENDPOINT_URL": url, "AWS_ALLOW_HTTP": "true"}
    yield "s3://retail-data/sent"
    server.stop()


COMMAND = (
    '{"operation":"UPSERT","compartment_id":"1000","user_account_id":"WHO","force_replace":true,'
    '"user_profile":{"$compartment_id":"1000","$user_account_id":"WHO","tier":"TIER"}}\n'
)
KEEP_LAST = CUSTOMERS + "  duplicates: keep_last\n  send: changed\n"


def test_of_rows_about_one_identity_the_last_is_compared(workspace: Workspace, emulator: Emulator) -> None:
    rows = [("a", "1"), ("b", "1"), ("a", "2"), ("c", "1")]

    def put() -> None:
        workspace.write("specs/customers.yaml", KEEP_LAST)
        workspace.write("data/customers.csv", "id,tier\n" + "".join(f"{a},{t}\n" for a, t in rows))

    put()
    assert applied(workspace)["counts"]["sent"] == 3
    rows.insert(0, ("b", "0"))  # replaced by a later row, as before
    put()
    assert planned(workspace)["actions"] == ["no-op"]
    rows.append(("b", "2"))
    put()
    assert counts(planned(workspace)) == (0, 1, 2, 0, 0)
    done = applied(workspace)["counts"]
    assert (done["sent"], done["unchanged"], done["rejected"]) == (1, 2, 3)
    assert stored(emulator) == {"a": "2", "b": "2", "c": "1"}


def test_a_query_is_compared_when_apply_reads_it(workspace: Workspace, emulator: Emulator) -> None:
    source = SOURCE.replace(
        'files: ["data/*.csv"]', "sql: {url: 'sqlite:///crm.db', query: 'SELECT id, tier FROM people'}"
    )
    workspace.write("specs/customers.yaml", source)
    with sqlite3.connect(workspace.root / "crm.db") as db:
        db.execute("CREATE TABLE people (id TEXT, tier TEXT)")
        db.executemany("INSERT INTO people VALUES (?, 'v1')", [(f"c{n}",) for n in range(20)])
    assert applied(workspace)["counts"]["sent"] == 20
    with sqlite3.connect(workspace.root / "crm.db") as db:
        db.execute("UPDATE people SET tier = 'v2' WHERE id = 'c7'")
    done = applied(workspace)["counts"]
    assert (done["sent"], done["unchanged"], done["read"]) == (1, 19, 20)
    assert stored(emulator)["c7"] == "v2"
    workspace.write("specs/customers.yaml", source + "  gone: delete\n")
    for sent, gone in (("v2", ["c1"]), ("v3", ["c2", "c3"])):
        with sqlite3.connect(workspace.root / "crm.db") as db:
            db.execute("UPDATE people SET tier = ? WHERE id = 'c8'", (sent,))
            db.executemany("DELETE FROM people WHERE id = ?", [(g,) for g in gone])
        done = applied(workspace)["counts"]
    assert (done["sent"], done["gone"], done["read"]) == (3, 2, 17)
    assert sorted(stored(emulator)) == sorted({f"c{n}" for n in range(20)} - {"c2", "c3"})  # c1: not known
    again = workspace.run("apply", "--auto-approve")
    assert again.code == 0, again
    assert len([n for n in emulator.imports_named("1509") if ".sealed." in n]) == 4


def test_commands_are_compared_as_they_are_sent(workspace: Workspace, emulator: Emulator) -> None:
    workspace.write(
        "specs/people.yaml",
        "apiVersion: reconciler/v1\nkind: ProfileSource\nmetadata: {name: people}\n"
        "spec: {files: [data/people.ndjson], datamarts: retail-fr, duplicates: refuse, send: changed}\n",
    )

    def put(rows: Rows) -> None:
        lines = [COMMAND.replace("WHO", account).replace("TIER", tier) for account, tier in rows.items()]
        workspace.write("data/people.ndjson", "".join(lines))

    rows = customers(3000)
    put(rows)
    assert workspace.run("apply", "--auto-approve").code == 0
    rows["c000001"] = rows["c002999"] = "v2"
    put(rows)
    assert counts(planned(workspace)) == (0, 2, 2998, 0, 0)
    assert workspace.run("apply", "--auto-approve").code == 0
    assert stored(emulator) == rows
    assert planned(workspace)["actions"] == ["no-op"]


def test_each_datamart_has_an_index_of_its_own(workspace: Workspace, emulator: Emulator) -> None:
    source = SOURCE.replace("datamarts: retail-fr", "datamarts: all")
    rows = customers(30)
    export(workspace, rows, source=source)
    assert workspace.run("apply", "--auto-approve").code == 0
    rows["c000001"] = "v2"
    export(workspace, rows, source=source)
    assert workspace.run("apply", "--auto-approve", "--datamart", "retail-de").code == 0
    french, german = sorted(workspace.plan()["loads"], key=lambda x: x["datamart"], reverse=True)
    assert (counts(french), german["actions"]) == ((0, 1, 29, 0, 0), ["no-op"])


def test_an_index_in_an_object_store(workspace: Workspace, emulator: Emulator, bucket: str) -> None:
    text = (workspace.root / "reconciler.yaml").read_text()
    workspace.write("reconciler.yaml", text + f"  index: {bucket}\n  index_key: {{env: INDEX_KEY}}\n")
    workspace.env["INDEX_KEY"] = "0123456789abcdef0123456789abcdef"
    rows = customers(50)
    export(workspace, rows)
    applied(workspace)
    shutil.rmtree(workspace.root / ".reconciler")
    for night in range(2):
        rows["c000001"] = f"night {night}"
        export(workspace, rows)
        assert counts(planned(workspace)) == (0, 1, 49, 0, 0)
        assert applied(workspace)["counts"]["sent"] == 1
    assert not (workspace.root / ".reconciler/index").exists()
    assert "load 3: 50 identities" in workspace.run("source", "index", "customers").out
    assert workspace.run("source", "index", "customers", "--drop").code == 0
    rows["c000002"] = "v2"
    export(workspace, rows)
    assert counts(planned(workspace)) is None


def test_frames_of_rows_are_compared(workspace: Workspace, emulator: Emulator) -> None:
    """Enough rows for the fast way, which makes lines column by column."""
    rows = customers(20_000)
    export(workspace, rows)
    applied(workspace)
    for n in range(0, 20_000, 97):
        rows[f"c{n:06d}"] = "v2"
    export(workspace, rows)
    changed = len(range(0, 20_000, 97))
    assert counts(planned(workspace)) == (0, changed, 20_000 - changed, 0, 0)
    assert applied(workspace)["counts"]["sent"] == changed
    assert stored(emulator) == rows
