"""Start-up of the command, and `validate` of many files.

One good file against `pre-commit --version` and `python -c "import typer, yaml"`; many files against `check-jsonschema` with the same
files and the same schema, and `octodns-validate` with as many files of one record each.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from reconciler.spec.schema import schema_text
from tests.benchmarks import octodns
from tests.benchmarks.shape import Missing, Row, Size, interleaved, quietly, timed
from tests.support.specs import FILES, write

BIN = Path(sys.executable).parent
# One command line holds only so many names; check-jsonschema takes no list of files.
AT_ONCE = 5000
COMPARTMENT = """\
apiVersion: reconciler/v1
kind: Compartment
metadata: {{name: comp-{n}, labels: {{team: t{team}}}}}
spec:
  name: Compartment number {n}
  token: token-{n}
  activations: {{country: [fr, de]}}
"""
SOURCE = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {{name: source-{n}}}
spec:
  files: ["data/{{datamart.labels.country}}/{n}/*.csv"]
  datamarts: {{country: [fr]}}
  identify_by: {{compartment: comp-{n}, user_account_id: customer_id}}
  types: {{points: integer, newsletter: boolean}}
  profile: {{rename: {{tier: loyalty_tier}}, exclude: [internal]}}
  update: {{force_replace: true}}
  bad_lines: {{allow: 1%}}
"""


def files(root: Path, count: int) -> list[str]:
    """A workspace of so many spec files, half compartments, half sources; their names."""
    made = {f"specs/d{n % 100:02}/c{n}.yaml": COMPARTMENT.format(n=n, team=n % 9) for n in range(count // 2)}
    made |= {f"specs/d{n % 100:02}/s{n}.yaml": SOURCE.format(n=n) for n in range(count - count // 2 - 2)}
    write(root, {**FILES, **made})
    return [n for n in (*FILES, *made) if n.startswith("specs/")]


def program(name: str, *arguments: str, cwd: Path) -> Callable[[], float]:
    """Seconds of a program beside this Python, run to success."""
    return lambda: timed(lambda: quietly(BIN / name, *arguments, cwd=cwd))


def start(size: Size) -> Iterator[Row]:
    """`validate` of one good file: hardly more than starting Python and importing what it needs."""
    with tempfile.TemporaryDirectory() as folder:
        root = write(Path(folder), {n: FILES[n] for n in ("reconciler.yaml", "specs/datamarts.yaml")})
        again = program("reconciler", "validate", cwd=root)
        imports, hook = "import typer, yaml", "pre-commit --version"
        works = {
            imports: program("python", "-c", imports, cwd=root),
            "version": program("reconciler", "--version", cwd=root),
            "validate": lambda: (shutil.rmtree(root / ".reconciler", ignore_errors=True), again())[1],
            "again": again,
        }
        if (BIN / "pre-commit").exists():
            works[hook] = program("pre-commit", "--version", cwd=root)
        found = interleaved(5 * size.rounds, works)
    name = "validate, 1 file"
    yield Row("reconciler --version", found["version"], "s", imports, found[imports])
    yield Row(name, found["validate"], "s", imports, found[imports], most=1.4)
    theirs = found.get(hook, Missing("pip install pre-commit"))
    yield Row(name, found["validate"], "s", hook, theirs, most=1.0)
    yield Row(f"{name}, unchanged", found["again"], "s", imports, found[imports])


def many(size: Size) -> Iterator[Row]:
    """`validate` of many files."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        names = files(root / "ours", size.files)
        (root / "ours/schema.json").write_text(schema_text())
        peers = _peers(root, names, size.files)
        again = program("reconciler", "validate", cwd=root / "ours")
        ours = {
            "cold": lambda: (shutil.rmtree(root / "ours/.reconciler", ignore_errors=True), again())[1],
            "again": again,
        }
        there = {name: work for name, work in peers.items() if not isinstance(work, Missing)}
        found = interleaved(size.rounds, {**ours, **there})
    name = f"validate, {size.files:,} files"
    for peer, work in peers.items():
        theirs = work if isinstance(work, Missing) else found[peer]
        schema = peer.startswith("check")
        yield Row(name, found["cold"], "s", peer, theirs, most=1 / 15 if schema else None)
        yield Row(f"{name}, unchanged", found["again"], "s", peer, theirs, most=1 / 60 if schema else None)


def _peers(root: Path, names: list[str], count: int) -> Mapping[str, Callable[[], float] | Missing]:
    def check() -> float:
        taken = 0.0
        for at in range(0, len(names), AT_ONCE):
            part = ("--schemafile", "schema.json", *names[at : at + AT_ONCE])
            taken += program("check-jsonschema", *part, cwd=root / "ours")()
        return taken

    there = (BIN / "check-jsonschema").exists()
    return {
        "check-jsonschema": check if there else Missing("pip install check-jsonschema"),
        "octodns-validate": (
            program("octodns-validate", "--config-file", str(octodns.records(root / "theirs", count, one_file=False)), cwd=root)
            if octodns.INSTALLED else octodns.MISSING
        ),
    }  # fmt: skip
