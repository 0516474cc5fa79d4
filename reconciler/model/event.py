"""The stream of `--events FILE`: one JSON object a line, each with `version`, `at` (UTC) and `event`, which says the type.

Fields are only ever added within a version. `action_finished` comes once for every action of the plan, `run_finished` is the
last line of a run; a run that was killed has none.
"""

import msgspec

VERSION = 1


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="event"):
    """What all have in common."""

    version: int = VERSION
    at: str


class RunStarted(Event, frozen=True, kw_only=True, tag="run_started"):
    """A plan is being applied: the run's number in the ledger, and how many actions there are."""

    run: int
    plan_digest: str
    actions: int


class LoadStarted(Event, frozen=True, kw_only=True, tag="load_started"):
    """A load begins or is continued: all of it, and how many of its chunks earlier runs have sent, and which of these are done."""

    address: str
    chunks: int
    lines: int
    bytes: int
    sent_before: int = 0
    done_before: int = 0


class ChunkSent(Event, frozen=True, kw_only=True, tag="chunk_sent"):
    """Chunks are on the platform."""

    address: str
    chunks: int
    lines: int
    bytes: int


class ChunkDone(Event, frozen=True, kw_only=True, tag="chunk_done"):
    """Executions of chunks ended."""

    address: str
    chunks: int
    lines: int
    bytes: int


class Message(Event, frozen=True, kw_only=True, tag="message"):
    """Words for a person."""

    address: str
    message: str


class ActionFinished(Event, frozen=True, kw_only=True, tag="action_finished"):
    """One action of the plan ended; `status` and `counts` as in the result."""

    address: str
    action: str
    status: str
    message: str
    counts: dict[str, int]


class WaveMoved(Event, frozen=True, kw_only=True, tag="wave_moved"):
    """A wave of a rollout is now applying, soaking, closed (a gate) or passed; `why` says more, where there is more."""

    wave: str
    datamarts: int
    state: str
    why: str


class RunFinished(Event, frozen=True, kw_only=True, tag="run_finished"):
    """The run ended: its exit code, and how many actions ended how."""

    exit_code: int
    summary: dict[str, int]


CHUNK_EVENTS: dict[str, type[ChunkSent | ChunkDone]] = {"sent": ChunkSent, "done": ChunkDone}
AnyEvent = (
    RunStarted | LoadStarted | ChunkSent | ChunkDone | Message | ActionFinished | WaveMoved | RunFinished
)
