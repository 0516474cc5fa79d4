"""A `Rollout` from the document that passed the rules. Pure."""

from typing import Any

from reconciler.model.rollout import GATE_SECONDS, Gates, Rollout, Wave
from reconciler.settings import seconds
from reconciler.spec.specs import Specs
from reconciler.spec.wave_rules import REST


def rollout(specs: Specs, digests: dict[str, str]) -> Rollout | None:
    """The workspace's rollout, its waves resolved to names; None if it has none.

    Args:
        specs: that passed the rules.
        digests: of each document, by address.

    Raises:
        UsageError: a soak is not a duration.
    """
    document = next(iter(specs.rollouts.values()), None)
    if document is None:
        return None
    spec = document.data["spec"]
    taken: set[str] = set()
    waves = []
    for wave in spec["waves"]:
        members = specs.live.keys() - taken if wave["datamarts"] == REST else specs.resolve(wave["datamarts"])
        taken |= members
        waves.append(_wave(wave, tuple(sorted(members))))
    return Rollout(
        name=document.data["metadata"]["name"],
        waves=tuple(waves),
        specs=digests,
        **{key: spec[key] for key in ("on_failure", "paused") if key in spec},
    )


def _wave(wave: dict[str, Any], members: tuple[str, ...]) -> Wave:
    gates = wave.get("gates", {})
    command = gates.get("command", {})
    limits = {k: v for k, v in gates.items() if k != "command"}
    if "max_failed_lines_percent" in limits:
        limits["max_failed_lines_percent"] = float(
            limits["max_failed_lines_percent"]
        )  # as it comes back from a saved plan
    return Wave(
        name=wave["name"],
        datamarts=members,
        soak=seconds(wave.get("soak", 0)),
        gates=Gates(
            **limits,
            command=tuple(command.get("run", ())),
            command_timeout=seconds(command.get("timeout", GATE_SECONDS)),
            command_env=tuple(command.get("env", ())),
        ),
        max_parallel_datamarts=wave.get("max_parallel_datamarts"),
    )
