"""`validate` as users meet it: all findings at once, in every format, for all environments, and fast the second time."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jsonschema import Draft7Validator

from reconciler.cli.entry import plain_validate
from reconciler.spec import catalogue
from reconciler.workspace.cache import cache_folder
from tests.cli.test_bad_input import SPECS
from tests.support import zygote
from tests.support.specs import FILES, checked, codes, write
from tests.support.workspace import Done

SARIF = json.loads((Path(__file__).parents[1] / "data/sarif-2.1.0.schema.json").read_text("utf-8"))
SOURCE = "apiVersion: reconciler/v1\nkind: ProfileSource\nmetadata: {name: %s}\nspec:\n  files: [x.csv]\n"
ENVIRONMENTS = """\
apiVersion: reconciler/v1
kind: Workspace
metadata: {name: example}
spec:
  organisation_id: "1185"
  endpoint: "sandbox:"
  environments:
    dev: {organisation_id: "1190"}
    prod: {}
"""


def run(root: Path, *args: str, **env: str) -> Done:
    """The command, as in a shell."""
    clean = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith("RECONCILER_") and k not in ("CI", "FORCE_COLOR")
    }
    if "PYTHONPATH" in env:  # what Python reads when it starts
        anew = subprocess.run(
            [sys.executable, "-m", "reconciler", "-C", str(root), *args],
            env={**clean, **env},
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(anew.returncode, anew.stdout, anew.stderr)
    done = zygote.start(["-C", str(root), *args], {**clean, **env})
    out, err = done.communicate()
    return Done(done.wait(), out, err)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path, FILES)


HEAD = "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: %s}\n"
# Two dozen kinds of mistake, each in a file of its own: text, and the line, column and code of what is wrong.
BROKEN: dict[str, tuple[str | bytes, int, int, str]] = {
    "syntax": ("a: [1, 2\nb: {", 1, 4, "yaml-syntax"),
    "encoding": (b"apiVersion: reconciler/v1\nkind: \xe9\n", 2, 7, "yaml-encoding"),
    "binary": (b"a: x\nb: \x07\n", 2, 4, "yaml-binary"),
    "alias": ("a: 1\nb: *nowhere\n", 2, 4, "yaml-alias"),
    "tag": ("a: !python/object:os.system x\n", 1, 4, "yaml-tag"),
    "key": ("? [a]\n: b\n", 1, 3, "yaml-key"),
    "deep": ("a: " + "[" * 60 + "]" * 60, 1, 53, "yaml-too-deep"),
    "twice": (HEAD % "twice" + "spec: {token: tw, token: ice}\n", 4, 19, "yaml-duplicate-key"),
    "octal": (HEAD % "octal" + "spec: {token: 014}\n", 4, 15, "yaml-octal"),
    "infinite": (HEAD % "infinite" + "spec: {token: inf, name: .inf}\n", 4, 26, "yaml-not-finite"),
    "nothing": ("# nothing\n", 1, 1, "spec-empty"),
    "list": ("- a\n- b\n", 1, 1, "spec-not-mapping"),
    "kind": ("apiVersion: reconciler/v1\nkind: Compartmint\nmetadata: {name: k}\nspec: {}\n", 2, 7, "spec-kind"),
    "field": (HEAD % "field" + "spec:\n  token: fi\n  activation: all\n", 6, 3, "spec-unknown-field"),
    "missing": (HEAD % "missing" + "spec: {name: x}\n", 4, 1, "spec-missing-field"),
    "type": (HEAD % "type" + "spec: {token: [x]}\n", 4, 15, "spec-type"),
    "number": (HEAD % "number" + "spec: {id: 2071}\n", 4, 12, "spec-id-number"),
    "value": (SOURCE % "value" + "  datamarts: all\n  upload: chunked\n", 7, 11, "spec-value"),
    "name": (HEAD % "loyalty" + "spec: {token: other-one}\n", 3, 18, "duplicate-name"),
    "token": (HEAD % "xtoken" + "spec: {token: loyalty}\n", 4, 15, "duplicate-token"),
    "near": (HEAD % "near" + "spec: {token: loyallty}\n", 4, 15, "near-duplicate-token"),
    "odd": (HEAD % "odd" + "spec: {token: 'O D'}\n", 4, 15, "token-charset"),
    "gap": (HEAD % "gap" + "spec: {token: gap, activations: [retail-fr, retail-de, retail-es]}\n", 4, 33, "activation-coverage"),
    "datamart": (HEAD % "datamart" + "spec: {token: dm, activations: [retail-fr, retail-frr]}\n", 4, 44, "unknown-datamart"),
    "labels": (HEAD % "labels" + "spec: {token: la, activations: {country: xx}}\n", 4, 42, "unknown-label"),
    "reference": (SOURCE % "reference" + "  datamarts: all\n  identify_by: {compartment: loyalti, user_account_id: id}\n", 7, 30, "unknown-reference"),
    "identity": (SOURCE % "identity" + "  datamarts: all\n  identify_by: {compartment: loyalty, user_account_id: a, email_hash: id}\n", 7, 16, "source-identity"),
    "format": (SOURCE.replace("x.csv", "x.txt") % "format" + "  datamarts: all\n", 5, 11, "source-format"),
    "place": (SOURCE.replace("[x.csv]", '["{land}.ndjson"]') % "place" + "  datamarts: all\n", 5, 11, "source-placeholder"),
    "path": (SOURCE.replace("x.csv", "../x.ndjson") % "path" + "  datamarts: all\n", 5, 11, "unsafe-path"),
    "chunk": (SOURCE.replace("csv", "ndjson") % "chunk" + "  datamarts: all\n  chunk: {max_bytes: 100MB}\n", 7, 22, "chunk-size"),
    "overlay": ("apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: loyalty, environment: dev}\nspec: {}\n", 3, 40, "overlay-environment"),
}  # fmt: skip


@pytest.fixture
def broken(tmp_path: Path) -> tuple[Path, set[tuple[str, int, int, str]]]:
    """A workspace with all of them, and where each finding must be."""
    files = {f"specs/{name}.yaml": text for name, (text, *_) in BROKEN.items()}
    places = {(f"specs/{name}.yaml", line, column, code) for name, (_, line, column, code) in BROKEN.items()}
    return write(tmp_path, {**FILES, **files}), places


def test_dozens_of_broken_specs_in_one_run_all_at_once_sorted_and_placed(
    broken: tuple[Path, set[tuple[str, int, int, str]]],
) -> None:
    root, places = broken
    done = run(root, "validate", "-o", "json")
    assert done.code == 1
    report = json.loads(done.out)
    found = [
        (d["span"]["path"], d["span"]["line"], d["span"]["column"], d["code"]) for d in report["diagnostics"]
    ]
    assert set(found) == places
    assert found == sorted(found)
    assert report["valid"] is False
    text = run(root, "validate")
    assert text.code == 1
    assert all(
        f"[{code}]" in text.err and f"--> {path}:{line}:{column}" in text.err
        for path, line, column, code in found
    )


def test_the_same_in_every_format(broken: tuple[Path, set[tuple[str, int, int, str]]]) -> None:
    root, places = broken
    outputs = {o: run(root, "validate", "-o", o) for o in ("json", "github", "sarif", "junit", "gitlab")}
    assert all(o.code == 1 and o.err == "" for o in outputs.values())
    report = json.loads(outputs["json"].out)
    sarif = json.loads(outputs["sarif"].out)
    Draft7Validator(SARIF).validate(sarif)
    regions = {
        (
            (p := r["locations"][0]["physicalLocation"])["artifactLocation"]["uri"],
            p["region"]["startLine"],
            p["region"]["startColumn"],
            r["ruleId"],
        )
        for r in sarif["runs"][0]["results"]
    }
    assert regions == places
    assert (
        len(sarif["runs"][0]["results"])
        == len(report["diagnostics"])
        == len(json.loads(outputs["gitlab"].out))
    )
    xml = ElementTree.fromstring(outputs["junit"].out)
    assert int(xml.get("failures", "")) == report["error_count"]
    assert all(line.startswith(("::error ", "::warning ")) for line in outputs["github"].out.splitlines())
    assert outputs["github"].out.count("::error ") == 10


def test_a_reference_is_missed_although_another_file_is_broken(root: Path) -> None:
    write(
        root,
        {
            "specs/broken.yaml": "a: [",
            "specs/s.yaml": SOURCE % "s"
            + "  datamarts: all\n  identify_by: {compartment: loyalti, user_account_id: id}\n",
        },
    )
    assert codes(checked(root, {})) == ["yaml-syntax", "unknown-reference"]


def test_what_a_broken_file_may_declare_is_not_called_missing(root: Path) -> None:
    good = "  datamarts: all\n  identify_by: {compartment: partners, user_account_id: id}\n"
    for text in (
        "kind: Compartment\nmetadata: {name: partners}\nspec: {",
        FILES["specs/loyalty.yaml"].replace("name: loyalty", "name: partners").replace("token", "tokn"),
    ):
        found = codes(checked(root, {"specs/broken.yaml": text, "specs/s.yaml": SOURCE % "s" + good}))
        assert "unknown-reference" not in found
        assert len(found) >= 1
    lost = checked(
        root,
        {
            "specs/datamarts.yaml": FILES["specs/datamarts.yaml"].replace("kind", "kind ]"),
            "specs/broken.yaml": FILES["specs/loyalty.yaml"].replace("loyalty", "partners"),
        },
    )
    assert codes(lost) == ["spec-kind"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_what_a_file_in_another_encoding_declares_is_not_called_missing(root: Path, encoding: str) -> None:
    broken = FILES["specs/loyalty.yaml"].replace("name: loyalty", "name: partners")
    (root / "specs/broken.yaml").write_bytes(broken.encode(encoding))
    good = "  datamarts: all\n  identify_by: {compartment: partners, user_account_id: id}\n"
    (found,) = checked(root, {"specs/s.yaml": SOURCE % "s" + good}).diagnostics
    assert found.code in ("yaml-encoding", "yaml-binary")
    assert "UTF-8" in (found.help or "")


def test_paths_limit_what_is_reported_not_what_is_read(root: Path) -> None:
    bad = SOURCE % "s" + "  datamarts: all\n  identify_by: {compartment: loyalti, user_account_id: id}\n"
    write(root, {"specs/s.yaml": bad, "specs/other.yaml": "kind: Nothing\n"})
    narrowed = run(root, "validate", str(root / "specs/s.yaml"))
    assert narrowed.code == 1
    assert "unknown-reference" in narrowed.err
    assert "specs/other.yaml" not in narrowed.err
    good = run(root, "validate", str(root / "specs/loyalty.yaml"))
    assert (good.code, good.out, good.err) == (0, "", "")
    missing = run(root, "validate", str(root / "specs/none.yaml"))
    assert missing.code == 1
    assert "spec-no-such-path" in missing.err
    assert "-->" not in missing.err  # there is no place to show
    assert "did you mean" not in missing.err
    assert "1 error; `reconciler explain spec-no-such-path`" in missing.err
    near = run(root, "validate", str(root / "specs/loialty.yaml"))
    assert "did you mean 'specs/loyalty.yaml'?" in near.err


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (
            "specs/loyalty.yaml",
            "paths begin in the present folder: did you mean '{root}/specs/loyalty.yaml'?",
        ),
        ("specs/loialty.yaml", "did you mean '{root}/specs/loyalty.yaml'?"),
        ("specs/none.yaml", None),
    ],
)
def test_a_path_that_is_written_as_if_it_began_in_the_workspace(
    root: Path, monkeypatch: pytest.MonkeyPatch, written: str, meant: str | None
) -> None:
    monkeypatch.chdir(root.parent)
    found = run(Path(root.name), "validate", written)
    assert found.code == 1
    assert ("help" in found.err) is (meant is not None)
    assert meant is None or meant.format(root=root.name) in found.err


def test_per_file_knows_one_file_only(root: Path) -> None:
    bad = SOURCE % "s" + "  datamarts: all\n  identify_by: {compartment: loyalti, user_account_id: id}\n"
    write(
        root,
        {
            "specs/s.yaml": bad,
            "specs/t.yaml": FILES["specs/loyalty.yaml"].replace("token: loyalty", "token: 1"),
        },
    )
    assert run(root, "validate", "--per-file", str(root / "specs/s.yaml")).code == 0
    done = run(root, "validate", "--per-file", str(root / "specs/s.yaml"), str(root / "specs/t.yaml"))
    assert done.code == 1
    assert "spec-type" in done.err
    assert run(root, "validate", "--per-file").code == 64


def test_a_bad_workspace_file_is_a_finding_in_every_format(root: Path) -> None:
    write(
        root,
        {
            "reconciler.yaml": "apiVersion: reconciler/v1\nkind: Workspace\nmetadata: {name: x}\nspec: {organisation_id: 1185}\n"
        },
    )
    report = json.loads(run(root, "validate", "-o", "json").out)
    assert [(d["code"], d["span"]["path"]) for d in report["diagnostics"]] == [
        ("spec-id-number", "reconciler.yaml")
    ]


@pytest.mark.parametrize(
    "spec",
    [
        'token: "api:s3cret"',
        "token: api:s3cret",
        "token: api:s3cret, nope: 1",
        "environments: {dev: {token: api:s3cret}}",
        "ledger: postgresql://me:s3cret@db/x",
        "environments: {dev: {ledger: 'postgresql://me:s3cret@db/x'}}",
    ],
)
def test_a_secret_in_a_spec_is_named_and_shown_nowhere(spec: str, root: Path) -> None:
    write(
        root,
        {
            "reconciler.yaml": f'apiVersion: reconciler/v1\nkind: Workspace\nmetadata: {{name: x}}\nspec: {{organisation_id: "1185", {spec}}}\n'
        },
    )
    for output in ("text", "json", "github", "sarif", "junit", "gitlab"):
        done = run(root, "validate", "-o", output)
        assert done.code == 1
        assert "spec-secret" in done.out + done.err
        assert "s3cret" not in done.out + done.err
    shown = run(root, "config", "show", "--origin")
    assert "s3cret" not in shown.out + shown.err


# --- severities -----------------------------------------------------------------------------------------------------------

ODD = "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: odd}\nspec: {token: 'O D'}\n"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("{}", [("token-charset", "warning")]),
        ("{token-charset: off}", []),
        ("{token-charset: note}", [("token-charset", "note")]),
        ("{token-charset: error}", [("token-charset", "error")]),
        ("{token-charset: {severity: error, except: ['specs/*']}}", []),
        ("{token-charset: {except: ['specs/legacy/*']}}", [("token-charset", "warning")]),
    ],
)
def test_severities_and_exemptions(rules: str, expected: list[tuple[str, str]], tmp_path: Path) -> None:
    workspace = FILES["reconciler.yaml"].replace('"sandbox:"', f'"sandbox:", rules: {rules}')
    verdict = checked(tmp_path, {"reconciler.yaml": workspace, "specs/odd.yaml": ODD})
    assert [(d.code, d.severity.value) for d in verdict.diagnostics] == expected


@pytest.mark.parametrize(
    "rules",
    ["{yaml-syntax: off}", "{token-charst: off}", "{token-charset: maybe}", "{token-charset: {sev: off}}"],
)
def test_rules_that_do_not_exist_or_cannot_be_set_are_refused(rules: str, tmp_path: Path) -> None:
    workspace = FILES["reconciler.yaml"].replace('"sandbox:"', f'"sandbox:", rules: {rules}')
    assert set(codes(checked(tmp_path, {"reconciler.yaml": workspace}))) <= {
        "spec-unknown-field",
        "spec-value",
    }
    assert not checked(tmp_path, {"reconciler.yaml": workspace}).ok


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("loyalty-fr", "loyalty_fr", True),
        ("Loyalty", "loyalty", True),
        ("partners", "partner", True),
        ("newsletter", "newslettre", True),
        ("loyalty-fr", "loyalty-de", False),
        ("market-1", "market-11", False),
        ("crm", "crn", False),
        ("web", "webs", False),
    ],
)
def test_near_duplicate_tokens(one: str, other: str, near: bool, tmp_path: Path) -> None:
    text = "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: %s}\nspec: {token: %s}\n"
    files = {**FILES, "specs/loyalty.yaml": text % ("a", one), "specs/b.yaml": text % ("b", other)}
    assert ("near-duplicate-token" in codes(checked(tmp_path, files))) is near


@pytest.mark.parametrize(
    ("activations", "told"),
    [
        ("[retail-fr, retail-de, retail-es]", True),
        ("{country: [fr, de, es]}", True),
        ("{datamarts: {country: [fr, de, es]}, except: [retail-ch]}", False),
        ("{datamarts: all, except: {country: ch}}", False),
        ("{datamarts: all, except: [retail-ch]}", False),
        ("[retail-fr, retail-de]", False),
        ("all", False),
    ],
)
def test_activation_coverage(activations: str, told: bool, tmp_path: Path) -> None:
    text = FILES["specs/loyalty.yaml"].replace("activations: all", f"activations: {activations}")
    verdict = checked(tmp_path, {"specs/loyalty.yaml": text})
    assert codes(verdict) == (["activation-coverage"] if told else [])
    if told:
        assert "on 3 of the workspace's 4 datamarts, not on retail-ch" in verdict.diagnostics[0].message


def test_links_that_leave_the_workspace(tmp_path: Path) -> None:
    outside = write(tmp_path / "elsewhere", {"x.csv": "id\n"})
    source = (
        SOURCE.replace("x.csv", "linked/*.csv") % "s"
        + "  datamarts: all\n  identify_by: {compartment: loyalty, user_account_id: id}\n"
    )
    root = write(tmp_path / "ws", {**FILES, "specs/s.yaml": source})
    assert codes(checked(root, {})) == []
    assert run(root, "validate").code == 0
    (root / "linked").symlink_to(outside)
    done = run(root, "validate")  # not from memory: where paths lead is part of it
    assert done.code == 1
    assert "through a symbolic link" in done.err
    workspace = FILES["reconciler.yaml"].replace('"sandbox:"', '"sandbox:", allow_outside_paths: true')
    assert codes(checked(root, {"reconciler.yaml": workspace, "specs/s.yaml": source})) == []


# --- environments and overlays --------------------------------------------------------------------------------------------

OVERLAY = (
    "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: loyalty, environment: dev}\nspec: %s\n"
)


def test_all_environments_are_checked_and_a_finding_says_where(tmp_path: Path) -> None:
    files = {"reconciler.yaml": ENVIRONMENTS, "specs/dev.yaml": OVERLAY % "{activations: [retail-frr]}"}
    verdict = checked(tmp_path, files)
    assert codes(verdict) == ["unknown-datamart"]
    found = verdict.diagnostics[0]
    assert found.span is not None
    assert (found.span.path, found.span.line, found.note) == ("specs/dev.yaml", 4, "in the environment 'dev'")
    assert codes(checked(tmp_path, files, "dev")) == ["unknown-datamart"]
    assert codes(checked(tmp_path, files, "prod")) == []


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("{nome: x}", "spec-unknown-field"),
        ("{token: 1}", "spec-type"),
        ("{token: 'A B'}", "token-charset"),
        ("{activations: {country: xx}}", "unknown-label"),
    ],
)
def test_overlays_are_checked_like_specs(spec: str, code: str, tmp_path: Path) -> None:
    verdict = checked(tmp_path, {"reconciler.yaml": ENVIRONMENTS, "specs/dev.yaml": OVERLAY % spec})
    assert codes(verdict) == [code]
    assert verdict.diagnostics[0].span is not None
    assert verdict.diagnostics[0].span.path == "specs/dev.yaml"


def test_two_overlays_for_one_document_in_one_environment(tmp_path: Path) -> None:
    files = {"reconciler.yaml": ENVIRONMENTS, "specs/a.yaml": OVERLAY % "{}", "specs/b.yaml": OVERLAY % "{}"}
    assert codes(checked(tmp_path, files)) == ["duplicate-name"]


def test_datamarts_with_ids_in_environments_only(tmp_path: Path) -> None:
    table = FILES["specs/datamarts.yaml"]
    for n in range(1501, 1505):
        table = table.replace(f'"{n}"', f'{{dev: "{n}", prod: "{n + 1000}"}}')
    assert codes(checked(tmp_path, {"reconciler.yaml": ENVIRONMENTS, "specs/datamarts.yaml": table})) == []


def test_render_shows_overlays_sets_and_origins(tmp_path: Path) -> None:
    table = FILES["specs/datamarts.yaml"].replace('"1501"', '{dev: "3001", prod: "1501"}')
    overlay = OVERLAY % "{name: Loyalty (dev), activations: {country: [fr, de]}}"
    root = write(
        tmp_path,
        {**FILES, "reconciler.yaml": ENVIRONMENTS, "specs/dev.yaml": overlay, "specs/datamarts.yaml": table},
    )
    done = run(root, "render", "--environment", "dev", "Compartment/loyalty", "Datamarts/markets")
    assert done.code == 0
    every = run(root, "render", "--environment", "dev", "*/*")
    assert every.out == run(root, "render", "--environment", "dev").out
    for wrong, code, words in (
        ("loyalty", 64, "did you mean 'Compartment/loyalty'?"),
        ("Compartment/loyality", 1, "did you mean 'Compartment/loyalty'?"),
        ("Kompartment/*", 1, "did you mean 'Compartment/*'?"),
    ):
        refused = run(root, "render", wrong)
        assert (refused.code, words in refused.err) == (code, True), refused
    lines = {
        line.split("#")[0].strip(): line.split("#")[1].strip()
        for line in done.out.splitlines()
        if "#" in line
    }
    assert lines["token: loyalty"] == "specs/loyalty.yaml:4:15"
    assert lines["name: Loyalty (dev)"] == "specs/dev.yaml:4:14"
    assert lines["activations: [retail-de, retail-fr]"] == "specs/dev.yaml:4:42 {country: [fr, de]}"
    assert lines['id: "3001"'].startswith("specs/datamarts.yaml:5:19")
    report = json.loads(run(root, "render", "--environment", "dev", "-o", "json").out)
    loyalty = next(d for d in report["documents"] if d["address"] == "Compartment/loyalty")
    assert loyalty["data"]["spec"] == {
        "token": "loyalty",
        "name": "Loyalty (dev)",
        "activations": ["retail-de", "retail-fr"],
    }
    assert loyalty["origins"]["spec.name"] == "specs/dev.yaml:4:14"
    base = json.loads(run(root, "render", "-o", "json", "Compartment/loyalty").out)["documents"][0]["data"][
        "spec"
    ]
    assert base == {"token": "loyalty", "activations": ["retail-ch", "retail-de", "retail-es"]}
    assert run(root, "render", "Compartment/loyalti").code == 1


def test_what_render_prints_is_yaml_that_means_the_same(tmp_path: Path) -> None:
    from reconciler.spec.documents import parse

    odd = 'apiVersion: reconciler/v1\nkind: ProfileSource\nmetadata: {name: odd}\nspec:\n  files: ["a #1.csv", "b: c.csv", "{datamart.name}/x.csv"]\n  datamarts: all\n  identify_by: [{compartment: loyalty, user_account_id: "no"}, {email_hash: "1"}]\n  owner: {compartment: loyalty, user_account_id: "true"}\n  profile: {constants: {a: "null", b: [1, [2, {c: "x, y"}]], d: {}, e: [], f: "- x", g: "it\'s", h: "~", i: 1.5, j: "é\\tü"}}\n'
    root = write(tmp_path, {**FILES, "specs/odd.yaml": odd})
    text = run(root, "render").out
    data = [d["data"] for d in json.loads(run(root, "render", "-o", "json").out)["documents"]]
    documents, findings = parse("x.yaml", text.encode())
    assert findings == []
    assert [d.data for d in documents] == data


def test_config_show_says_where_each_value_is_from(root: Path) -> None:
    write(
        root, {"reconciler.yaml": ENVIRONMENTS.replace("    prod: {}", "    prod: {token: {env: MICS_PROD}}")}
    )
    done = run(
        root,
        "config",
        "show",
        "--origin",
        "--parallelism",
        "3",
        "--environment",
        "dev",
        RECONCILER_ENDPOINT="HTTPS://x:443/",
        RECONCILER_TOKEN="api:s3cret",
    )
    rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in done.out.splitlines()}
    assert rows["organisation_id"] == ["1190", "reconciler.yaml:8:28 (environment dev)"]
    assert rows["endpoint"] == ["https://x", "RECONCILER_ENDPOINT"]
    assert rows["parallelism"] == ["3", "--parallelism"]
    assert rows["environment"] == ["dev", "--environment"]
    assert rows["write_timeout"] == ["600s", "default"]
    assert rows["token"] == ["(set)", "RECONCILER_TOKEN"]
    assert "s3cret" not in done.out + done.err
    prod = json.loads(run(root, "config", "show", "-o", "json", RECONCILER_ENVIRONMENT="prod").out)[
        "settings"
    ]
    assert prod["environment"] == {"value": "prod", "origin": "RECONCILER_ENVIRONMENT"}
    assert prod["token"]["value"] == "(read from MICS_PROD, not set)"


# --- explain --------------------------------------------------------------------------------------------------------------


def test_explain(root: Path) -> None:
    one = run(root, "explain", "activation-coverage")
    assert one.code == 0
    for part in ("Bad:", "Good:", "How to fix it:", "except: [retail-ch]", "disables it"):
        assert part in one.out
    every = run(root, "explain")
    assert all(code in every.out for code in catalogue.catalogue())
    unknown = run(root, "explain", "activation-covrage")
    assert unknown.code == 64
    assert "did you mean 'activation-coverage'?" in unknown.err


# --- start-up, and the second time ------------------------------------------------------------------------------------------


def test_validate_imports_neither_httpx_nor_deepdiff_nor_jsonschema_nor_an_extra(root: Path) -> None:
    heavy = [
        "httpx",
        "deepdiff",
        "jsonschema",
        "typer",
        "pydantic",
        "rich",
        "msgspec",
        "stamina",
        "asyncio",
        "sqlite3",
    ]
    heavy += [
        "starlette",
        "uvicorn",
        "polars",
        "obstore",
        "sqlalchemy",
        "psycopg",
        "jinja2",
        "dask",
        "prometheus_client",
    ]
    code = f"import sys; sys.argv = ['reconciler', '-C', {str(root)!r}, 'validate']\nfrom reconciler.__main__ import main\ntry:\n    main()\nexcept SystemExit as e:\n    assert e.code == 0\nprint([m for m in {heavy!r} if m in sys.modules])"
    for _ in range(2):  # the second time from memory
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"
    assert (
        "yaml"
        not in subprocess.run(
            [sys.executable, "-c", code + "\nprint('yaml' if 'yaml' in sys.modules else '')"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )


@pytest.mark.parametrize(
    ("arguments", "plain"),
    [
        (["validate"], True),
        (["-C", "x", "validate"], True),
        (["-C", "x", "validate", "a", "b"], True),
        (["validate", "--per-file", "a"], True),
        (["validate", "a", "--per-file"], True),
        (["validate", "-o", "json"], False),
        (["validate", "--help"], False),
        (["validate", "--", "-a"], False),
        (["-Cx", "validate"], False),
        (["-C"], False),
        (["-C", "validate"], False),
        (["plan"], False),
        ([], False),
        (["--version"], False),
    ],
)
def test_only_the_plainest_form_goes_around_typer(arguments: list[str], plain: bool) -> None:
    assert (plain_validate(arguments, {}) is not None) is plain
    assert plain_validate(arguments, {"RECONCILER_OUTPUT": "json"}) is None


def test_both_ways_say_the_same(root: Path) -> None:
    write(root, {"specs/bad.yaml": SPECS["unknown field"][0], "specs/odd.yaml": ODD})
    for paths in ([], [str(root / "specs/bad.yaml")], ["--per-file", str(root / "specs/bad.yaml")]):
        plain, typed = run(root, "validate", *paths), run(root, "validate", *paths, "--no-color")
        assert (plain.code, plain.out, plain.err) == (typed.code, typed.out, typed.err)
    empty = root / "empty"
    empty.mkdir()
    assert run(empty, "validate").err == run(empty, "validate", "--no-color").err


def verdict_file(root: Path) -> Path:
    folder = cache_folder(root, os.environ)
    assert folder
    return next(folder.glob("validate-*.json"))


def age(root: Path) -> None:
    """Let all files be older than any clock's tick."""
    for path in [root / "reconciler.yaml", *(root / "specs").rglob("*.yaml")]:
        os.utime(path, (time.time() - 100, time.time() - 100))


def test_an_edit_within_one_tick_of_the_clock_is_noticed(root: Path) -> None:
    path = root / "specs/loyalty.yaml"
    good = path.read_text()
    bad = good.replace("activations", "activation5")
    assert len(bad) == len(good)
    for content, code in ((good, 0), (bad, 1), (good, 0)):
        before = path.stat()
        with path.open("r+") as file:  # the same inode, the same size
            file.write(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # and the same time
        assert run(root, "validate").code == code


def test_the_verdict_on_an_unchanged_workspace_comes_from_the_cache(root: Path) -> None:
    write(root, {"specs/odd.yaml": ODD})
    first = run(root, "validate")
    assert "token-charset" in first.err
    kept = verdict_file(root)
    told = json.loads(kept.read_text())
    told["findings"][0][2] = "FROM MEMORY"
    kept.write_text(json.dumps(told))
    assert "FROM MEMORY" in run(root, "validate").err
    age(root)  # touched, not edited
    assert "FROM MEMORY" in run(root, "validate").err
    write(root, {"specs/more.yaml": ODD.replace("odd", "more")})
    again = run(root, "validate")
    assert "FROM MEMORY" not in again.err
    assert "specs/more.yaml" in again.err
    (root / "specs/more.yaml").unlink()
    assert "specs/more.yaml" not in run(root, "validate").err
    write(
        root,
        {
            "reconciler.yaml": FILES["reconciler.yaml"].replace(
                '"sandbox:"', '"sandbox:", rules: {token-charset: off}'
            )
        },
    )
    assert run(root, "validate").err == ""
    assert not (root / ".reconciler").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"tool": 1}', "\x00"])
def test_a_spoilt_memory_costs_nothing_but_itself(content: str, root: Path) -> None:
    assert run(root, "validate").code == 0
    verdict_file(root).write_text(content)
    done = run(root, "validate")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_workspace_that_cannot_be_written(root: Path) -> None:
    (root / ".reconciler").write_text("a file where the folder should be")
    for _ in range(2):
        done = run(root, "validate")
        assert (done.code, done.out, done.err) == (0, "", "")


def test_many_files_are_shared_out_and_found_the_same(tmp_path: Path) -> None:
    many = {
        f"specs/d{n % 7}/c{n}.yaml": ODD.replace("odd", f"c{n}").replace("O D", f"token {n}")
        for n in range(600)
    }
    verdict = checked(tmp_path, {**many, "specs/d3/bad.yaml": "a: ["})
    assert codes(verdict).count("token-charset") == 600
    assert "yaml-syntax" in codes(verdict)
    assert list(verdict.diagnostics) == sorted(verdict.diagnostics, key=lambda d: d.order())


@pytest.mark.parametrize("activations", ["[retail-fr, retail-es]", "retail-es", "{datamarts: all, except: [retail-es]}", "{country: es}"])  # fmt: skip
def test_a_datamart_without_an_id_in_an_environment_is_skipped_there(
    activations: str, tmp_path: Path
) -> None:
    table = FILES["specs/datamarts.yaml"].replace('"1504"', '{prod: "1504"}')
    text = FILES["specs/loyalty.yaml"].replace("activations: all", f"activations: {activations}")
    files = {"reconciler.yaml": ENVIRONMENTS, "specs/datamarts.yaml": table, "specs/loyalty.yaml": text}
    assert codes(checked(tmp_path, files)) == []
    shown = json.loads(
        run(tmp_path, "render", "-o", "json", "--environment", "dev", "Compartment/loyalty").out
    )
    assert "retail-es" not in shown["documents"][0]["data"]["spec"]["activations"]


@pytest.mark.parametrize("folder", ["specs", "examples/environments"])
def test_the_workspaces_of_this_repository_are_good(folder: str) -> None:
    done = run(Path(__file__).parents[2] / folder, "validate")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_links_among_specs_are_followed_once_and_one_without_target_is_reported(root: Path) -> None:
    write(root, {"more/x.yaml": "kind: Nope\n"})
    (root / "specs/loop").symlink_to(root / "specs")
    (root / "specs/linked").symlink_to(root / "more")
    (root / "specs/gone.yaml").symlink_to(root / "nowhere")
    found = [
        (d["code"], d["span"]["path"])
        for d in json.loads(run(root, "validate", "-o", "json").out)["diagnostics"]
    ]
    assert found == [("spec-unreadable", "specs/gone.yaml"), ("spec-kind", "specs/linked/x.yaml")]


def test_a_file_whose_name_is_not_text(root: Path) -> None:
    (Path(os.fsdecode(os.fsencode(root / "specs") + b"/n\xff\n.yaml"))).write_text("a: [\n")
    for output in ("text", "json", "github", "sarif", "junit", "gitlab"):
        for _ in range(2):
            assert "yaml-syntax" in (lambda d: d.out + d.err)(run(root, "validate", "-o", output))


def test_states_that_could_hide_an_edit_are_confirmed_by_contents(root: Path) -> None:
    from reconciler.spec.find import find, workspace_file
    from reconciler.workspace import verdict_cache

    def pretend_nothing_changed() -> None:
        """As if the edit had happened within the tick of the clock: the states that were kept are those of now."""
        kept = json.loads(verdict_file(root).read_text())
        kept["stats"] = verdict_cache._stats([workspace_file(root), *find(root, ["specs"])[0]])
        verdict_file(root).write_text(json.dumps(kept))

    path = root / "specs/loyalty.yaml"
    assert run(root, "validate").code == 0
    assert json.loads(verdict_file(root).read_text())["settled"] is False  # the files were written just now
    path.write_text(path.read_text().replace("activations", "activation5"))
    pretend_nothing_changed()
    assert run(root, "validate").code == 1


def test_files_that_are_old_enough_are_known_by_their_states(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reconciler.workspace import verdict_cache

    monkeypatch.setattr(verdict_cache, "TICK_NS", -(10**18))  # as if all files had been written long ago
    assert verdict_cache.VerdictCache(root, os.environ, None).load() is None
    checked(root, {})
    assert json.loads(verdict_file(root).read_text())["settled"] is True
    monkeypatch.setattr(verdict_cache, "contents", None)  # not asked for
    assert verdict_cache.VerdictCache(root, os.environ, None).load() == verdict_cache.Verdict(
        (), ("specs/datamarts.yaml", "specs/loyalty.yaml")
    )


@pytest.mark.parametrize("command", ["validate", "plan", "show", "diff", "watch", "init"])
def test_help_waits_for_nothing_that_sends_requests_or_reads_sources(command: str) -> None:
    heavy = ["httpx", "polars", "pyarrow", "rich.console", "reconciler.bulk.scan.scan"]
    code = f"import sys; sys.argv = ['reconciler', {command!r}, '--help']\nfrom reconciler.__main__ import main\ntry:\n    main()\nexcept SystemExit as e:\n    assert not e.code\nprint([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
