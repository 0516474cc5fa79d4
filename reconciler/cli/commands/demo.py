"""`demo`."""

import json
import os
import random
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import options as opt
from reconciler.cli.output.console import out, style
from reconciler.cli.scaffold import scaffold
from reconciler.cli.wiring.sandbox_process import FOLDER, need_installed, running
from reconciler.errors import ReconcilerError
from reconciler.model.exit_code import Exit
from reconciler.reports.style import Style

# A dozen of what goes wrong in real files.
_BAD = (
    "",
    "not json at all",
    '{"operation":"UPSERT","force_replace":true,"user_profile":{"tier":"gold"}}',
    '{"operation":"UPSERT","user_account_id":"b1","email_hash":"e1","force_replace":true,"user_profile":{}}',
    '{"operation":"UPSERT","user_account_id":"b2","user_profile":{}}',
    '{"operation":"UPSERT","user_account_id":"b3","force_replace":true}',
    '{"operation":"MERGE","user_account_id":"b4","force_replace":true,"user_profile":{}}',
    '{"operation":"DELETE"}',
    '{"operation":"UPSERT","user_account_id":"b5","force_replace":true,"user_profile":{"$user_account_id":"other"}}',
    '{"operation":"UPSERT","user_account_id":"b6","force_replace":"yes","user_profile":{}}',
    '{"operation":"UPSERT","user_account_id":"b7","user_account_id":"b8","force_replace":true,"user_profile":{}}',
    '{"operation":"UPSERT","user_account_id":"b9","force_replace":true,"user_profile":{"tier":"gold"}',
)
COMMANDS = 5_200
CUSTOMERS = {"fr": 1_500, "de": 1_200, "es": 1_100}
_TIERS = ("bronze", "silver", "gold")
_SPAIN = """\
apiVersion: reconciler/v1
kind: Datamarts
metadata: {name: new-market}
spec:
  retail-es: {id: "1511", labels: {country: es}}
"""


def demo(
    directory: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="A new folder. Default: a temporary folder.")
    ] = None,
    no_color: opt.NoColor = False,
) -> int:
    """Show the main job from start to end, on the built-in sandbox."""
    return run_demo(directory, style(sys.stdout, no_color=no_color))


def run_demo(directory: Path | None, marks: Style) -> int:
    """Scaffold, validate, plan, apply, plan again; the exit code of the first command that does not do as told here.

    Raises:
        MissingExtra: the sandbox is not installed; nothing is written then.
        ReconcilerError: the folder is not empty, or cannot be written.
    """
    need_installed()
    root = directory or Path(tempfile.mkdtemp(prefix="reconciler-demo-"))
    if root.exists() and any(root.iterdir()):
        raise ReconcilerError(f"{root} is not empty", help="name a new folder, or give no folder")
    _write(root)
    out(
        f"A workspace with three datamarts, three compartments and two profile sources was written to\n{root}\n\n"
    )
    say = _Narrator(root, marks)
    steps = (
        ("Check the specs offline. No output means no findings.", ["validate"]),
        (
            "Compare specs, files and the platform (here: the built-in sandbox). Nothing is written.",
            ["plan", "--out", str(root / "first.plan")],
        ),
        (
            "Apply exactly the reviewed plan: configuration changes first, then loads.",
            ["apply", str(root / "first.plan")],
        ),
        (
            "Plan again: the platform equals the specs, and every file is loaded.",
            ["plan", "--detailed-exitcode"],
        ),
    )
    for words, command in steps:
        if code := say.step(words, command):
            out(marks.red(f"the command exited with {code}, which the demo does not expect"))
            return code
    shown = shlex.quote(str(root))
    out(f"""
Where to go next
  open {running(root / FOLDER)}/ in a browser: the present contents of the sandbox
  edit {root / "specs" / "compartments.yaml"}, then plan and apply again
  kill an apply and run it again: nothing is sent twice
  reconciler init DIR        a new workspace
  reconciler plan --help     options that limit a plan

The sandbox still runs. To end it, and to remove the folder with all that the demo wrote:
  reconciler -C {shown} sandbox stop
  rm -r {shown}
""")
    return Exit.DONE


def _write(root: Path) -> None:
    scaffold(root)
    (root / "specs" / "spain.yaml").write_text(_SPAIN, "utf-8")
    third = "\n---\napiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: web-accounts}\nspec:\n  name: Web accounts\n  token: web\n  activations: {datamarts: all, except: retail-es}\n"
    with (root / "specs" / "compartments.yaml").open("a", encoding="utf-8") as file:
        file.write(third)
    dice = random.Random(1185)  # noqa: S311 - synthetic profiles, the same every time
    for country, count in CUSTOMERS.items():
        rows = [
            f"C{n:06d},{dice.choice(_TIERS)},{dice.randrange(5000)},{dice.choice(('true', 'false'))}"
            for n in range(count)
        ]
        (root / "data" / country).mkdir(parents=True, exist_ok=True)
        (root / "data" / country / "customers.csv").write_text(
            "customer_id,tier,points,newsletter\n" + "\n".join(rows) + "\n", "utf-8"
        )
    lines = [
        json.dumps(
            {
                "operation": "UPSERT",
                "user_account_id": f"A{n:06d}",
                "force_replace": True,
                "user_profile": {"tier": dice.choice(_TIERS), "visits": dice.randrange(100)},
            }
        )
        for n in range(COMMANDS - len(_BAD))
    ]
    for bad in _BAD:
        lines.insert(dice.randrange(len(lines)), bad)
    (root / "data" / "fr" / "crm.ndjson").write_text("\n".join(lines) + "\n", "utf-8")
    (root / FOLDER).mkdir(exist_ok=True)
    from reconciler.sandbox.seed import RETAIL, SEED

    third_datamart = {"id": "1511", "name": "Retail ES", "organisation_id": "1185"}
    default = {"datamart_id": "1511", "compartment_id": "1000", "default": True}
    seed = {
        **SEED,
        "datamarts": [*SEED["datamarts"], third_datamart],
        "activations": [*SEED["activations"], default],
        "schemas": [*SEED["schemas"], {"datamart_id": "1511", "text": RETAIL}],
    }
    (root / FOLDER / "seed.json").write_text(json.dumps(seed), "utf-8")


class _Narrator:
    def __init__(self, root: Path, marks: Style) -> None:
        self.root, self.marks, self.count = root, marks, 0

    def step(self, words: str, command: list[str]) -> int:
        """Say what a command is for, show it, run it."""
        self.count += 1
        shown = " ".join(["reconciler", "-C", str(self.root), *command])
        out(f"{self.marks.bold(f'{self.count}. {words}')}\n   $ {shown}\n\n")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("RECONCILER_")}
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "reconciler", "-C", str(self.root), *command], env=environment, check=False
        )
        out("\n")
        return done.returncode
