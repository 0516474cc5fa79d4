"""The sent index: any two nights compare as two dictionaries do, and a file that is not whole is not believed."""

import io
import json
import random
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.bulk.scan.duplicates import PLACE
from reconciler.bulk.sent.difference import Counts, difference, entries
from reconciler.bulk.sent.digests import SIZE, Digester, SourceRows, key_of_text
from reconciler.bulk.sent.index_file import ENTRY, Description, Unusable, read_index, write_index

KEY = key_of_text("a key of tests, long enough for them")
DIGESTER = Digester(KEY)
Night = dict[str, int]
nights = st.dictionaries(st.sampled_from([f"u{n}" for n in range(30)]), st.integers(0, 3))


def line(account: str, version: int) -> bytes:
    command = {
        "operation": "UPSERT",
        "compartment_id": "7",
        "user_account_id": account,
        "user_profile": {"v": version},
    }
    return json.dumps(command).encode()


def rows_of(night: Night, at_once: int = 5) -> list[bytes]:
    rows = SourceRows(lambda _: KEY, at_once)
    data = b"".join(line(*row) + b"\n" for row in night.items())
    rows.add(rows.take(data, range(len(night))), 0, 10)
    with closing(rows):
        return list(rows)


def index_of(night: Night, refused: set[str]) -> list[bytes]:
    identities = sorted(DIGESTER.identity(line(a, 0)) for a in refused)
    return list(entries(rows_of(night), identities))


@given(nights, nights, st.sets(st.sampled_from([f"u{n}" for n in range(30)])))
def test_what_is_sent_is_what_changed(before: Night, now: Night, refused: set[str]) -> None:
    counts = Counts()
    places = [
        PLACE.unpack(p) for p in difference(rows_of(now), index_of(before, refused), counts, lambda _: None)
    ]
    names = list(now)
    sent = {names[number - 11] for _, number in places}
    known = before.keys()
    retried = {a for a in now if a in known and a in refused}
    added = now.keys() - known
    changed = {a for a in now.keys() & known - refused if now[a] != before[a]}
    assert sent == added | changed | retried
    assert len(places) == len(sent) == counts.sent
    assert (counts.added, counts.changed, counts.retried) == (len(added), len(changed), len(retried))
    assert counts.unchanged == len(now) - len(sent)
    assert counts.gone == len(known - now.keys())


@given(nights, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(night: Night, chance: random.Random) -> None:
    other = list(night.items())
    chance.shuffle(other)
    assert index_of(night, set()) == index_of(dict(other), set())


NAME = "customers.0123456789ab.g1.0123456789abcdef0123"


def written(night: Night, key: bytes = KEY) -> bytes:
    file = io.BytesIO()
    about = Description(name=NAME, content="c", compartment_ids=(), since_full=2, rows=0, unknown=0)
    write_index(file, key, index_of(night, {"u1"}), about)
    return file.getvalue()


@given(nights)
def test_a_file_gives_back_what_was_written(night: Night) -> None:
    data = written(night)
    about, found = read_index(io.BytesIO(data), KEY, NAME)
    assert list(found) == index_of(night, {"u1"})
    assert (about.rows, about.unknown, about.since_full) == (len(night), int("u1" in night), 2)


@settings(max_examples=300)
@given(nights, st.data())
def test_no_damage_goes_unseen(night: Night, data: st.DataObject) -> None:
    whole = written(night)
    at = data.draw(st.integers(0, len(whole) - 1))
    how = data.draw(st.sampled_from(["flip", "cut", "insert", "repeat"]))
    match how:
        case "flip":
            bad = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
        case "cut":
            bad = whole[:at]
        case "insert":
            bad = whole[:at] + b"\0" + whole[at:]
        case _:
            bad = whole + whole[at:]
    with pytest.raises(Unusable):
        read_index(io.BytesIO(bad), KEY, NAME)


@given(nights.filter(bool), st.data())
def test_a_file_that_is_cut_short_after_it_was_looked_at_is_not_read_for_ever(
    night: Night, data: st.DataObject
) -> None:
    file = io.BytesIO(written(night))
    _, found = read_index(file, KEY, NAME)
    file.truncate(data.draw(st.integers(0, 7 + ENTRY * len(night))))
    with pytest.raises(Unusable):
        list(found)


def test_another_key_reads_nothing() -> None:
    with pytest.raises(Unusable):
        read_index(
            io.BytesIO(written({"u1": 1})), key_of_text("another key of tests, also long enough"), NAME
        )
    with pytest.raises(Unusable):
        read_index(io.BytesIO(written({"u1": 1})), None, NAME)


def test_a_file_under_another_name_is_of_another_load() -> None:
    with pytest.raises(Unusable, match="of another load"):
        read_index(io.BytesIO(written({"u1": 1})), KEY, NAME.replace(".g1.", ".g2."))


def test_forty_bytes_a_row_are_enough() -> None:
    night = {f"u{n}": n for n in range(1000)}
    assert len(written(night)) <= 40 * len(night)
    assert ENTRY == 2 * SIZE == 32


IDENTITIES = [
    {"compartment_id": "1", "user_account_id": "23"},
    {"compartment_id": "12", "user_account_id": "3"},
    {"compartment_id": "1"},
    {"user_account_id": "1"},
    {"email_hash": "1"},
    {"user_agent_id": "1"},
    {"user_account_id": "1", "email_hash": "1"},
    {"user_account_id": "1,1 1"},
]


def test_no_two_identities_have_one_digest() -> None:
    found = {DIGESTER.identity(json.dumps({"operation": "UPSERT", **who}).encode()) for who in IDENTITIES}
    assert len(found) == len(IDENTITIES)


def test_runs_on_disk_are_merged() -> None:
    night = {f"u{n}": 1 for n in range(3000)}
    counts = Counts()
    assert list(difference(rows_of(night, at_once=50), index_of(night, set()), counts, lambda _: None)) == []
    assert counts.unchanged == 3000
