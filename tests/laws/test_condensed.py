"""What a plan reads and sends to is condensed without loss: what a placeholder stands for gives each place back."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.plan import Plan
from reconciler.reports.plan.condensed import ALONE_MAX, condensed
from reconciler.reports.plan.reach import Reach, Row
from tests.tables.test_plan_decision import plan

MARTS = [f"retail-{n:02d}" for n in range(12)]
LABELS = {m: {"country": f"c{n}", "region": "west" if n < 6 else "east"} for n, m in enumerate(MARTS)}


def made(words: dict[str, tuple[str, ...]]) -> Reach:
    reads = tuple(Row(f"ProfileSource/crm@{m}", w) for m, w in words.items())
    return Reach((), reads, (), (Row("organisation", ("1185 in the sandbox",)),))


def of(labels: dict[str, dict[str, str]]) -> Plan:
    from msgspec.structs import replace as replaced

    return replaced(plan(0, 0, 0, errored=False), labels=labels)


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        ("data/{datamart.labels.country}/*.csv", "data/{datamart.labels.country}/*.csv"),
        ("data/{datamart.name}.csv", "data/{datamart.name}.csv"),
        ("data/all.csv", "data/all.csv"),
    ],
)
def test_places_that_differ_by_their_datamart_are_one(pattern: str, shown: str) -> None:
    words = {m: (_filled(pattern, m),) for m in MARTS}
    assert condensed(made(words), of(LABELS)).reads == (
        Row("ProfileSource/crm on all 12 datamarts", (shown,)),
    )


def test_a_value_that_stands_elsewhere_by_chance_is_no_placeholder_there() -> None:
    labels = {m: {"country": c} for m, c in zip(MARTS, ("fr", "at", "us", "de", "es", "it"), strict=False)}
    words = {m: (f"data/customers-{labels[m]['country']}.csv",) for m in MARTS[:6]}
    (row,) = condensed(made(words), of(labels)).reads
    assert row == Row(
        "ProfileSource/crm on all 6 datamarts", ("data/customers-{datamart.labels.country}.csv",)
    )


def test_a_place_that_does_not_fit_keeps_its_line() -> None:
    words = {m: (_filled("data/{datamart.labels.country}.csv", m),) for m in MARTS}
    words[MARTS[3]] = ("/etc/passwd",)
    whole, odd = condensed(made(words), of(LABELS)).reads
    assert whole == Row(
        f"ProfileSource/crm on all 12 datamarts but {MARTS[3]}", ("data/{datamart.labels.country}.csv",)
    )
    assert odd == Row(f"ProfileSource/crm@{MARTS[3]}", ("/etc/passwd",))


def test_files_of_two_datamarts_that_are_exchanged_keep_their_lines() -> None:
    words = {m: (_filled("data/{datamart.labels.country}.csv", m),) for m in MARTS}
    words[MARTS[3]], words[MARTS[4]] = words[MARTS[4]], words[MARTS[3]]
    rows = condensed(made(words), of(LABELS)).reads
    assert rows[1:] == tuple(Row(f"ProfileSource/crm@{m}", words[m]) for m in MARTS[3:5])


@given(
    st.dictionaries(
        st.sampled_from(MARTS),
        st.lists(st.sampled_from([f"{a}{b}" for a, b in product(("d/", "west", "c1"), (*MARTS, "c3", ""))]), max_size=2).map(tuple),
    )
)  # fmt: skip
def test_nothing_is_lost(words: dict[str, tuple[str, ...]]) -> None:
    given_back: dict[str, tuple[str, ...]] = {}
    for row in condensed(made(words), of(LABELS)).reads:
        _, at, datamart = row.about.partition("@")
        if at:
            given_back[datamart] = row.words
    folded = [r for r in condensed(made(words), of(LABELS)).reads if "@" not in r.about]
    assert len(folded) <= 1
    for m in words.keys() - given_back.keys():
        given_back[m] = tuple(_filled(w, m) for w in folded[0].words)
    assert given_back == words


@pytest.mark.parametrize("count", [1, ALONE_MAX, ALONE_MAX + 1, 12])
def test_ids_of_many_datamarts_are_one_row(count: int) -> None:
    rows = [
        Row("organisation", ("1185 in the sandbox",)),
        *(Row(m, (f"datamart {n}",)) for n, m in enumerate(MARTS[:count])),
    ]
    odd = Row("retail-99", ("datamart 1", "datamart 2"))
    found = condensed(replace(made({}), sends=(*rows, odd)), of(LABELS)).sends
    text = " ".join(w for row in found for w in (row.about, *row.words))
    assert all(m in text for m in MARTS[:count])
    assert odd in found
    assert len(found) == (count + 2 if count <= ALONE_MAX else 3)


def _filled(pattern: str, datamart: str) -> str:
    text = pattern.replace("{datamart.name}", datamart)
    for key, value in LABELS[datamart].items():
        text = text.replace(f"{{datamart.labels.{key}}}", value)
    return text
