"""Pictures of the README, made from the plan of a starter workspace on the sandbox. `.ci/pictures` writes them."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

COLUMNS = 84
_FORMAT_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)


def starter(folder: Path) -> Path:
    """A starter workspace."""
    _run("init", str(folder))
    return folder


def plan_svg(workspace: Path) -> str:
    """What `plan` shows on a terminal. No font is loaded from elsewhere."""
    from rich.console import Console
    from rich.text import Text

    shown = _run("-C", str(workspace), "plan", FORCE_COLOR="1")
    where = f" -C {workspace}"
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"$ reconciler plan\n{shown}".replace(where, "")))
    svg = console.export_svg(title="reconciler plan", unique_id="plan")
    return "\n".join(line.rstrip() for line in _FORMAT_FONTS.sub("", svg).split("\n")) + "\n"


def plan_png(workspace: Path, page: Path, picture: Path) -> None:
    """The page that `plan -o html` writes, as a browser shows it."""
    page.write_text(_run("-C", str(workspace), "plan", "-o", "html"), "utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=960,1100"]
    subprocess.run(
        ["chromium", *flags, f"--screenshot={picture}", page.as_uri()], check=True, capture_output=True
    )


def stop(workspace: Path) -> None:
    """End its sandbox."""
    _run("-C", str(workspace), "sandbox", "stop")


def _run(*arguments: str, **more: str) -> str:
    hidden = ("CI", "NO_COLOR")
    environ = {k: v for k, v in os.environ.items() if not k.startswith("RECONCILER_") and k not in hidden}
    command = [sys.executable, "-m", "reconciler", *arguments]
    return subprocess.run(command, env=environ | more, check=True, capture_output=True, text=True).stdout
