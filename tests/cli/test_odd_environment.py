"""Odd values of environment variables: an error that names the variable, never a bug, and nothing of a password."""

import os
from pathlib import Path

import pytest

from tests.support.workspace import Workspace

LONG = "x" * 5000
ODD = (
    "/nope",
    "::::",
    "http://[",
    "socks5://name:s3cret@h:1",
    "\udcff",
    "x" * 5000,
    "http://a:99999999",
    "http://\x01",
)
FILES = ("/nope", "/etc", "/etc/passwd", "/dev/null", "\udcff", "x" * 5000)
NOWHERE = "https://127.0.0.2.nip.invalid"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("HTTPS_PROXY", ODD),
        ("https_proxy", ODD),
        ("SSL_CERT_FILE", FILES),
        ("SSL_CERT_DIR", ("/nope", "/etc/passwd", "x" * 5000)),
        ("SSLKEYLOGFILE", ("/nope/keys", "/etc")),
    ],
)
def test_a_connection_that_cannot_be_set_up_names_the_variable(
    workspace: Workspace, name: str, values: tuple[str, ...]
) -> None:
    for value in values:
        done = workspace.run("plan", "--endpoint", NOWHERE, **{name: value})
        assert done.code == 1, (value, done)
        assert name.lower() in done.err.lower(), (value, done)
        assert "s3cret" not in done.out + done.err


@pytest.mark.parametrize(
    "name",
    [
        "RECONCILER_ENDPOINT", "RECONCILER_PARALLELISM", "RECONCILER_UPLOAD_RATE",
        "RECONCILER_ENVIRONMENT", "RECONCILER_TOKEN", "RECONCILER_TOKEN_FILE", "TMPDIR", "HOME", "TERM",
    ],
)  # fmt: skip
def test_no_variable_makes_a_bug(workspace: Workspace, name: str) -> None:
    for value in ("/nope", "\udcff", "-1"):
        done = workspace.run("plan", **{name: value})  # `Done` refuses tracebacks and words of a bug
        assert done.code in (0, 1, 64), (value, done)


def test_a_data_file_whose_name_is_not_utf_8(workspace: Workspace) -> None:
    workspace.customers(3)
    odd = Path(os.fsdecode(os.fsencode(workspace.root) + b"/data/caf\xe9\x1b[31m.csv"))
    (workspace.root / "data/customers.csv").rename(odd)
    for args in (("plan",), ("plan", "-o", "json"), ("source", "preview", "customers", "--line", "2")):
        done = workspace.run(*args)  # `Done` refuses words of a bug
        assert done.code == 1, done
        assert "is not UTF-8" in done.out + done.err
        assert "\x1b" not in done.out + done.err


def test_files_whose_names_are_not_utf_8(workspace: Workspace) -> None:
    for folder in ("specs", "data"):
        (Path(os.fsdecode(os.fsencode(workspace.root / folder) + b"/caf\xe9.yaml"))).write_text(
            "kind: [", "utf-8"
        )
    for args in (
        ("validate",),
        ("validate", "-o", "json"),
        ("validate", "-o", "sarif"),
        ("plan",),
        ("plan", "-o", "json"),
    ):
        done = workspace.run(*args)
        assert done.code == 1, done
        assert "caf" in done.out + done.err
    odd = os.fsdecode(os.fsencode(workspace.root) + b"/caf\xe9")
    (workspace.root / "specs" / os.fsdecode(b"caf\xe9.yaml")).unlink()
    assert workspace.run("plan", "--out", odd).code == 0
    assert workspace.run("apply", odd, "--events", odd + ".events").code == 0
