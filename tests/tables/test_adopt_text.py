"""What `adopt` says of what no spec declares; a table of rows."""

import pytest

from reconciler.model.adoption import Adoption, Bound
from reconciler.model.plan import Unmanaged
from reconciler.reports.adopt import text
from reconciler.reports.style import Style

FOUND = Adoption(bound=(Bound("loyalty", "7", "t", None, frozenset()),))


def unmanaged(identity: str, datamart: str = "", ignored: str | None = None) -> Unmanaged:
    kind = "Activation" if datamart else "Compartment"
    return Unmanaged(
        kind=kind, compartment_id=identity, token="t", name=None, datamart=datamart or None, ignored=ignored
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("7",), ("7", "fr"), ("7", "de")], ["2 activations are unmanaged. `activations:` in the specs"]),
        ([("7",)], []),  # it has its spec
        ([("9",), ("9", "fr")], ["1 compartment, 1 activation are unmanaged. `reconciler export` writes"]),
        ([("7", "", "legacy"), ("7", "fr", "legacy")], []),
    ],
)  # fmt: skip
def test_a_compartment_that_is_matched_has_its_spec(rows: list[tuple[str, ...]], said: list[str]) -> None:
    told = " ".join(text.render(FOUND, (), (), [unmanaged(*row) for row in rows], (), None, Style()).split())
    assert told.count("unmanaged") == len(said)
    assert all(words in told for words in said)
