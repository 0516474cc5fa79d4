"""`keep_generations`: which imports go. Newest sealed one and everything newer stay, whatever the number says."""

import pytest

from reconciler.kinds.names import ChunkName, LoadKey, SealName
from reconciler.model.address import Span
from reconciler.model.desired import DesiredLoad
from reconciler.model.remote import Import
from reconciler.model.source import SourceDefinition
from reconciler.planning.loads.retention import superseded_imports

HERE = Span("specs/crm.yaml", 1, 1)


def key(generation: int, retry: int = 0, source: str = "crm") -> LoadKey:
    return LoadKey("retail", source, generation, f"{generation:012x}", retry)


def chunk(generation: int, retry: int = 0, source: str = "crm") -> str:
    return str(ChunkName(key(generation, retry, source), 1000, 1, 1, "a" * 12, 1))


def seal(generation: int, retry: int = 0, source: str = "crm") -> str:
    return str(SealName(key(generation, retry, source), 5, 0))


def load(keep: int | None) -> DesiredLoad:
    definition = SourceDefinition(
        workspace="retail",
        source="crm",
        files=("crm.csv",),
        format="csv",
        keep_generations=keep,
        former=(("retail", "crm"),),
    )
    return DesiredLoad("crm", "retail-fr", "1509", definition, False, HERE, HERE)


def sealed(*numbers: int) -> list[str]:
    return [name for n in numbers for name in (chunk(n), seal(n))]


@pytest.mark.parametrize(
    ("keep", "names", "gone"),
    [
        (None, sealed(1, 2, 3), []),
        (1, sealed(1), []),
        (1, sealed(1, 2, 3), sealed(1, 2)),
        (2, sealed(1, 2, 3), sealed(1)),
        (3, sealed(1, 2, 3), []),
        (9, sealed(1, 2, 3), []),
        (1, [*sealed(1, 2), chunk(3)], sealed(1)),  # an unfinished one is newer: it stays, and does not count
        (1, [chunk(1), *sealed(2, 3)], sealed(2)),  # an unfinished older one is never removed
        (1, [*sealed(1, 2), chunk(1, 1)], []),  # a retry of it is unfinished
        (1, [*sealed(1, 2), chunk(1, 1), seal(1, 1)], [*sealed(1), chunk(1, 1), seal(1, 1)]),
        (1, [*sealed(1, 2), chunk(1, source="other"), seal(1, source="other")], sealed(1)),
        (1, [*sealed(1, 2), "somebody's import"], sealed(1)),
        (1, [], []),
        # A run was killed after the chunks of a load and before its seal.
        (1, [seal(1), *sealed(2, 3)], [seal(1), *sealed(2)]),
        (1, [seal(1), seal(2), *sealed(3)], [seal(1), seal(2)]),
        (1, [seal(1), seal(1, 1), *sealed(2)], [seal(1), seal(1, 1)]),
        (1, [seal(1), chunk(1, 1), *sealed(2)], []),
        (1, [*sealed(1), seal(2)], []),
        (1, [seal(1)], []),
    ],
)
def test_superseded(keep: int | None, names: list[str], gone: list[str]) -> None:
    rows = [Import(str(n), name) for n, name in enumerate(names)]
    changes = superseded_imports(load(keep), rows)
    by_id = {r.id: r.name for r in rows}
    assert sorted(by_id[c.remote_id or ""] for c in changes) == sorted(gone)
    for change in changes:
        before = change.change.before or {}
        assert change.change.actions == ("delete",)
        assert before["name"] == by_id[change.remote_id or ""]
        if ".sealed." in before["name"]:  # a seal goes after all of its chunks
            chunks = [r for r in rows if r.name in gone and r.name.rpartition(".sealed")[0] == ""]
            mine = [r for r in chunks if before["name"].startswith(r.name.split(".b1000")[0] + ".sealed")]
            assert list(change.requires) == [f"DocumentImport/{r.id}@retail-fr" for r in mine]
        else:
            assert change.requires == ()
