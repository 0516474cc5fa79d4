"""Identities that several lines name are counted exactly, however little fits into memory; policies do as they say."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.duplicates import Duplicates
from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

names = st.sampled_from(["a", "b", "None", "é", "a\u0000b", "1", "1 a,1 a", ""])
accounts = st.builds(
    lambda c, a: {"user_account_id": a} | ({"compartment_id": c} if c else {}),
    st.sampled_from([None, "1", "2"]),
    names,
)
identities = (
    accounts
    | st.builds(lambda v: {"email_hash": v}, names)
    | st.builds(lambda v: {"user_agent_id": v}, names)
)


@given(st.lists(st.tuples(st.integers(0, 1), identities), max_size=80), st.sampled_from([1, 2, 7, 1000]))
def test_they_are_counted_exactly(lines: list[tuple[int, dict[str, str]]], at_once: int) -> None:
    watch = Duplicates(at_once)
    for number, (file, identity) in enumerate(lines, 1):
        watch.add(json.dumps({"operation": "DELETE", **identity}).encode(), file, number)
    found = watch.found(["one", "two"])
    counts = Counter(json.dumps(i, sort_keys=True) for _, i in lines)
    again = [n - 1 for n in counts.values() if n > 1]
    assert (found.identities, found.commands) == (len(again), sum(again)) if found else not again
    if found:
        assert 1 <= len(found.examples) <= 5
        for example in found.examples:
            later, first = (part.split(":") for part in example.split(" after "))
            pair = [lines[int(x[1]) - 1] for x in (first, later)]
            assert pair[0][1] == pair[1][1]
            assert [("one", "two")[file] for file, _ in pair] == [first[0], later[0]]


@pytest.mark.parametrize(("policy", "code"), [("off", 0), ("warn", 0), ("refuse", 4)])
def test_the_policies(policy: str, code: int, workspace: Workspace, emulator: Emulator) -> None:
    workspace.customers(1200)
    with (workspace.root / "data/customers.csv").open("a") as file:
        file.write("c000007,v2\nc000007,v3\nc000009,v2\n")
    with (workspace.root / "specs/customers.yaml").open("a") as file:
        file.write(f"  duplicates: {policy}\n")
    assert workspace.run("validate").err == ""
    done = workspace.run("apply", "--auto-approve")
    assert done.code == code, done
    assert ("duplicate-identity" in done.err) is (policy != "off")
    if policy != "off":
        assert "2 identities are named by more than one line (3 after the first)" in done.err
        assert "data/customers.csv:1202 after data/customers.csv:9" in done.err
        assert "c000007" not in done.out + done.err
    assert (emulator.writes() == []) is (policy == "refuse")
    if policy == "warn":  # what only looks at lines does not make other lines of them
        path = workspace.root / "specs/customers.yaml"
        path.write_text(path.read_text().replace("warn", "off"))
        assert workspace.run("plan", "--detailed-exitcode").code == 0
