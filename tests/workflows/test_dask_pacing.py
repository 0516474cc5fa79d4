"""429, 503 and Retry-After on two workers of a cluster: one pace for all of them, nothing twice, and the exit code says what is left.

"before": the answer comes while the body is still being sent; nothing happened. "after": all of it was taken.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Done, Workspace
from tests.workflows.test_dask import ENGINE, digests, once

pytest.importorskip("distributed")

ROWS, MAX_BYTES, MARK = (
    20_000,
    400_000,
    "x" * 150,
)  # 6.5 MB in 17 chunks: more than this machine sends by itself
UPLOADS = {"method": "POST", "path": "/executions"}


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    made = Emulator(tmp_path / "emulator", profiles="counted")
    yield made
    made.stop()


def workspace(folder: Path, emulator: Emulator, max_bytes: int = MAX_BYTES) -> Workspace:
    made = Workspace(folder, emulator.url)
    made.customers(ROWS, max_bytes=max_bytes, mark=MARK)
    file = made.root / "reconciler.yaml"
    file.write_text(file.read_text() + ENGINE)
    return made


def applied(made: Workspace, log: Path, parallelism: int = 4) -> Done:
    log.unlink(missing_ok=True)
    return made.run(
        "apply", "--auto-approve", "--parallelism", str(parallelism), "--request-log", str(log), timeout=300
    )


def uploads(emulator: Emulator) -> list[dict[str, Any]]:
    return [w for w in emulator.writes() if w["path"].endswith("/executions")]


def sent_once(emulator: Emulator) -> None:
    found = digests(emulator)
    assert len(found) > 5
    assert once(found)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "headers", [{"Retry-After": "0"}, {"Retry-After": "1"}, {}], ids=["0 s", "1 s", "none"]
)
def test_a_few_of_them_cost_time_and_nothing_else(
    status: int, headers: dict[str, str], tmp_path: Path, emulator: Emulator
) -> None:
    made = workspace(tmp_path / "ws", emulator)
    emulator.fault({**UPLOADS, "do": "status", "status": status, "headers": headers, "after": 2, "times": 5})
    done = applied(made, tmp_path / "log")
    assert done.code == 0, done
    assert f"{ROWS:,} succeeded + 0 failed" in done.err
    assert sum(w["status"] == status for w in uploads(emulator)) == 5
    sent_once(emulator)


@pytest.mark.parametrize("status", [429, 503])
def test_an_answer_after_the_effect_is_not_believed(status: int, tmp_path: Path, emulator: Emulator) -> None:
    made = workspace(tmp_path / "ws", emulator)
    emulator.fault(
        {
            **UPLOADS,
            "do": "status_after",
            "status": status,
            "headers": {"Retry-After": "0"},
            "after": 2,
            "times": 4,
        }
    )
    done = applied(made, tmp_path / "log")
    assert done.code == 0, done
    assert f"{ROWS:,} succeeded + 0 failed" in done.err
    sent_once(emulator)


def begun_and_ended(log: Path) -> list[tuple[float, float, int]]:
    """Of each upload, as the coordinator sees it: when it began, when it ended, and with what."""
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    found = []
    for row in rows:
        if row["method"] == "POST" and row["route"].endswith("/executions"):
            ended = time.mktime(time.strptime(row["at"][:19], "%Y-%m-%dT%H:%M:%S")) + float(
                "0" + row["at"][19:23]
            )
            found.append((ended - row["ms"] / 1000, ended, row.get("status", 0)))
    return sorted(found)


def test_one_workers_429_holds_all_of_them_back(tmp_path: Path, emulator: Emulator) -> None:
    made = workspace(tmp_path / "ws", emulator)
    emulator.fault({**UPLOADS, "do": "status", "status": 429, "headers": {"Retry-After": "3"}, "nth": 5})
    log = tmp_path / "log"
    done = applied(made, log)
    assert done.code == 0, done
    found = begun_and_ended(log)
    (told,) = [ended for _, ended, status in found if status == 429]
    within = [begun - told for begun, _, _ in found if 0.3 < begun - told < 2.7]
    assert not within, "no worker began an upload while the platform asked to wait"
    assert any(begun > told for begun, _, _ in found)
    sent_once(emulator)


def test_after_one_fewer_are_sent_at_once(tmp_path: Path, emulator: Emulator) -> None:
    made = workspace(tmp_path / "ws", emulator)
    emulator.fault(
        {**UPLOADS, "do": "status", "status": 429, "headers": {"Retry-After": "1"}, "nth": 1},
        {**UPLOADS, "do": "delay", "seconds": 0.5, "times": 0},
    )
    log = tmp_path / "log"
    done = applied(made, log, parallelism=8)
    assert done.code == 0, done
    found = begun_and_ended(log)
    told = next(ended for _, ended, status in found if status == 429)
    later = [(begun, ended) for begun, ended, _ in found if begun > told + 0.5]
    first = later[:4]
    assert sum(begun < later[0][1] for begun, _ in first) <= 5, "half of eight, and what was added since"
    sent_once(emulator)


@pytest.mark.parametrize("status", [429, 503])
def test_a_storm_leaves_the_rest_unsent_and_the_next_apply_sends_it(
    status: int, tmp_path: Path, emulator: Emulator
) -> None:
    made = workspace(tmp_path / "ws", emulator, max_bytes=1_000_000)
    emulator.fault(
        {**UPLOADS, "do": "status", "status": status, "headers": {"Retry-After": "0"}, "after": 3, "times": 0}
    )
    done = applied(made, tmp_path / "log")
    assert done.code == 3, done
    counts = [len(rows) for rows in digests(emulator).values()]
    assert sum(counts) == 3
    assert max(counts) == 1
    emulator.fault()
    again = applied(made, tmp_path / "log")
    assert again.code == 0, again
    sent_once(emulator)
    assert made.run("plan", "--detailed-exitcode").code == 0
