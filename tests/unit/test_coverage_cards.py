"""Where a compartment is active, on a narrow screen: nothing is lost, and nearly all datamarts are few words."""

import pytest

from reconciler.planning.plan.coverage import Cover, Coverage
from reconciler.reports.coverage.html import FEW_MISSING, matrix

MARTS = tuple(f"m{n:02d}" for n in range(30))


@pytest.mark.parametrize(
    ("active", "words"),
    [
        (30, "all 30 datamarts"),
        (29, "all 30 datamarts but m29"),
        (30 - FEW_MISSING, f"all 30 datamarts but {', '.join(MARTS[-FEW_MISSING:])}"),
        (29 - FEW_MISSING, ", ".join(MARTS[: 29 - FEW_MISSING])),
        (1, "m00"),
    ],
)
def test_where_a_compartment_is_active(active: int, words: str) -> None:
    row = tuple(Cover.ACTIVE if n < active else Cover.MISSING for n in range(30))
    ((name, covers),) = matrix(Coverage(MARTS, {"loyalty": row}, frozenset(), {})).cards
    assert (name, dict(covers)["active"]) == ("loyalty", words)
