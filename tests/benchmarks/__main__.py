"""Run the benchmarks and print one table: python -m tests.benchmarks [--small] [--only NAME ...] [-o text|json|markdown]."""

import argparse
import dataclasses
import importlib
import os
import platform
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks import table
from tests.benchmarks.shape import FULL, SMALL, Benchmark, Size

ROOT = Path(__file__).resolve().parents[2]
# Name on the command line -> module and function; the order of the table.
BENCHMARKS = {
    "start": ("validate", "start"),
    "validate": ("validate", "many"),
    "plan": ("plans", "plan"),
    "large-config": ("large", "compartments"),
    "large-loads": ("large", "sources"),
    "apply": ("applies", "apply"),
    "check": ("loads", "check"),
    "tables": ("loads", "tables"),
    "upload": ("loads", "upload"),
    "duplicates": ("loads", "duplicates"),
    "schema": ("schema_check", "compare"),
    "delta": ("deltas", "delta"),
    "memory": ("memory", "memory"),
    "sandbox": ("sandbox", "sandbox"),
    "dask": ("cluster", "dask"),
}
FORMATS = {"text": table.text, "json": table.as_json, "markdown": table.markdown}


def main() -> int:
    """Run, print, and end with 1 if a benchmark failed; an aim that was not reached is no failure."""
    asked = _arguments()
    os.environ["RECONCILER_TESTS_EXEC"] = "1"  # every command is a process of its own
    size = dataclasses.replace(SMALL if asked.small else FULL, **dict(asked.set))
    load, began = os.getloadavg()[0], time.strftime("%Y-%m-%d", time.gmtime())
    done = [measured(name, size) for name in BENCHMARKS if not asked.only or name in asked.only]
    found = {
        "format": 1,
        "date": began,
        **_commit(),
        "machine": {**_machine(), "load": load},
        "size": ("small" if asked.small else "full") + (", changed" if asked.set else ""),
        "sizes": dataclasses.asdict(size),
        "benchmarks": done,
    }
    made = FORMATS[asked.output](found)
    if asked.out:
        asked.out.write_text(made, "utf-8")
    else:
        sys.stdout.write(made)
    return 1 if any(b["error"] for b in done) else 0


def measured(name: str, size: Size) -> dict[str, Any]:
    """The rows of a benchmark as plain data; those it gave before it failed, and why."""
    print(f"{name} …", end="", file=sys.stderr, flush=True)
    begun, error = time.monotonic(), None
    rows: list[dict[str, Any]] = []
    try:
        rows.extend(row.plain() for row in benchmark(name)(size))
    except Exception as failure:
        traceback.print_exc()
        error = f"{type(failure).__name__}: {failure}".partition("\n")[0][:300]
    took = time.monotonic() - begun
    print(f" {took:.0f} s", file=sys.stderr, flush=True)
    return {"name": name, "seconds": round(took, 1), "rows": rows, "error": error}


def benchmark(name: str) -> Benchmark:
    """The function of that name; loaded when it is run."""
    module, function = BENCHMARKS[name]
    found: Benchmark = getattr(importlib.import_module(f"tests.benchmarks.{module}"), function)
    return found


def _arguments() -> argparse.Namespace:
    fields = {f.name: f for f in dataclasses.fields(Size)}

    def one(text: str) -> tuple[str, int]:
        name, _, value = text.partition("=")
        if name not in fields:
            raise argparse.ArgumentTypeError(f"there is no size {name}; there is {', '.join(fields)}")
        return name, int(value.replace("_", ""))

    sizes = "\n".join(
        f"  {name:18} {f.default:>12,} {getattr(SMALL, name):>10,}  {f.metadata['help']}"
        for name, f in fields.items()
    )
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Measure, each against a peer or a limit in the same run, and print one table.",
        epilog=f"sizes for --set:           full      small\n{sizes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS, metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; may be repeated"
    )  # fmt: skip
    parser.add_argument("--small", action="store_true", help="for a machine that is busy: some minutes")
    parser.add_argument(
        "--set", action="append", default=[], type=one, metavar="SIZE=N", help="another size, see below"
    )
    parser.add_argument("-o", dest="output", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--out", type=Path, help="a file instead of standard output")
    return parser.parse_args()


def _commit() -> dict[str, Any]:
    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=ROOT, check=False, capture_output=True, text=True
        ).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "reconciler")
    return {"commit": git("rev-parse", "--short=12", "HEAD") or "unknown", "changed": bool(changed)}


def _machine() -> dict[str, Any]:
    def first(path: str, word: str) -> Iterator[str]:
        for line in Path(path).read_text().splitlines() if Path(path).exists() else ():
            if line.startswith(word):
                yield line.partition(":")[2].strip()

    memory = next(first("/proc/meminfo", "MemTotal"), "0 kB")
    return {
        "cores": os.cpu_count(),
        "processor": next(first("/proc/cpuinfo", "model name"), platform.machine()),
        "memory_gb": int(memory.split()[0]) / 1e6,
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    sys.exit(main())
