"""On paper nothing can be unfolded: a page that is printed shows what is folded on a screen."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler import reports

SHEET = Path(reports.__file__).parent / "templates/page.html"


def test_what_is_folded_is_on_paper(tmp_path: Path) -> None:
    chromium, reader = shutil.which("chromium"), shutil.which("pdftotext")
    if chromium is None or reader is None:
        pytest.skip("needs Chromium and pdftotext (Debian: apt-get install chromium poppler-utils)")
    style = re.search(r"<style>.*</style>", SHEET.read_text("utf-8"), re.DOTALL)
    assert style
    page, paper = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(
        f"{style[0]}<details><summary>2 others</summary><ul><li>second-finding</li></ul></details>"
        "<details><summary>changes</summary><table><tr><td>third-change</td></tr></table></details>"
    )
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    command = [chromium, "--headless", "--disable-gpu", *sandbox, f"--user-data-dir={tmp_path / 'browser'}"]
    subprocess.run(
        [*command, f"--print-to-pdf={paper}", page.as_uri()], capture_output=True, timeout=90, check=True
    )
    text = subprocess.run([reader, paper, "-"], capture_output=True, text=True, check=True).stdout
    assert "second-finding" in text
    assert "third-change" in text
