"""The commands of the manual are run, block by block, as a reader types them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str) -> list[str]:
    return re.findall(r"^```sh\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "reconciler"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconciler "$@"\n')
    command.chmod(0o755)
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RECONCILER_") and k != "CI"}
    return {
        **clean,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }


def test_the_tutorial(shell: dict[str, str], tmp_path: Path) -> None:
    found = blocks("tutorial.md")
    assert len(found) == 7
    script = "set -e\n" + "\n".join(f"echo '== block {n}'\n{text}" for n, text in enumerate(found, 1))
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=shell,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("== block") == len(found)
    assert "Traceback" not in done.stderr
    assert "did you mean 'loyalty'?" in done.stderr
    assert "validate found it: exit code 1" in done.stdout
    assert 'name: "Loyalty programme" -> "Loyalty club"' in done.stdout


def test_every_page_of_the_manual_is_in_the_site() -> None:
    site = (DOCS.parent / ".ci/site.yml").read_text()
    pages = {str(p.relative_to(DOCS)) for p in DOCS.rglob("*.md")}
    assert pages == set(re.findall(r"(\S+\.md)$", site, re.MULTILINE))


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(
        r"\]\(([^)#\s]+)(?:#[^)]*)?\)", re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
    ):
        if "://" not in target:
            assert (page.parent / target).exists(), target
