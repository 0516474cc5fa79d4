"""Which addresses a selector means: the same for every flag that takes one."""

import pytest

from reconciler.errors import UsageError
from reconciler.kinds.selectors import nothing, require_form, selects

KNOWN = ["Activation/loyalty@de", "Activation/loyalty@fr", "Compartment/loyalty", "ProfileSource/crm@fr"]


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("Compartment/loyalty", [2]),
        ("Activation/loyalty", [0, 1]),
        ("Activation/loyalty@fr", [1]),
        ("Activation/loyalty@", []),
        ("Activation/loyal", []),
        ("*/loyalty", [0, 1, 2]),
        ("*/loyalty@*", [0, 1]),
        ("*@fr", [1, 3]),
        ("Activation/*", [0, 1]),
        ("Activation/loyalt?@de", [0]),
        ("*", [0, 1, 2, 3]),
        ("loyalty", []),
        ("compartment/loyalty", []),
        ("", []),
    ],
)
def test_what_a_selector_means(selector: str, found: list[int]) -> None:
    assert [n for n, address in enumerate(KNOWN) if selects([selector], address)] == found
    assert [n for n, address in enumerate(KNOWN) if selects({selector, "x/y"}, address)] == found


@pytest.mark.parametrize(
    ("selector", "known", "advice"),
    [
        ("loyalty", KNOWN, "known: Activation/loyalty@de, Activation/loyalty@fr, Compartment/loyalty"),
        ("loyality", KNOWN, "known: Activation/loyalty@de, Activation/loyalty@fr, Compartment/loyalty"),
        (
            "other",
            KNOWN,
            "an address is written KIND/NAME: Compartment/other, or ProfileSource/other@DATAMART",
        ),
        ("crm", [], "an address is written KIND/NAME: Compartment/crm, or ProfileSource/crm@DATAMART"),
        ("crm", KNOWN, "did you mean 'ProfileSource/crm@fr'?"),
        ("Compartment.loyalty", KNOWN, "did you mean 'Compartment/loyalty'?"),
        ("compartment:loyality", KNOWN, "did you mean 'Compartment/loyalty'?"),
        ("profilesource.crm", KNOWN, "did you mean 'ProfileSource/crm@fr'?"),
        ("Activation.loyalty", KNOWN, "known: Activation/loyalty@de, Activation/loyalty@fr"),
        ("loyalty@fr", KNOWN, "known: Activation/loyalty@de, Activation/loyalty@fr, Compartment/loyalty"),
        ("Compartment.zzz", KNOWN, "an address is written Compartment/zzz"),
        ("Activation.zzz", [], "an address is written Activation/zzz@DATAMART"),
        (
            "b.compartments",
            [*KNOWN, "Compartment/b.compartments"],
            "did you mean 'Compartment/b.compartments'?",
        ),
    ],
)
def test_a_selector_names_a_kind(selector: str, known: list[str], advice: str) -> None:
    require_form("--target", f"Compartment/{selector}", known)
    with pytest.raises(UsageError) as why:
        require_form("--target", selector, known)
    assert why.value.help == advice


@pytest.mark.parametrize(
    ("selector", "advice"),
    [
        ("Compartment/loyality", "did you mean 'Compartment/loyalty'?"),
        ("Activation/loyalty@frr", "did you mean 'Activation/loyalty@fr'?"),
        ("Activation/loyalty@nope", "known: Activation/loyalty@de, Activation/loyalty@fr"),
        ("Kompartment/*", "did you mean 'Compartment/*'?"),
        ("activation/loyalty", "did you mean 'Activation/loyalty'?"),
        ("zzz/*", f"known: {', '.join(KNOWN)}"),
    ],
)
def test_what_a_selector_may_mean(selector: str, advice: str) -> None:
    assert nothing("x", selector, KNOWN).help == advice
