"""The commands of the manual are run, block by block, as a reader types them."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support import zygote
from tests.support.emulator import Emulator

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# Blocks that no test runs as they are, by their first words, with the reason.
NOT_RUN = {
    "python3 -m venv .venv && .venv/bin/pip install '.[sandbox]'": ".ci/run runs it on a clean clone",
    "python3 -m venv .venv && .venv/bin/pip install '.[test]'": ".ci/run runs it on a clean clone",
    "python3 -m venv .venv && . .venv/bin/activate": "the gate itself; .ci/run does the same",
    "reconciler -C customers source check crm": "needs the reader's own export and account",
    "export OTEL_EXPORTER_OTLP_ENDPOINT": "needs a collector; tests/workflows/test_traces.py has one",
    "reconciler -C . watch": "runs until it is interrupted; tests/workflows/test_watch.py runs it",
    "reconciler rollout status": "needs a rollout that is under way; tests/workflows/test_rollout.py has one",
    "install -d -m 2770": "needs a group of users and a folder of the system",
    "reconciler sandbox serve": "runs until it is interrupted; tests/cli/test_sandbox_commands.py runs it",
}
# Pages whose other blocks are run in a starter workspace against a sandbox that stands for an account.
WITH_AN_ACCOUNT = ("existing.md", "first-datamart.md", "pipelines.md", "sandbox.md")


def fences(page: Path) -> list[tuple[str, str]]:
    """Language and text of every block of a page."""
    found, language, lines = [], None, list[str]()
    for line in page.read_text().splitlines():
        if not line.startswith("```"):
            lines.append(line)
        elif language is None:
            language, lines = line[3:], []
        else:
            found.append((language, "\n".join(lines) + "\n"))
            language = None
    return found


def blocks(page: str) -> list[str]:
    return [text for language, text in fences(DOCS / page) if language == "sh"]


def is_run(text: str) -> bool:
    return not text.startswith(tuple(NOT_RUN))


def script(found: list[str]) -> str:
    return "set -e\n" + "\n".join(f"echo '== block {n}'\n{text}" for n, text in enumerate(found, 1))


def ran(found: list[str], folder: Path, shell: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        ["bash", "-c", script(found)],
        cwd=folder,
        env=shell,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("== block") == len(found)
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "reconciler"
    command.write_text(f'#!/bin/sh\nexec {shlex.join(zygote.command())} "$@"\n')
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
    done = ran(found, tmp_path, shell)
    assert "did you mean 'loyalty'?" in done.stderr
    assert "validate found it: exit code 1" in done.stdout
    assert 'name: "Loyalty programme" -> "Loyalty club"' in done.stdout


def test_the_messy_organisation(shell: dict[str, str], tmp_path: Path) -> None:
    found = blocks("messy-organisation.md")
    assert len(found) == 4
    done = ran(found, tmp_path, shell)
    first, by_hand = done.stdout.split("== block 3")
    assert "No changes." in first
    assert "archived" in first
    assert 'name: "News letter" -> "Newsletter"' in by_hand
    assert "No changes." in by_hand
    assert "not the organisation's: 2006, active on" in by_hand.split("== block 4")[1]


def test_the_main_job_of_the_readme(shell: dict[str, str], tmp_path: Path) -> None:
    found = [text for language, text in fences(ROOT / "README.md") if language == "sh" and is_run(text)]
    assert len(found) == 1
    shutil.copytree(ROOT / "specs", tmp_path / "specs", ignore=shutil.ignore_patterns(".*"))
    assert "No changes." in ran([*found, "reconciler -C specs sandbox stop"], tmp_path, shell).stdout


@pytest.mark.parametrize("page", WITH_AN_ACCOUNT)
def test_a_page_with_an_account(page: str, shell: dict[str, str], tmp_path: Path, emulator: Emulator) -> None:
    found = [text.replace("TOKEN=…", "TOKEN=x") for text in blocks(page) if is_run(text)]
    assert found
    account = {"RECONCILER_ENDPOINT": emulator.url, "RECONCILER_TOKEN": "x", "BROWSER": "true"}
    ran(["reconciler init .", *found], tmp_path, shell | account)


def test_every_block_of_commands_is_run_or_named_with_a_reason() -> None:
    run_elsewhere = ["tutorial.md", "messy-organisation.md", *WITH_AN_ACCOUNT]
    used = set[str]()
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")):
        for language, text in fences(page):
            if not language and re.match(r"\$ |reconciler ", text):
                raise AssertionError(f"{page.name}: a block of commands without its language: {text}")
            if language != "sh":
                continue
            used |= {start for start in NOT_RUN if text.startswith(start)}
            known = page.name in run_elsewhere or not is_run(text) or "-C specs" in text
            assert known, f"{page.name}: nothing runs this block: {text}"
    assert used == set(NOT_RUN)


def test_every_page_of_the_manual_is_in_the_site() -> None:
    site = yaml.safe_load((DOCS.parent / ".ci/site.yml").read_text())
    pages = {str(p.relative_to(DOCS)) for p in DOCS.rglob("*.md")}
    assert pages == set(re.findall(r"'([^']+\.md)'", str(site["nav"])))


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(
        r"\]\(([^)#\s]+)(?:#[^)]*)?\)", re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
    ):
        if "://" not in target:
            assert (page.parent / target).exists(), target
