"""How long `validate` takes, against named peers in the same run. `python -m tests.benchmarks.validate [FILES] [ROUNDS]`.

One good file against `pre-commit --version` and `python -c "import typer, yaml"`; many files against `check-jsonschema`
with the same files and the same schema (from the `dev` extra). Medians of interleaved runs.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.spec.schema import schema_text
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


def many(root: Path, files: int) -> list[str]:
    """A workspace of so many spec files, half compartments, half sources; their names."""
    made = {f"specs/d{n % 100:02}/c{n}.yaml": COMPARTMENT.format(n=n, team=n % 9) for n in range(files // 2)}
    made |= {f"specs/d{n % 100:02}/s{n}.yaml": SOURCE.format(n=n) for n in range(files - files // 2 - 2)}
    write(root, {**FILES, **made})
    return [n for n in (*FILES, *made) if n.startswith("specs/")]


class Run(NamedTuple):
    """What is timed, and what has to happen before it that is not."""

    name: str
    call: Callable[[], object]
    before: Callable[[], object] = lambda: None


def medians(rounds: int, runs: Sequence[Run]) -> dict[str, float]:
    """Seconds by name, of interleaved runs."""
    taken: dict[str, list[float]] = {run.name: [] for run in runs}
    for _ in range(rounds):
        for run in runs:
            run.before()
            begun = time.perf_counter()
            run.call()
            taken[run.name].append(time.perf_counter() - begun)
    found = {name: statistics.median(values) for name, values in taken.items()}
    for name, seconds in found.items():
        print(f"{seconds * 1000:9,.0f} ms  {name}")
    return found


def program(name: str, *arguments: str, cwd: Path) -> Callable[[], object]:
    """A program beside this Python, run to success, quietly."""
    return lambda: subprocess.run([BIN / name, *arguments], cwd=cwd, check=True, capture_output=True)


def one_file(root: Path, rounds: int) -> None:
    """Start-up."""
    write(root, {name: FILES[name] for name in ("reconciler.yaml", "specs/datamarts.yaml")})
    validate = program("reconciler", "validate", cwd=root)
    found = medians(
        rounds,
        [
            Run("python -c 'import typer, yaml'", program("python", "-c", "import typer, yaml", cwd=root)),
            Run("pre-commit --version", program("pre-commit", "--version", cwd=root)),
            Run("validate", validate, lambda: shutil.rmtree(root / ".reconciler", ignore_errors=True)),
            Run("validate, unchanged", validate),
        ],
    )
    imports, hook = found["python -c 'import typer, yaml'"], found["pre-commit --version"]
    print(
        f"validate of one good file: {found['validate'] / imports:.2f} of importing typer and yaml (limit 1.40)"
    )
    print(f"validate of one good file: {found['validate'] / hook:.2f} of pre-commit --version (limit 1.00)")
    print(
        f"  unchanged: {found['validate, unchanged'] / imports:.2f} and {found['validate, unchanged'] / hook:.2f}\n"
    )


def many_files(root: Path, files: int, rounds: int) -> None:
    """Size."""
    names = many(root, files)
    (root / "schema.json").write_text(schema_text())
    validate = program("reconciler", "validate", cwd=root)

    def peer() -> None:
        for at in range(0, len(names), AT_ONCE):
            program("check-jsonschema", "--schemafile", "schema.json", *names[at : at + AT_ONCE], cwd=root)()

    peer_name, cold, warm = f"check-jsonschema, {len(names):,} files", "validate", "validate, unchanged"
    found = medians(
        rounds,
        [
            Run(peer_name, peer),
            Run(cold, validate, lambda: shutil.rmtree(root / ".reconciler", ignore_errors=True)),
            Run(warm, validate),
        ],
    )
    print(f"validate of many files: {found[peer_name] / found[cold]:.1f} times faster, cold (limit 15)")
    print(f"validate of many files: {found[peer_name] / found[warm]:.0f} times faster, unchanged (limit 60)")


def main() -> None:
    """Both, in folders that are thrown away."""
    files, rounds = (int(a) for a in [*sys.argv[1:], *["10000", "5"][len(sys.argv) - 1 :]])
    with tempfile.TemporaryDirectory() as folder:
        one_file(Path(folder) / "one", 5 * rounds)
        many_files(Path(folder) / "many", files, rounds)


if __name__ == "__main__":
    main()
