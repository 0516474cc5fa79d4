"""Random lives of a rollout: applied, killed, paused, resumed, its ledger lost, in a storm, by one runner or two; one wave at a time
or all of them. Whatever happens, no wave is begun before the one before it is done, nothing is done twice, and it can be finished.

RECONCILER_ROLLOUTS sets how many; 3 by default.
"""

import itertools
import os
import random
import time
from pathlib import Path

import pytest

from tests.support.fleet import Fleet
from tests.support.workspace import kill

pytestmark = pytest.mark.slow

LIVES = int(os.environ.get("RECONCILER_ROLLOUTS", "3"))
STEPS = 5
ORDER = ("canary", "early", "most", "late")
SOAK = 1.0
WAVES = f"""\
    - {{name: canary, datamarts: {{stage: canary}}, soak: {SOAK:g}s}}
    - {{name: early, datamarts: {{stage: early}}, soak: {SOAK:g}s, gates: {{min_activations: 2}}}}
    - {{name: most, datamarts: {{stage: most}}, max_parallel_datamarts: 2}}
    - {{name: everyone, datamarts: rest}}
"""
STORM = {"do": "drop_after", "method": "POST", "probability": 0.15}


class Life:
    """One rollout, and what befell it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        stages = {"canary": 1, "early": 2, "most": 3, "late": 2}
        self.fleet = Fleet(folder, waves=WAVES, lines=5, stages=stages)
        self.plan = self.fleet.planned()
        self.told: list[str] = []
        self.lost = False

    def step(self) -> None:
        chosen = self.dice.choice(
            ("apply", "wave", "kill", "pause", "resume", "forget", "storm", "calm", "two")
        )
        self.told.append(chosen)
        run = self.fleet.workspace.run
        match chosen:
            case "apply":
                assert run("apply", self.plan).code in (0, 3, 4)
            case "wave":
                name = self.dice.choice(("canary", "early", "most", "everyone"))
                assert run("apply", self.plan, "--wave", name).code in (0, 3, 4)
            case "kill":
                process = self.fleet.workspace.start("apply", self.plan)
                kill(process, group=True, after=self.dice.uniform(0.3, 3.0))
            case "pause":
                assert run("rollout", "pause").code in (0, 1, 4)
            case "resume":
                assert run("rollout", "resume").code in (0, 1, 3, 4)
            case "forget":
                self.fleet.workspace.forget_ledger()
                self.lost = True
            case "storm":
                self.fleet.emulator.fault(STORM)
            case "calm":
                self.fleet.emulator.fault()
            case _:
                both = [self.fleet.workspace.start("apply", self.plan) for _ in range(2)]
                for process in both:
                    process.communicate(timeout=120)
                    assert process.returncode in (0, 3, 4, 5)

    def in_order(self) -> None:
        """The last write of each wave is before the first one of the next; by its soak, where no ledger was lost."""
        begun: dict[str, list[float]] = {stage: [] for stage in ORDER}
        stage_of = dict(zip(self.fleet.ids.values(), self.fleet.stages, strict=True))
        for r in self.fleet.emulator.writes():
            if "/datamarts/" in r["path"]:
                begun[stage_of[r["path"].split("/")[3]]].append(r["at"])
        for one, other in itertools.pairwise(ORDER):
            if begun[one] and begun[other]:
                apart = min(begun[other]) - max(begun[one])
                assert apart > 0, (one, other, self.told)
                if not self.lost and one in ("canary", "early"):
                    assert apart >= SOAK, (one, other, self.told)
            else:
                assert not begun[other], (one, other, self.told)


@pytest.mark.parametrize("seed", range(LIVES))
def test_waves_keep_their_order_whatever_happens(seed: int, tmp_path: Path) -> None:
    life = Life(tmp_path, seed)
    try:
        for _ in range(STEPS):
            life.step()
            life.in_order()
            life.fleet.once_each()
        life.fleet.emulator.fault()
        deadline = time.monotonic() + 120
        while life.fleet.workspace.run("plan", "--detailed-exitcode").code != 0:
            assert time.monotonic() < deadline, life.told
            if life.fleet.workspace.run("apply", life.plan).code == 4:
                assert life.fleet.workspace.run("rollout", "resume").code == 0, life.told
        life.in_order()
        life.fleet.finished()
    finally:
        life.fleet.emulator.stop()
