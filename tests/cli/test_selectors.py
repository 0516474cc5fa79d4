"""A flag that selects nothing ends the command (1), sends no write, and names what there is."""

from pathlib import Path

import pytest

from tests.support.emulator import Emulator
from tests.support.workspace import Workspace

ROWS = [
    ("--datamart retail-fx", "no spec declares 'retail-fx'", "did you mean 'retail-fr'"),
    ("--datamart retail-fr,zzz", "no spec declares 'zzz'", "known: retail-fr, retail-de"),
    ("--datamart country=frr", "no datamart has the label country=frr", "did you mean 'country=fr'"),
    ("--datamart countri=fr", "no datamart has the label countri=fr", "did you mean 'country=fr'"),
    ("--datamart country=fr,country=it", "no datamart has the label country=it", "country="),
    ("--datamart retail-es", "selects no datamart that has an id", "known: retail-fr, retail-de"),
    ("--datamart country=es", "selects no datamart that has an id", "known: retail-fr, retail-de"),
    ("-l team=crn", "no spec has team=crn", "did you mean 'team=crm'"),
    ("-l xx=yy", "no spec has xx=yy", "known: owner=web, team=crm"),
    (
        "-l country=fr",
        "no spec has country=fr in metadata.labels, but datamarts have it",
        "`--datamart country=fr` selects them",
    ),
    ("-l team=crm -l owner=web", "no spec has these labels together", "fewer flags"),
    ("--target Compartment/loyality", "no spec declares", "did you mean 'Compartment/loyalty'"),
    ("--target Activation/loyalty@retail-fr --datamart retail-de", "the other flags exclude", "fewer flags"),
    ("--target ProfileSource/custmers", "no spec declares", "'ProfileSource/customers@retail-fr'"),
    ("--target Activation/loyalty@retail-fx", "no spec declares", "'Activation/loyalty@retail-fr'"),
    ("--target Kompartment/*", "no spec declares", "did you mean 'Compartment/*'?"),
    ("--target Activation/loyalty --datamart retail-de --only loads", "the other flags exclude", "fewer"),
    ("--details Compartment/loyality", "the plan has no Compartment/loyality", "'Compartment/loyalty'"),
    ("--target ProfileSource/customers@retail-fr --only config", "the other flags exclude", "fewer flags"),
    ("--reload ProfileSource/customer@retail-fr", "no spec declares", "'ProfileSource/customers@retail-fr'"),
    ("--reload Compartment/loyalty", "no spec declares the load", "ProfileSource/customers@retail-fr"),
    ("--reload ProfileSource/customers@retail-fr --only config", "the other flags exclude", "fewer flags"),
    ("--resend ProfileSource/customers@retail-fr#99", "has no such chunk", "#1 to #1"),
    ("--resend ProfileSource/customers@retail-fr#0", "has no such chunk", "#1 to #1"),
    (
        "--reload ProfileSource/customers",
        "one load, which needs its datamart",
        "ProfileSource/customers@retail-fr",
    ),
    ("--datamart country:fr", "no spec declares 'country:fr'", "did you mean 'country=fr'?"),
    ("--datamart country:frr", "no spec declares 'country:frr'", "known: retail-"),
    ("--environment prod", "reconciler.yaml declares none", "remove --environment"),
    ("--resend ProfileSource/custom@retail-fr#1", "no spec declares", "'ProfileSource/customers@retail-fr'"),
    (
        "--supersede ProfileSource/customers@retail-de",
        "no spec declares",
        "ProfileSource/customers@retail-fr",
    ),
    ("--supersede ProfileSource/customers@retail-fr", "has no earlier load", "remove the flag"),
    ("--prune Activation@retail-fx", "no spec declares this datamart", "did you mean 'Activation@retail-fr'"),
]


@pytest.fixture
def workspace(tmp_path: Path, emulator: Emulator) -> Workspace:
    made = Workspace(tmp_path / "ws", emulator.url)
    table = (made.root / "specs/datamarts.yaml").read_text()
    made.write("specs/datamarts.yaml", table + '  retail-es: {id: {prod: "1599"}, labels: {country: es}}\n')
    made.write(
        "specs/web.yaml",
        "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: web, labels: {owner: web}}\n"
        "spec: {token: web, activations: retail-de}\n",
    )
    made.customers(3)
    return made


@pytest.mark.parametrize("flag", ["--target", "--details"])
def test_a_name_without_its_kind_is_no_address(workspace: Workspace, flag: str) -> None:
    done = workspace.run("plan", flag, "customers")
    assert done.code == 64
    assert f"{flag} 'customers' is not an address" in done.err
    assert "did you mean 'ProfileSource/customers@retail-fr'?" in " ".join(done.err.split())


def test_a_flag_that_selects_nothing(workspace: Workspace, emulator: Emulator) -> None:
    assert workspace.run("plan").code == 0
    for flags, words, hint in ROWS:
        for command in [["plan"]] if "#" not in flags else [["plan"], ["apply", "--auto-approve"]]:
            done = workspace.run(*command, *flags.split())
            assert done.code == 1, (flags, done)
            assert words in " ".join(done.err.split()), (flags, done)
            assert hint in " ".join(done.err.split()), (flags, done)
    assert emulator.writes() == []


@pytest.mark.parametrize(
    "flags",
    [
        "--datamart country=fr",
        "--datamart retail-fr,country=de",
        "--datamart all",
        "-l team=crm",
        "--target Activation/loyalty@retail-fr --datamart country=fr",
        "--target ProfileSource/customers --target Activation/loyalty --target Compartment/loyalty",
        "--target Activation/*@retail-fr --target Compartment/*",
        "--details Activation/loyalty",
        "--reload ProfileSource/customers@retail-fr",
        "--resend ProfileSource/customers@retail-fr#1",
        "--prune Activation@retail-fr",
        "--target Compartment/[l,m]* --target Activation/loyalty",
        "-l team=crm -l team=crm --show-unmanaged --show-unmanaged",
    ],
)
def test_a_flag_that_selects_something(workspace: Workspace, flags: str) -> None:
    assert workspace.run("plan", *flags.split()).code == 0


@pytest.mark.parametrize(
    ("given", "words", "hint"),
    [
        (["--allow", "guard-change:Activation@retail-fr=x"], "no guard 'guard-change'", "did you mean 'guard-changes'?"),
        (["--allow", "foo:bar=baz"], "there is no guard 'foo'", "known: guard-changes"),
        (["--allow", "guard-changes"], "is not GUARD:SCOPE=WHY", "for example"),
        (["-l", "team:crm"], "is not KEY=VALUE", "did you mean '-l team=crm'?"),
        (["-l", "team"], "is not KEY=VALUE", "-l team=crm"),
        (["-l", "team=crm,owner=web"], "-l 'team=crm,owner=web' is no list", "-l team=crm -l owner=web"),
        (["--datamart", "retail-fr", "--datamart", "retail-de"], "--datamart is given twice", "--datamart A,B"),
        (["--datamart=retail-fr", "--datamart=retail-fr"], "--datamart is given twice", "--datamart A,B"),
        (["--environment", "a", "--environment", "b"], "--environment is given twice", "give it once"),
        (["-o", "json", "--output", "text"], "-o is given twice", "give it once"),
        (["-o=json"], "no equals sign stands behind", "write -o json"),
        (["-l=team=crm"], "no equals sign stands behind", "write -l team=crm"),
        (["--target", "Compartment/loyalty,Activation/loyalty"], "is no list", "--target Compartment/loyalty --target Activation/loyalty"),
        (["--details", "Compartment/loyalty,Compartment/web"], "is no list", "--details Compartment/loyalty --details Compartment/web"),
        (["--prune", "Activation@retail-fr,Activation@retail-de"], "is no list", "--prune Activation@retail-fr --prune Activation@retail-de"),
        *(([flag, "ProfileSource/a@x#1,ProfileSource/b@x#1"], "is no list", f"{flag} ProfileSource/a@x#1 {flag} ProfileSource/b@x#1")
          for flag in ("--reload", "--resend", "--supersede")),
    ],
)  # fmt: skip
def test_a_flag_without_its_form(workspace: Workspace, given: list[str], words: str, hint: str) -> None:
    done = workspace.run("plan", *given)
    said = " ".join(done.err.split())
    assert (done.code, words in said, hint in said) == (64, True, True), done


def test_a_chunk_that_was_processed_is_not_sent_again_by_itself(
    workspace: Workspace, emulator: Emulator
) -> None:
    assert workspace.run("apply", "--auto-approve").code == 0
    before = len(emulator.writes())
    for command in (["plan"], ["apply", "--auto-approve"]):
        done = workspace.run(*command, "--resend", "ProfileSource/customers@retail-fr#1")
        assert done.code == 1
        assert "the load has ended, so the chunk is not sent again" in done.err
        assert "--reload ProfileSource/customers@retail-fr" in done.err
    assert len(emulator.writes()) == before


@pytest.mark.parametrize(
    ("flag", "words"),
    [("country=frr", "did you mean 'country=fr'"), ("retail-fx", "did you mean 'retail-fr'")],
)
def test_a_source_is_checked_for_datamarts_that_exist(workspace: Workspace, flag: str, words: str) -> None:
    done = workspace.run("source", "check", "customers", "--datamart", flag)
    assert done.code == 1
    assert words in done.err


def test_a_wave_that_is_not_there(workspace: Workspace, emulator: Emulator, tmp_path: Path) -> None:
    done = workspace.run("apply", "--auto-approve", "--wave", "canary")
    assert (done.code, "the plan has no waves" in done.err) == (1, True)
    workspace.write(
        "specs/rollout.yaml",
        "apiVersion: reconciler/v1\nkind: Rollout\nmetadata: {name: default}\n"
        "spec: {waves: [{name: canary, datamarts: retail-fr}, {name: everyone, datamarts: rest}]}\n",
    )
    done = workspace.run("apply", "--auto-approve", "--wave", "canari")
    assert done.code == 1
    assert "the plan has no wave 'canari'" in done.err
    assert "did you mean 'canary'?" in done.err
    assert emulator.writes() == []
