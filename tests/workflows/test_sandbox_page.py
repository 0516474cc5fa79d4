"""The emulator's page, in a real browser: what it shows, and that no other site can make it do anything."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

QUIET = "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
Browse = Callable[[str], str]


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """Load a page in headless Chromium, let its scripts run, and give what became of its elements."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")

    def load(url: str) -> str:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        profile = f"--user-data-dir={tmp_path / 'browser'}"
        command = [
            program,
            "--headless",
            *sandbox,
            *QUIET.split(),
            profile,
            "--virtual-time-budget=3000",
            "--dump-dom",
            url,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
        return done.stdout

    return load


def test_the_page_shows_what_is_there(workspace: Workspace, emulator: Emulator, browse: Browse) -> None:
    workspace.customers(30)
    assert workspace.run("apply", "--auto-approve").code == 0
    seen = browse(emulator.url)
    for words in (
        "Retail FR",
        "loyalty",
        ">default<",
        ">active<",
        "SUCCEEDED",
        "rcl1.shop.customers.g1",
        "sealed",
        "c000029",
    ):
        assert words in seen, words
    assert "/v1/datamarts/1509/document_imports" in seen
    one = browse(f"{emulator.url}/?datamart=1509&account=c000007#profiles")
    assert "c000007" in one
    assert "c000008" not in one


def test_failed_lines_and_faults_are_shown(workspace: Workspace, emulator: Emulator, browse: Browse) -> None:
    workspace.customers(30)
    emulator.quarantine("c000003")
    emulator.fault({"do": "drop_after", "method": "POST", "path": "/executions"})
    assert workspace.run("apply", "--auto-approve").code == 3
    seen = browse(emulator.url)
    for words in ("line 4: the user point", ">dropped<", ">drop_after<"):
        assert words in seen, words


def test_names_stay_text(emulator: Emulator, browse: Browse) -> None:
    evil = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    with httpx.Client(base_url=emulator.url, headers={"Authorization": "t"}) as http:
        body = {"organisation_id": "1185", "token": "evil", "name": evil}
        assert http.post("/v1/user_account_compartments", json=body).status_code == 200
    seen = browse(f"{emulator.url}/?account=%22%3E%3Cscript%3Edocument.title%3D%27owned%27%3C/script%3E")
    assert "<title>reconciler sandbox</title>" in seen
    assert "<script" not in seen


ATTACK = """<title>before</title><body><script>
const target = "%s";
const body = JSON.stringify({organisation_id: "1185", token: "stolen", name: "x"});
const tries = [
  fetch(target + "/v1/user_account_compartments", {method: "POST", body, headers: {Authorization: "t"}}),
  fetch(target + "/v1/user_account_compartments", {method: "POST", body, mode: "no-cors", headers: {"Content-Type": "text/plain"}}),
  fetch(target + "/_sandbox/control", {method: "POST", body: '{"switches":{"page_cap":1}}', headers: {"Content-Type": "application/json"}}),
  fetch(target + "/_sandbox/control", {method: "POST", body: '{"switches":{"page_cap":1}}', mode: "no-cors"}),
  fetch(target + "/_sandbox/requests").then(r => r.text()).then(t => { document.title = "read " + t.length; }),
];
Promise.allSettled(tries).then(() => {
  const form = document.createElement("form");
  form.method = "POST"; form.action = target + "/v1/user_account_compartments"; form.enctype = "text/plain";
  form.innerHTML = '<input name=\\'{"organisation_id":"1185","token":"stolen","x":"\\' value=\\'"}\\'>';
  document.body.append(form);
  if (document.title === "before") { document.title = "not read"; }
  const frame = document.createElement("iframe"); frame.name = "f"; document.body.append(frame);
  form.target = "f"; form.submit();
});
</script></body>"""


def test_another_site_can_neither_write_nor_read(emulator: Emulator, browse: Browse) -> None:
    class Site(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            page = (ATTACK % emulator.url).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        seen = browse(f"http://127.0.0.1:{server.server_address[1]}/")
    finally:
        server.shutdown()
        server.server_close()
    assert "<title>not read</title>" in seen
    assert "stolen" not in str(emulator.compartments())
    assert emulator.sandbox.switches.page_cap == 500


@pytest.mark.parametrize("path", ["/", "/_sandbox/requests", "/v1/datamarts?organisation_id=1185"])
def test_a_foreign_host_name_that_points_here_gets_nothing(emulator: Emulator, path: str) -> None:
    headers = {"Host": "evil.example", "Authorization": "t"}
    assert httpx.get(emulator.url + path, headers=headers).status_code == 403
    assert httpx.get(emulator.url + path, headers={"Authorization": "t"}).status_code == 200
    assert (
        httpx.post(emulator.url + path, headers={"Origin": "http://evil.example"}, json={}).status_code == 403
    )
