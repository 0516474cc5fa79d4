"""Forty datamarts in four waves, one compartment and one source for all of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.emulator import Emulator
from tests.support.workspace import CUSTOMERS, Workspace

STAGES = {"canary": 2, "early": 6, "most": 12, "late": 20}
WAVES = """\
    - {name: canary, datamarts: {stage: canary}}
    - {name: early, datamarts: {stage: early}, gates: {max_failed_lines_percent: 1}}
    - {name: most, datamarts: {stage: most}, max_parallel_datamarts: 4}
    - {name: everyone, datamarts: rest}
"""
SOURCE = CUSTOMERS.replace("datamarts: retail-fr", "datamarts: all")


class Fleet:
    """The emulator, the workspace, and who is where."""

    def __init__(
        self,
        folder: Path,
        *,
        waves: str = WAVES,
        more: str = "",
        lines: int = 20,
        stages: Mapping[str, int] = STAGES,
    ) -> None:
        self.stages = [stage for stage, count in stages.items() for _ in range(count)]
        self.names = [f"m{n:02}" for n in range(len(self.stages))]
        self.ids = {name: str(3000 + n) for n, name in enumerate(self.names)}
        self.emulator = Emulator(folder / "emulator", self.seed())
        self.workspace = Workspace(folder / "ws", self.emulator.url)
        rows = (
            f'  {n}: {{id: "{self.ids[n]}", labels: {{stage: {s}}}}}\n'
            for n, s in zip(self.names, self.stages, strict=True)
        )
        head = "apiVersion: reconciler/v1\nkind: Datamarts\nmetadata: {name: fleet}\nspec:\n"
        self.workspace.write("specs/datamarts.yaml", head + "".join(rows))
        self.rollout(waves, more)
        self.workspace.customers(lines, source=SOURCE)
        self.lines = lines

    def seed(self) -> dict[str, Any]:
        ids = self.ids.items()
        return {
            "datamarts": [{"id": i, "name": n, "organisation_id": "1185"} for n, i in ids],
            "compartments": [{"id": "1000", "organisation_id": "1185", "token": "default", "name": None}],
            "activations": [{"datamart_id": i, "compartment_id": "1000", "default": True} for _, i in ids],
        }

    def rollout(self, waves: str, more: str = "") -> None:
        head = "apiVersion: reconciler/v1\nkind: Rollout\nmetadata: {name: default}\nspec:\n"
        self.workspace.write("specs/rollout.yaml", f"{head}{more}  waves:\n{waves}")

    def planned(self) -> str:
        """A saved plan."""
        path = self.workspace.root.parent / "reviewed.plan"
        done = self.workspace.run("plan", "--out", str(path))
        assert done.code == 0, done
        return str(path)

    def loaded(self) -> list[str]:
        """Stages of the datamarts that have profiles."""
        return [
            s for n, s in zip(self.names, self.stages, strict=True) if self.emulator.profiles(self.ids[n])
        ]

    def touched(self) -> set[str]:
        """Stages of datamarts that something was written to."""
        written = {r["path"].split("/")[3] for r in self.emulator.writes() if "/datamarts/" in r["path"]}
        return {s for n, s in zip(self.names, self.stages, strict=True) if self.ids[n] in written}

    def once_each(self) -> None:
        """Nothing is there twice."""
        assert [c["token"] for c in self.emulator.compartments()].count("loyalty") <= 1
        for identity in self.ids.values():
            active = [a["compartment_id"] for a in self.emulator.activations(identity)]
            assert len(active) == len(set(active))
            names = self.emulator.imports_named(identity)
            assert len(names) == len(set(names))
            assert all(len(e) <= 1 for e in self.emulator.executions(identity).values())

    def finished(self) -> None:
        """All of it is there, once, and a plan is empty."""
        self.once_each()
        for identity in self.ids.values():
            assert len(self.emulator.profiles(identity)) == self.lines
        assert self.workspace.run("plan", "--detailed-exitcode").code == 0
