"""Pages that people read, checked by axe-core in Chromium, wide and as on a phone: no rule of it is violated."""

import html
import json
import re
from pathlib import Path

from tests.support import npm
from tests.support.emulator import Emulator
from tests.support.fleet import Fleet
from tests.support.workspace import Workspace
from tests.workflows.test_sandbox_page import Browse, browse

__all__ = ["browse"]
AXE = "4.10.2"
WIDTHS = (1280, 390)
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
# Each page in a frame of its own; in it axe-core looks, and what it finds is put beneath the frames.
RUN = """
<script src="axe.min.js"></script>
<script>
axe.run().then(found => {
  const said = found.violations.map(v => v.id + ": " + v.help + " " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 120)).join(" | "));
  const line = parent.document.createElement("pre");
  line.textContent = JSON.stringify({page: "NAME", passed: found.passes.length, said});
  parent.document.body.append(line);
});
</script></body>"""


def test_no_page_violates_a_rule(
    workspace: Workspace, emulator: Emulator, browse: Browse, tmp_path: Path
) -> None:
    axe = npm.installed("axe-core", AXE) / "axe.min.js"
    pages = {**of_a_workspace(workspace, emulator), "rollout": of_a_rollout(tmp_path)}
    (tmp_path / "axe.min.js").write_bytes(axe.read_bytes())
    frames = []
    for name, page in pages.items():
        assert POLICY.search(page), page  # it lets no script run, so it is left out of what is checked
        for width in WIDTHS:
            body = POLICY.sub("", page).replace("</body>", RUN.replace("NAME", f"{name} {width}"))
            frames.append(f'<iframe width="{width}" height="2000" srcdoc="{html.escape(body)}"></iframe>')
    file = tmp_path / "pages.html"
    file.write_text(f"<!doctype html><body>{''.join(frames)}</body>")
    seen = re.findall(r"<pre>(.*?)</pre>", browse(file.as_uri()), re.DOTALL)
    found = [json.loads(html.unescape(line)) for line in seen]
    assert {x["page"] for x in found} == {f"{name} {width}" for name in pages for width in WIDTHS}
    assert min(x["passed"] for x in found) > 10
    assert {x["page"]: x["said"] for x in found if x["said"]} == {}


def of_a_workspace(workspace: Workspace, emulator: Emulator) -> dict[str, str]:
    workspace.customers(40, max_bytes=4_000)
    emulator.quarantine("c000003")
    made = {"drift without a baseline": workspace.run("drift", "-o", "html").out}
    made["plan"] = workspace.run("plan", "-o", "html").out
    made["run"] = workspace.run("apply", "--auto-approve", "-o", "html").out
    loyalty = next(c for c in emulator.compartments() if c["token"] == "loyalty")
    emulator.store.update("compartment", loyalty["id"], {"name": "By hand"})
    made["runs"] = workspace.run("runs", "-o", "html").out
    made["drift"] = workspace.run("drift", "-o", "html").out
    assert "Partial: 1 partial" in made["run"]
    assert "Changed on the platform since the last apply" in made["drift"]
    return made


def of_a_rollout(tmp_path: Path) -> str:
    fleet = Fleet(tmp_path / "fleet", lines=5)
    try:
        fleet.emulator.quarantine("c000001")
        done = fleet.workspace.run("apply", fleet.planned(), "-o", "html")
        assert (done.code, "Stopped: wave early" in done.out) == (3, True), done
        status = fleet.workspace.run("rollout", "status", "-o", "html")
        assert "Stopped: wave early" in status.out
        return done.out
    finally:
        fleet.emulator.stop()
