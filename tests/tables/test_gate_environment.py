"""What a gate's command sees of the environment."""

import pytest

from reconciler.workflows.gates import gate_environment


@pytest.mark.parametrize(
    ("name", "more", "seen"),
    [
        ("PATH", (), True),
        ("HOME", (), True),
        ("LC_ALL", (), True),
        ("CI", (), True),
        ("RECONCILER_TOKEN", (), False),
        ("RECONCILER_TOKEN", ("RECONCILER_TOKEN",), False),
        ("MICS_PROD", (), False),
        ("LEDGER_URL", (), False),
        ("GRAFANA_URL", ("GRAFANA_URL",), True),
        ("GRAFANA_TOKEN", ("GRAFANA_URL",), False),
        ("path", (), False),
    ],
)
def test_gate_environment(name: str, more: tuple[str, ...], seen: bool) -> None:
    assert gate_environment({name: "x", "OTHER": "y"}, more) == ({name: "x"} if seen else {})
