"""Reads and writes against remotes that never end, never fit or never come: each ends, in time, and is never an absence (G6)."""

import time
from collections.abc import Iterator

import pytest
import stamina

from reconciler.api import pages, resources
from reconciler.api.answers import Verdict
from reconciler.api.client import Reader, Writer
from reconciler.api.receiving import Bounds
from reconciler.api.uploads import stream
from reconciler.model.listing import Unlisted
from reconciler.origin import Origin
from tests.support.hostile import FATES, Hostile

SMALL = Bounds(bytes=1 << 20, values=50_000, seconds=0.4)
PATIENT = Bounds(bytes=1 << 20, values=50_000, seconds=20)
SLOW = {"drip", "slow headers", "silence"}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(pages, "MAX_PAGES", 60)
    monkeypatch.setattr(pages, "MAX_ROWS", 3_000)
    monkeypatch.setattr(pages, "MAX_BYTES", 1 << 20)
    stamina.set_testing(True, attempts=1)
    yield
    stamina.set_testing(False)


@pytest.mark.parametrize("fate", FATES)
def test_every_read_ends_and_is_no_absence(fate: str) -> None:
    remote = Hostile(fate, pause=0.02)
    reader = Reader(Origin.parse(remote.url), "token", bounds=SMALL if fate in SLOW else PATIENT)
    begun = time.monotonic()
    try:
        found = resources.compartments(reader, "1185")
    finally:
        reader.close()
        remote.stop()
    assert isinstance(found, Unlisted)
    assert "xxxx" not in found.reason
    assert time.monotonic() - begun < 10


ONE_ANSWER = [fate for fate in FATES if not fate.startswith("endless list")]


@pytest.mark.parametrize("fate", ONE_ANSWER)
def test_every_write_ends_and_proves_nothing(fate: str) -> None:
    remote = Hostile(fate, pause=0.02)
    writer = Writer(Origin.parse(remote.url), "token", bounds=SMALL if fate in SLOW else PATIENT)
    try:
        answer = writer.send("POST", "/v1/x", {"name": "n"})
    finally:
        writer.close()
        remote.stop()
    assert answer.verdict is Verdict.UNCLEAR, answer


@pytest.mark.parametrize("fate", ONE_ANSWER)
def test_every_upload_ends_and_proves_nothing(fate: str) -> None:
    remote = Hostile(fate, pause=0.02)
    try:
        answer = stream(
            Origin.parse(remote.url), "/v1/x", "token", iter([b"{}\n"]), 3, "application/x-ndjson",
            0.4 if fate in SLOW else 20,
        )  # fmt: skip
    finally:
        remote.stop()
    assert answer.verdict is Verdict.UNCLEAR, answer
