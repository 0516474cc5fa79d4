"""A rollout (design 3): waves of datamarts that a plan is carried out in, and what has to hold between them."""

from collections.abc import Mapping

import msgspec

GATE_SECONDS = 300.0


class Gates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What has to hold for the next wave to begin; None is not looked at.

    Attributes:
        max_failed_lines_percent: of the lines that the wave sent.
        max_failed_lines: lines that the platform refused.
        max_failed_executions: loads and changes that failed or whose end is unknown.
        max_guard_trips: guards that a user overrode on the wave's datamarts.
        min_activations: activations of declared compartments that a listing shows on the wave's datamarts.
        command: a program and its arguments; its exit code decides.
        command_timeout: seconds.
        command_env: names of environment variables that the program sees besides those that every program needs.
    """

    max_failed_lines_percent: float | None = None
    max_failed_lines: int | None = None
    max_failed_executions: int = 0
    max_guard_trips: int | None = None
    min_activations: int | None = None
    command: tuple[str, ...] = ()
    command_timeout: float = GATE_SECONDS
    command_env: tuple[str, ...] = ()


class Wave(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One wave: names of datamarts, how many seconds to watch it afterwards, and its gates."""

    name: str
    datamarts: tuple[str, ...]
    soak: float = 0.0
    gates: Gates = Gates()
    max_parallel_datamarts: int | None = None


class Rollout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All waves, in order.

    Attributes:
        on_failure: `stop` waits until the cause is fixed and the rollout is resumed; `abort` ends the rollout.
        paused: in the spec; nothing is carried out while it says so.
        specs: digest of each document by address, so that what changed since can be named.
    """

    name: str
    waves: tuple[Wave, ...]
    on_failure: str = "stop"
    paused: bool = False
    specs: Mapping[str, str] = {}

    def wave_of(self) -> dict[str, str]:
        """The wave of each datamart."""
        return {datamart: wave.name for wave in self.waves for datamart in wave.datamarts}
