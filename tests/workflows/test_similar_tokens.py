"""A token that equals an existing one up to case or Unicode form: named, and no compartment is created beside it."""

import unicodedata
from pathlib import Path

import pytest

from tests.support.emulator import Emulator
from tests.support.stranger import Stranger
from tests.support.workspace import LOYALTY, Workspace


@pytest.mark.parametrize("drop", [False, True])
def test_a_platform_that_lower_cases_tokens_gets_one_compartment_however_often_apply_runs(
    drop: bool, tmp_path: Path
) -> None:
    stranger = Stranger(1, storm=0.0, lag=0.0, paged=None)
    stranger.lower_tokens = True
    if drop:  # it happened, and there is no answer to compare with what was sent
        route = stranger.route

        def dropped(method: str, path: str, body: bytes) -> tuple[int, dict[str, object]]:
            answer = route(method, path, body)
            created = method == "POST" and path.startswith("/v1/user_account_compartments")
            return (500, {}) if created else answer

        stranger.route = dropped  # type: ignore[method-assign]
    try:
        workspace = Workspace(tmp_path / "ws", stranger.url)
        workspace.write("specs/loyalty.yaml", LOYALTY.replace("token: loyalty", "token: Loyalty"))
        first = workspace.run("apply", "--auto-approve")
        assert first.code in (3, 4), first
        assert "'loyalty'" in first.err
        assert "'Loyalty'" in first.err
        for _ in range(2):
            again = workspace.run("apply", "--auto-approve")
            assert again.code in (1, 4), again
            assert "differs from 'Loyalty' only by case or Unicode form" in " ".join(again.err.split())
        assert [c["token"] for c in stranger.compartments] == ["default", "loyalty"]
    finally:
        stranger.stop()


@pytest.mark.parametrize("existing", ["LOYALTÉ", unicodedata.normalize("NFD", "loyalté"), "loyalté".upper()])
def test_plan_names_the_compartment_with_the_similar_token(
    existing: str, workspace: Workspace, emulator: Emulator
) -> None:
    emulator.store.add(
        "compartment",
        "1185",
        {"organisation_id": "1185", "token": existing, "name": "x", "archived": False},
    )
    workspace.write("specs/loyalty.yaml", LOYALTY.replace("token: loyalty", "token: loyalté"))
    plan = workspace.run("plan")
    assert plan.code in (1, 4), plan
    assert "error[similar-token]" in plan.err
    assert emulator.writes() == []
