"""Programs from npm that tests drive, installed once beside the checkout."""

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

HOME = Path(__file__).parents[2] / ".npm"


def installed(package: str, version: str) -> Path:
    """The folder of a package; skips with the reason where it cannot be installed.

    Args:
        package: its name on npm.
        version: the exact version.
    """
    home = HOME / f"{package.replace('/', '+')}@{version}"
    if not home.exists():
        if not (shutil.which("node") and shutil.which("npm")):
            pytest.skip(f"{package} needs Node.js and npm, which this machine lacks")
        prefix = home.with_name(f"{home.name}.{os.getpid()}")
        prefix.mkdir(parents=True, exist_ok=True)
        (prefix / "package.json").write_text("{}")
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--silent", f"{package}@{version}"],
            cwd=prefix,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"npm cannot install {package}: {done.stderr.strip()[-300:]}")
        with suppress(OSError):  # another test process was first
            prefix.rename(home)
        shutil.rmtree(prefix, ignore_errors=True)
    return home / "node_modules" / package
