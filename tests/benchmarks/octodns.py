"""octoDNS as a peer: it plans DNS records as we plan compartments, from YAML. One record beside one compartment."""

import importlib.util
import sys
from pathlib import Path

from tests.benchmarks.shape import Missing, quietly

INSTALLED = importlib.util.find_spec("octodns") is not None
MISSING = Missing("pip install octodns")
ZONE = "example.com."
# What `octodns-sync` does without `--doit`, without the time of its start.
PLAN = """\
import sys, time
from octodns.manager import Manager
before = time.process_time()
Manager(sys.argv[1]).sync(dry_run=True)
print(time.process_time() - before)
"""


def records(root: Path, count: int, *, one_file: bool) -> Path:
    """A zone of so many records, in one file or in a file each; the configuration that compares it with itself."""
    texts = {
        f"r{n}": f"r{n}:\n  type: A\n  value: 10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}\n"
        for n in range(count)
    }
    folder = root / "zones" if one_file else root / "zones" / ZONE
    folder.mkdir(parents=True)
    if one_file:
        (folder / f"{ZONE}yaml").write_text("---\n" + "".join(texts.values()))
    else:
        for name, text in texts.items():
            (folder / f"{name}.yaml").write_text(f"---\n{text}")
    split = "" if one_file else ", split_extension: '.'"
    provider = (
        f"{{class: octodns.provider.yaml.YamlProvider, directory: {root}/zones, enforce_order: false{split}}}"
    )
    made = root / "octodns.yaml"
    made.write_text(
        f"providers:\n  a: {provider}\n  b: {provider}\nzones:\n  {ZONE}: {{sources: [a], targets: [b]}}\n"
    )
    return made


def planning(config: Path) -> float:
    """Seconds of processor of planning them, unchanged."""
    return float(quietly(sys.executable, "-c", PLAN, config).stdout.splitlines()[-1])
