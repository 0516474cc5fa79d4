"""Names of the platform and of a stranger's branch that move cursors, turn directions, forge orders to a CI job, or are Markdown or
HTML, are text and nothing else in what commands print and write: a terminal's, JSON, Markdown, HTML, SARIF, JUnit, events, specs.

HYPOTHESIS_PROFILE=thorough runs every command in every format.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.odd_names import MARK, more_than_text, names
from tests.support.workspace import Workspace

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
FORMS = {
    "text": "text",
    "json": "json",
    "markdown": "markdown",
    "html": "html",
    "github": "github",
    "terraform": "json",
}
PLANS = ("text", "json", "markdown", "html", "github", "terraform")
COMMANDS: Sequence[tuple[str, ...]] = (
    *(("plan", "--show-unmanaged", "-o", form) for form in PLANS),
    ("plan", "--out", "made.plan"),
    ("apply", "--auto-approve", "--prune", "datamart:retail-fr", "--events", "events.ndjson", "-o", "json"),
    *(("drift", "-o", form) for form in ("text", "json", "markdown", "html")),
    *(("runs", "show", "-o", form) for form in ("text", "json", "html")),
    ("doctor",),
    ("export", "--out", "exported"),
    ("adopt",),
)
ALL: Sequence[tuple[str, ...]] = (
    *COMMANDS,
    ("show", "made.plan"),
    ("diff", "made.plan", "made.plan"),
    ("apply", "--auto-approve", "-o", "markdown"),
    ("apply", "--auto-approve", "-o", "html"),
    ("doctor", "-o", "json"),
    ("adopt", "--write"),
    ("export", "-o", "json"),
    ("plan", "--request-log", "requests.ndjson", "--verbose"),
    ("drift", "--write"),
    ("source", "check", "customers", "-o", "html"),
    ("rollout", "status"),
    ("runs",),
    ("clean",),
)
WRITTEN = {"made.plan": "json", "events.ndjson": "lines", "requests.ndjson": "lines"}


@pytest.fixture
def hostile(workspace: Workspace, emulator: Emulator) -> Workspace:
    """Compartments, datamarts, imports, reasons and errors with such names; one of each is declared, and so compared."""
    made = names(1, 40)
    store = emulator.sandbox.store
    with store.lock:
        for n, name in enumerate(made):
            row: dict[str, Any] = {
                "organisation_id": "1185",
                "token": f"t{n}{name}",
                "name": name,
                "archived": False,
            }
            store.add("compartment", "1185", row, str(7000 + n))
        for n, name in enumerate(made):
            datamart = {
                "name": name,
                "type": f"DATAMART{name}",
                "archived": False,
                "time_zone": name,
                "token": name,
            }
            store.add("datamart", "1185", {"organisation_id": "1185", **datamart}, str(8000 + n))
        for n, name in enumerate(made):
            active = {"datamart_id": "1509", "compartment_id": str(7000 + n), "default": False}
            store.add("activation", "1509", active)
            imported = {
                "datamart_id": "1509",
                "document_type": "USER_PROFILE",
                "mime_type": "APPLICATION_X_NDJSON",
                "encoding": "UTF-8",
            }
            store.add("import", "1509", {**imported, "name": f"rcl1.{name}", "priority": "LOW"})
    head = "apiVersion: reconciler/v1\nkind: Compartment\n"
    for key, number in (("odd", 7003), ("other", 7007)):
        workspace.write(
            f"specs/{key}.yaml",
            f"{head}metadata: {{name: {key}}}\nspec: {{id: '{number}', name: Mine, activations: all}}\n",
        )
    workspace.customers(30)
    emulator.sandbox.processor.reason = made[5]
    emulator.quarantine("c000003", "c000007")
    error = {"status": "error", "error": made[1], "error_code": made[2], "error_id": made[3]}
    emulator.fault(
        {"method": "PUT", "path": "/compartments", "do": "status", "status": 400, "times": 1, "body": error}
    )
    return workspace


def test_names_of_the_platform_are_text_and_nothing_else(hostile: Workspace) -> None:
    odd, shown = list[str](), ""
    for words in ALL if THOROUGH else COMMANDS:
        named = [str(hostile.root / w) if w in (*WRITTEN, "exported") else w for w in words]
        done = hostile.run(*named)
        assert "a bug in reconciler" not in done.err, (words, done)
        form = FORMS[words[words.index("-o") + 1]] if "-o" in words else "text"
        out = [
            f"{' '.join(words)}: {x}" for x in more_than_text(done.out, form if done.out.strip() else "text")
        ]
        odd += out + [f"{' '.join(words)}, stderr: {x}" for x in more_than_text(done.err, "text")]
        shown += done.out + done.err
    written = {
        p
        for p in hostile.root.rglob("*")
        if (p.is_file() and p.suffix in (".yaml", ".gql")) or p.name in WRITTEN
    }
    odd += [
        f"{p.name}: {x}"
        for p in sorted(written)
        for x in more_than_text(p.read_text(), WRITTEN.get(p.name, "file"))
    ]
    assert not odd, "\n".join(odd)
    assert len(set(_marks(shown))) > 30, "the names are shown at all"


def _marks(text: str) -> list[str]:
    return [f"{MARK}{part[:2]}" for part in text.split(MARK)[1:]]


def quoted(name: str) -> str:
    """As a scalar of YAML."""
    return (
        '"'
        + "".join(
            c if c.isascii() and c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in name
        )
        + '"'
    )


def test_names_in_a_branch_are_text_and_nothing_else(workspace: Workspace) -> None:
    """A stranger's specs, by what `validate` and `render` say of them in each format."""
    spec = "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {{name: {key}, labels: {{{name}: {name}}}}}\nspec: {{token: {name}, nam: {name}, activations: [{name}]}}\n"
    for n, name in enumerate(names(2, 40)):
        text = spec.format(key=quoted(name) if n % 2 else f"k{n}", name=quoted(name))
        file = "".join(c for c in name if c not in "/\0")[:60] if n % 3 else f"x{n}"
        workspace.write(f"specs/{file}.yaml", text)
        workspace.write(f"specs/y{n}.yaml", f"{quoted(name)}: {quoted(name)}\n? {quoted(name)}\n")
    odd = list[str]()
    forms = {
        "text": "text",
        "json": "json",
        "github": "github",
        "sarif": "json",
        "junit": "xml",
        "gitlab": "json",
    }
    for form, kind in forms.items():
        done = workspace.run("validate", "-o", form)
        assert "a bug in reconciler" not in done.err, (form, done)
        odd += [
            f"validate -o {form}: {x}" for x in more_than_text(done.out, kind if done.out.strip() else "text")
        ]
        odd += [f"validate -o {form}, stderr: {x}" for x in more_than_text(done.err, "text")]
        assert MARK in done.out + done.err, form
    assert not odd, "\n".join(odd)


def test_what_is_searched_for_is_found(tmp_path: Path) -> None:
    """The search can fail: each piece, raw, is more than text somewhere."""
    for form, text in (
        ("text", "\x1b[2J"), ("text", "a\n::error::kqzname1"), ("text", "##[error]x"), ("html", "<p>a<script>kqzname1</script>"),
        ("html", "<p title='x' onload='kqzname1'>"), ("markdown", "| a |\n|---|\n| ![kqzname1](https://evil.example/x) |\n"),
        ("markdown", "hello @kqzname1"), ("markdown", "<b>kqzname1</b>"), ("markdown", "a https://evil.example/kqzname1"),
    ):  # fmt: skip
        assert list(more_than_text(text, form)), (form, text)
    assert not list(more_than_text("| a |\n|---|\n| `kqzname1` |\n", "markdown"))
