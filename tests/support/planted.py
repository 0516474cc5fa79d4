"""Secrets in every place where the platform, files, databases and the environment can speak; and a search for them.

Each planted text is one of its own, so that the number of what was planted and of what was found is known. Profile values are
planted where profile data is named or carried; the token, in each form, everywhere.
"""

import base64
import contextlib
import gzip
import itertools
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars

from tests.support.datamart_schema import EXAMPLE
from tests.support.emulator import Emulator
from tests.support.planted_elsewhere import ROLLOUT, Step, traced, watched
from tests.support.workspace import Workspace

TOKEN = "api:kqz9/Token+of=the~Platform"
FORMS = (
    TOKEN,
    TOKEN.removeprefix("api:"),
    quote(TOKEN, safe=""),
    TOKEN.upper(),
    base64.b64encode(TOKEN.encode()).decode(),
    f"Bearer {TOKEN}",
)
_STEM = "kqzvalue"
_LEAKS = re.compile(
    "|".join([rf"{_STEM}\d+", "kqz9", re.escape(base64.b64encode(TOKEN.encode()).decode().rstrip("="))]),
    re.IGNORECASE,
)
STATUSES = (200, 302, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 503)
FIELDS = ("error", "error_code", "error_id", "message", "status", "data")
# Requests: method, path, and whether they carry or name profile data.
REQUESTS = (
    ("GET", "/v1/datamarts", False),
    ("GET", "/v1/user_account_compartments", False),
    ("GET", "/v1/datamarts/1509/compartments", False),
    ("GET", "/v1/datamarts/1509/document_imports", False),
    ("POST", "/v1/user_account_compartments", False),
    ("POST", "/v1/datamarts/1509/compartments", False),
    ("POST", "/v1/datamarts/1509/document_imports", False),
    ("GET", "/v1/datamarts/1509/document_imports/*/executions", True),
    ("POST", "/v1/datamarts/1509/document_imports/*/executions", True),
    ("GET", "/v1/data_file/data", True),
    ("GET", "/v1/datamarts/1509/graphdb_runtime_schemas", False),
    ("GET", "/v1/datamarts/1509/graphdb_runtime_schemas/*/text", False),
    ("GET", "/v1/datamarts/1509/user_identifiers/*", True),
    ("GET", "/v1/datamarts/1509/user_points/*", True),
)
SOURCE = """\
apiVersion: reconciler/v1
kind: ProfileSource
metadata: {{name: people}}
spec:
  {files}
  datamarts: retail-fr
  bad_lines: {{allow: 5000}}
  duplicates: warn
  verify: {{sample: 5}}
  chunk: {{max_bytes: 4000}}
{more}"""
MAPPED = "  identify_by: {compartment: loyalty, user_account_id: id}\n  types: {n: integer}\n"
Command = tuple[str, ...] | Step
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("validate",),
    ("source", "check", "people"),
    ("source", "check", "people", "-o", "json"),
    ("plan", "--out", "plan.json"),
    ("plan", "-o", "markdown"),
    ("apply", "--auto-approve", "--events", "events.ndjson", "-o", "json"),
    ("apply", "--auto-approve"),
    ("drift", "-o", "json"),
    ("runs",),
    ("runs", "show"),
    ("runs", "show", "-o", "json"),
    ("source", "retry", "people", "--failed-lines", "--auto-approve"),
    ("config", "show", "--origin"),
)
HOSTILE = "\x1b[31m\x1b]0;x\x07\u202e\u2066\u200f\x9b1m\r::error::x"
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
REQUEST_LOG = ("--request-log", "requests.ndjson", "--verbose")
EVERYWHERE: tuple[tuple[str, ...], ...] = (
    *(("validate", "-o", form) for form in ("github", "sarif", "junit", "gitlab")),
    ("doctor", *REQUEST_LOG),
    ("doctor", "-o", "json"),
    *(
        ("plan", *REQUEST_LOG, "-o", form)
        for form in ("text", "json", "markdown", "html", "github", "terraform")
    ),
    ("schema", "fetch", *REQUEST_LOG),
    ("export", *REQUEST_LOG),
    ("adopt", "--write", *REQUEST_LOG),
    ("apply", "--auto-approve", "--events", "events.ndjson", *REQUEST_LOG, "-o", "html"),
    *(("drift", *REQUEST_LOG, "-o", form) for form in ("text", "json", "markdown", "html")),
    ("drift", "--write", *REQUEST_LOG),
    *(("runs", "show", "-o", form) for form in ("text", "json", "html")),
    ("clean",),
)


class Planter:
    """Hands out texts that are found again."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.planted = 0

    def value(self) -> str:
        self.planted += 1
        return f"{_STEM}{next(self._numbers)}"

    def words(self, *, private: bool) -> str:
        """What a platform may say: the token in all forms; and values, where the request was about profiles."""
        self.planted += len(FORMS)
        values = f' "{self.value()}" bad value {self.value()}, {self.value()}@example.org' if private else ""
        return f"denied for {' and '.join(FORMS)}{values}"


Prepare = Callable[[Workspace, Emulator, Planter], None]


@dataclass(frozen=True)
class Scenario:
    name: str
    prepare: Prepare
    commands: Sequence[Command] = COMMANDS


def good(workspace: Workspace, plant: Planter) -> None:
    """A source that can be loaded."""
    rows = "".join(f"{plant.value()},{plant.value()},1\n" for _ in range(20))
    workspace.write("data/x.csv", "id,v,n\n" + rows)
    workspace.write("specs/people.yaml", SOURCE.format(files="files: [data/x.csv]", more=MAPPED))


def answers(method: str, path: str, private: bool, status: int) -> Scenario:
    def prepare(workspace: Workspace, emulator: Emulator, plant: Planter) -> None:
        good(workspace, plant)
        if "data_file" in path:
            emulator.sandbox.processor.reason = f"no {plant.value()}"
            emulator.sandbox.processor.quarantined = {"kqzvalue1", "kqzvalue3"}
        if "graphdb" in path:
            emulator.schema("1509", EXAMPLE)
        body: dict[str, Any] = {f: plant.words(private=private) for f in FIELDS}
        if status == 200:
            body |= {"status": "ok", "data": [{"id": plant.words(private=private), **body}], "total": 1}
        headers = {"Location": f"/v1/x?token={quote(TOKEN)}"} if status == 302 else {"Retry-After": "0"}
        emulator.fault(
            {"method": method, "path": path, "do": "status", "status": status, "times": 2, "body": body, "headers": headers}
        )  # fmt: skip

    commands = [c for c in COMMANDS if c[0] in ("plan", "apply", "runs")]
    return Scenario(f"{method} {path} {status}", prepare, commands)


def reasons(workspace: Workspace, emulator: Emulator, plant: Planter) -> None:
    good(workspace, plant)
    emulator.sandbox.processor.quarantined = {f"{_STEM}{n}" for n in range(1, 12, 2)}
    emulator.sandbox.processor.reason = plant.words(private=True)


def headerless(workspace: Workspace, _: Emulator, plant: Planter) -> None:
    rows = "".join(f"{plant.value()};{plant.value()}\n" for _ in range(20))
    workspace.write("data/x.csv", rows)
    workspace.write("specs/people.yaml", SOURCE.format(files="files: [data/x.csv]", more=MAPPED))


def first_row_doubled(workspace: Workspace, _: Emulator, plant: Planter) -> None:
    value = plant.value()
    workspace.write("data/x.csv", f"{value},{value},{plant.value()}\n" * 3)
    workspace.write("specs/people.yaml", SOURCE.format(files="files: [data/x.csv]", more=MAPPED))


def bad_csv(workspace: Workspace, _: Emulator, plant: Planter) -> None:
    p = plant.value
    rows = [
        f"{p()},{p()},{p()}",
        f'{p()},"{p()}',
        f"{p()},{p()}",
        f"{p()},{p()},1,{p()}",
        f'"{p()}"{p()},x,1',
        f",{p()},1",
    ]
    text = "id,v,n\n" + "".join(f"{row}\n" for row in rows * 8) + f"{p()},\0{p()},1\n"
    (workspace.root / "data/x.csv.gz").write_bytes(gzip.compress(text.encode())[:-12])
    workspace.write("data/y.csv", text)
    (workspace.root / "data/z.csv").write_bytes(text.encode() + f"\xff{p()},\xfe,1\n".encode("latin-1"))
    workspace.write("specs/people.yaml", SOURCE.format(files='files: ["data/*"]', more=MAPPED))


def bad_commands(workspace: Workspace, _: Emulator, plant: Planter) -> None:
    p = plant.value
    good_line = (
        '{{"operation":"UPSERT","user_account_id":"{}","force_replace":true,"user_profile":{{"v":"{}"}}}}'
    )
    lines = [
        good_line.format(p(), p()),
        f'{{"operation":"{p()}","user_account_id":"{p()}"}}',
        f'{{"operation":"UPSERT","user_account_id":"{p()}","force_replace":"{p()}"}}',
        f'{{"operation":"UPSERT","user_account_id":{{"{p()}":"{p()}"}}}}',
        f'{{"operation":"UPSERT","{p()}":"{p()}"}}',
        f'{{"operation":"UPSERT","user_account_id":"{p()}","user_account_id":"{p()}"}}',
        f'{{"operation":"UPSERT","user_account_id":"{p()}","user_profile":{{"{p()}":{p()}}}}}',
        f'{{"operation":"UPSERT","user_account_id":"{p()}","user_profile":["{p()}"]}}',
        f'{{"operation":"UPSERT","user_account_id":"{p()}","user_profile":{{"a":1,"a":"{p()}"}}}}',
        f'{{"operation":"DELETE","user_account_id":"{p()}","email_hash":"{p()}"}}',
        f"{{{p()}", f'["{p()}"]', f'"{p()}"', p(), "[" * 200 + p(), '{"a":' * 200 + f'"{p()}"',
    ]  # fmt: skip
    workspace.write("data/x.ndjson", "".join(f"{line}\n" for line in lines * 4))
    workspace.write("specs/people.yaml", SOURCE.format(files="files: [data/x.ndjson]", more=""))


def parquet(workspace: Workspace, _: Emulator, plant: Planter) -> None:
    p = plant.value
    columns = {
        "id": [p() for _ in range(20)],
        "v": [{"a": p()} for _ in range(20)],
        "n": [p() for _ in range(20)],
    }
    polars.DataFrame(columns).write_parquet(workspace.root / "data/x.parquet", compression="uncompressed")
    workspace.write("specs/people.yaml", SOURCE.format(files="files: [data/x.parquet]", more=MAPPED))


def damaged_parquet(workspace: Workspace, emulator: Emulator, plant: Planter) -> None:
    parquet(workspace, emulator, plant)
    path = workspace.root / "data/x.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 3] + plant.value().encode() * 3 + whole[len(whole) // 3 + 40 :])


def no_parquet(workspace: Workspace, _: Emulator, plant: Planter) -> None:
    workspace.write("data/x.parquet", f"{plant.value()}," * 40)
    workspace.write("specs/people.yaml", SOURCE.format(files="files: [data/x.parquet]", more=MAPPED))


def environment(workspace: Workspace, emulator: Emulator, plant: Planter) -> None:
    good(workspace, plant)
    secret = plant.value()
    workspace.env |= {
        "HTTPS_PROXY": f"http://user:{plant.value()}@127.0.0.1:9", "HTTP_PROXY": f"socks5://u:{plant.value()}@x y",
        "PEOPLE_DB": f"postgresql://user:{secret}@127.0.0.1:9/db?password={plant.value()}", "AWS_SECRET_ACCESS_KEY": plant.value(),
        "RECONCILER_SECRET": plant.value(), "PGPASSWORD": plant.value(),
    }  # fmt: skip
    sql = "sql: {url: {env: PEOPLE_DB}, query: SELECT 1 AS id}"
    workspace.write("specs/people.yaml", SOURCE.format(files=sql, more=MAPPED))


def urls(workspace: Workspace, _: Emulator, plant: Planter) -> None:
    url = f"https://127.0.0.1:9/x.csv?sig={plant.value()}&token={quote(TOKEN, safe='')}"
    workspace.write("specs/people.yaml", SOURCE.format(files=f"files: ['{url}']", more=MAPPED))


def ledger(workspace: Workspace, _: Emulator, plant: Planter) -> None:
    """A ledger whose database says what somebody wrote into it."""
    good(workspace, plant)
    workspace.run("apply", "--auto-approve")
    with contextlib.closing(sqlite3.connect(workspace.root / ".reconciler/ledger.db")) as db, db:
        for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'").fetchall():
            for what in ("INSERT", "UPDATE"):
                raised = f"SELECT RAISE(ABORT, 'kqz-raised {plant.value()}')"
                db.execute(f"CREATE TRIGGER {table}_{what} BEFORE {what} ON {table} BEGIN {raised}; END")
    good(workspace, plant)  # other rows: there is something to write down


def odd_settings(workspace: Workspace, _: Emulator, plant: Planter) -> None:
    """A ledger whose variable holds a password alone, and accounts in URLs of other settings."""
    good(workspace, plant)
    workspace.env["LEDGER"] = plant.value()
    settings = workspace.root / "reconciler.yaml"
    more = f"  ledger: {{env: LEDGER}}\n  index: s3://key:{plant.value()}@bucket/sent\n  engine: {{dask: {{scheduler: 'tls://u:{plant.value()}@127.0.0.1:9'}}}}\n"
    settings.write_text(settings.read_text() + more)


def names(workspace: Workspace, emulator: Emulator, plant: Planter) -> None:
    """Rows of the platform that carry the token."""
    good(workspace, plant)
    with emulator.sandbox.store.lock:
        for n, form in enumerate(FORMS):
            plant.planted += 1
            emulator.sandbox.store.add(
                "compartment", "1185",
                {"organisation_id": "1185", "token": f"t{n}", "name": form, "archived": False}, str(7000 + n),
            )  # fmt: skip


def hostile(workspace: Workspace, emulator: Emulator, plant: Planter) -> None:
    """Names and reasons that would move a terminal's cursor, turn text around, or command a CI job."""
    good(workspace, plant)
    with emulator.sandbox.store.lock:
        for number in ("7100", "7101"):
            row = {
                "organisation_id": "1185",
                "token": f"odd{number}",
                "name": f"a{HOSTILE}",
                "archived": False,
            }
            emulator.sandbox.store.add("compartment", "1185", row, number)
    spec = "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: odd}\nspec: {token: odd7100, name: Other}\n"
    workspace.write("specs/odd.yaml", spec)
    emulator.sandbox.processor.quarantined = {f"{_STEM}{n}" for n in range(1, 12, 2)}
    emulator.sandbox.processor.reason = HOSTILE + plant.words(private=True)


def schema(workspace: Workspace, emulator: Emulator, plant: Planter, change: Callable[[str], str]) -> None:
    """The text of a schema that says the token, or moves a cursor, where a parser or a comparison stands."""
    good(workspace, plant)
    workspace.write(
        "specs/odd.yaml",
        "apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {name: odd}\nspec: {token: odd}\n",
    )
    emulator.schema("1509", change(plant.words(private=False)))


def schemas() -> Iterator[Scenario]:
    commands: Sequence[Command] = (
        ("source", "check", "people"), ("schema", "fetch"), ("plan",), ("plan", "-o", "json"), ("plan", "-o", "html"),
        ("source", "check", "people"), ("apply", "--auto-approve", "--events", "events.ndjson"), watched,
    )  # fmt: skip
    changes: dict[str, Callable[[str], str]] = {
        "cut off": lambda w: f'type UserPoint @TreeIndexRoot(index:"{w}',
        "no schema": lambda w: w,
        "a comment": lambda w: f"# {w} {HOSTILE}\n{EXAMPLE}",
        "a directive": lambda w: EXAMPLE.replace('data_type:"text"', f'data_type:"{w}"'),
        "a path": lambda w: EXAMPLE.replace("address.zip-code", w),
        "hostile": lambda _: EXAMPLE.replace("address.zip-code", f"v{HOSTILE}").replace(
            "tier: L", f"{HOSTILE}: L"
        ),
        "hostile names": lambda _: EXAMPLE.replace("tier: L", "kv: L").replace("USER_INDEX", HOSTILE),
    }
    for name, change in changes.items():
        yield Scenario(f"schema: {name}", lambda w, e, p, c=change: schema(w, e, p, c), commands)  # type: ignore[misc]


def credential(script: str) -> Scenario:
    """A program that gives the token, or says much else."""

    def prepare(workspace: Workspace, _: Emulator, plant: Planter) -> None:
        good(workspace, plant)
        plant.planted += 3
        workspace.write("token.sh", script.format(token=TOKEN, value=plant.value(), hostile=HOSTILE))
        text = (workspace.root / "reconciler.yaml").read_text().rstrip()
        workspace.write("reconciler.yaml", f"{text}\n  credential_command: [sh, token.sh]\n")
        workspace.env["RECONCILER_TOKEN"] = ""

    commands: Sequence[Command] = (
        ("plan",), ("plan", "-o", "json"), ("doctor",), ("doctor", "-o", "json"), ("config", "show", "--origin"),
        ("apply", "--auto-approve", "--events", "events.ndjson", *REQUEST_LOG), ("runs", "show", "-o", "json"), watched,
    )  # fmt: skip
    return Scenario(f"credential command: {script.splitlines()[0][:40]}", prepare, commands)


def rollout(workspace: Workspace, emulator: Emulator, plant: Planter) -> None:
    """Waves whose gate is a program that says all it knows, and lines that the platform refuses with many words."""
    reasons(workspace, emulator, plant)
    source = (workspace.root / "specs/people.yaml").read_text()
    workspace.write("specs/people.yaml", source.replace("datamarts: retail-fr", "datamarts: all"))
    workspace.write("specs/rollout.yaml", ROLLOUT)
    words = plant.words(private=False)
    workspace.write("gate.sh", f"env\ncat token\nprintf '%s\\n' '{HOSTILE}'\nexit $(cat code)\n")
    workspace.write("token", words)
    workspace.write("code", "1")
    workspace.env |= {
        "RECONCILER_SECRET": plant.value(),
        "PGPASSWORD": plant.value(),
        "AWS_SECRET_ACCESS_KEY": plant.value(),
    }
    body = {f: plant.words(private=True) for f in FIELDS}
    emulator.fault(
        {"method": "POST", "path": "/v1/datamarts/1510/document_imports/*/executions", "do": "status", "status": 403, "times": 1, "body": body},
    )  # fmt: skip


def gate_opens(workspace: Workspace, _: Emulator) -> str:
    workspace.write("code", "0")
    return ""


ROLLOUT_COMMANDS: Sequence[Command] = (
    ("plan", "-o", "html"), ("plan", "--out", "plan.json"), ("apply", "plan.json", "--events", "events.ndjson", "-o", "html"),
    *(("rollout", "status", "-o", form) for form in ("text", "json", "html")),
    gate_opens, ("rollout", "resume", "-o", "html"), *(("rollout", "status", "-o", form) for form in ("text", "html")),
    ("rollout", "abort"), ("runs", "show", "-o", "html"), ("runs", "show", "-o", "json"), ("runs",), watched,
)  # fmt: skip


def failing(workspace: Workspace, emulator: Emulator, plant: Planter) -> None:
    """A platform that says the token and values with every other answer, for as long as it is asked."""
    reasons(workspace, emulator, plant)
    words = {f: plant.words(private=True) for f in FIELDS}
    ways = [("GET", "/executions", 500), ("POST", "/executions", 403), ("GET", "/compartments", 429)]
    emulator.fault(
        *({"method": m, "path": p, "do": "status", "status": s, "times": 0, "probability": 0.3, "body": words, "headers": {"Retry-After": "0"}}
          for m, p, s in ways)
    )  # fmt: skip


ELSEWHERE = (
    *schemas(),
    *map(credential, (
        "echo '{token}'; echo '{token} {value} {hostile}' >&2",
        "echo '{token} {value}'; echo '{value}' >&2; exit 3",
        "echo '{token}'\necho '{value}'",
        "echo ' {token} '",
        "printf '{token}\\033[31m'",
        "yes '{token} {value}'",
    )),
    Scenario("rollout", rollout, ROLLOUT_COMMANDS),
    Scenario("watch: failing", failing, (watched, ("apply", "--auto-approve"), watched)),
    Scenario("watch: names", names, (watched,)),
    Scenario("watch: hostile", hostile, (watched,)),
    Scenario("watch: environment", environment, (watched,)),
    Scenario("traces: failing", failing, (traced("plan"), traced("apply", "--auto-approve"), traced("drift"))),
    Scenario("traces: reasons", reasons, (traced("apply", "--auto-approve"), traced("source", "retry", "people", "--failed-lines", "--auto-approve"))),
    Scenario("traces: environment", environment, (traced("apply", "--auto-approve"),)),
    Scenario("traces: commands", bad_commands, (traced("source", "check", "people"), traced("apply", "--auto-approve"))),
)  # fmt: skip
LOCAL = (*(
    Scenario(f.__name__, f)
    for f in (reasons, headerless, first_row_doubled, bad_csv, bad_commands, parquet, damaged_parquet, no_parquet, environment, urls, names, ledger, odd_settings)
), Scenario("names everywhere", names, EVERYWHERE), Scenario("hostile", hostile, EVERYWHERE), *ELSEWHERE)  # fmt: skip
REMOTE = tuple(answers(m, p, private, status) for m, p, private in REQUESTS for status in STATUSES)


def files(workspace: Workspace) -> dict[str, str]:
    """What each file of a workspace holds."""
    found = (p for p in sorted(workspace.root.rglob("*")) if p.is_file())
    return {str(p.relative_to(workspace.root)): p.read_bytes().decode("latin-1") for p in found}


def leaks(workspace: Workspace, shown: str, given: Mapping[str, str]) -> Iterator[str]:
    """What was planted and came out: in what was printed, and in every file that a command wrote or changed.

    Args:
        workspace: where the commands ran.
        shown: what they printed.
        given: files as the scenario made them.
    """
    texts = [("printed", shown), *(x for x in files(workspace).items() if given.get(x[0]) != x[1])]
    for where, text in texts:
        plain = text if where == "printed" else text.encode("latin-1").decode("utf-8", "replace")
        if where.startswith(("printed", "specs/")) and (raw := RAW.search(plain)):
            yield f"{where}, as it is: …{json.dumps(plain[max(0, raw.start() - 60) : raw.end() + 30])}…"
        for found in _LEAKS.finditer(text):
            if (
                where.startswith(".reconciler/ledger.db")
                and "kqz-raised" in text[found.start() - 12 : found.start()]
            ):
                continue  # what the scenario itself wrote there
            around = text[max(0, found.start() - 60) : found.end() + 30]
            yield f"{where}: …{json.dumps(around)}…"


def run(scenario: Scenario, folder: Path) -> tuple[int, list[str]]:
    """How many were planted, and what came out."""
    emulator, plant = Emulator(folder / "emulator"), Planter()
    try:
        workspace = Workspace(folder / "ws", emulator.url)
        workspace.env["RECONCILER_TOKEN"] = TOKEN
        plant.planted += 1
        scenario.prepare(workspace, emulator, plant)
        given, shown = files(workspace), list[str]()
        for words in scenario.commands:
            if callable(words):
                shown.append(words(workspace, emulator))
                continue
            done = workspace.run(
                *(str(workspace.root / w) if w.endswith("json") and "." in w else w for w in words)
            )
            shown.append(f"$ {' '.join(words)}: {done.code}\n{done.out}{done.err}")
        assert "a bug in reconciler" not in "".join(shown), shown
        if any(not rule.acted and not rule.probability < 1 for rule in emulator.sandbox.faults.rules):
            return 0, ["never asked for"]
        return plant.planted, sorted(set(leaks(workspace, "\n".join(shown), given)))
    finally:
        emulator.stop()
