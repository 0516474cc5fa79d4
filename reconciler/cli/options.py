"""Flags that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from reconciler.cli import completing


class Format(StrEnum):
    """Output formats."""

    TEXT = "text"
    JSON = "json"


class PlanFormat(StrEnum):
    """Output formats of a plan."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    GITHUB = "github"
    TERRAFORM = "terraform"


class ResultFormat(StrEnum):
    """Output formats of what was applied."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


class DriftFormat(StrEnum):
    """Output formats of drift."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


class SourceFormat(StrEnum):
    """Output formats of a source."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"


class ReferenceFormat(StrEnum):
    """Output formats of the catalogue of rules."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class FindingsFormat(StrEnum):
    """Output formats of findings."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"
    JUNIT = "junit"
    GITLAB = "gitlab"


class Only(StrEnum):
    """Halves of a plan."""

    CONFIG = "config"
    LOADS = "loads"


PlanOutput = Annotated[
    PlanFormat,
    typer.Option(
        "-o",
        "--output",
        help="text, json, markdown (for a comment), html (one page), github (annotations of its findings) or terraform (GitLab's report).",
        envvar="RECONCILER_OUTPUT",
    ),
]
Output = Annotated[Format, typer.Option("-o", "--output", help="text or json.", envvar="RECONCILER_OUTPUT")]
ResultOutput = Annotated[
    ResultFormat,
    typer.Option(
        "-o",
        "--output",
        help="text, json, markdown (for a comment) or html (one page).",
        envvar="RECONCILER_OUTPUT",
    ),
]
DriftOutput = Annotated[
    DriftFormat,
    typer.Option(
        "-o",
        "--output",
        help="text, json, markdown (for a comment) or html (one page).",
        envvar="RECONCILER_OUTPUT",
    ),
]
SourceOutput = Annotated[
    SourceFormat,
    typer.Option("-o", "--output", help="text, json or html (one page).", envvar="RECONCILER_OUTPUT"),
]
ReferenceOutput = Annotated[
    ReferenceFormat,
    typer.Option("-o", "--output", help="text, json or markdown.", envvar="RECONCILER_OUTPUT"),
]
FindingsOutput = Annotated[
    FindingsFormat,
    typer.Option("-o", "--output", help="How findings are shown.", envvar="RECONCILER_OUTPUT"),
]
Environment = Annotated[
    str | None,
    typer.Option(
        "--environment",
        autocompletion=completing.environments,
        metavar="NAME",
        help="An environment of reconciler.yaml; or set RECONCILER_ENVIRONMENT.",
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option(
        "--endpoint", metavar="URL", help="URL of the platform, or sandbox:; or set RECONCILER_ENDPOINT."
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="File with the API token; or set RECONCILER_TOKEN.",
        envvar="RECONCILER_TOKEN_FILE",
    ),
]
Parallelism = Annotated[
    int | None,
    typer.Option("--parallelism", metavar="N", min=1, max=64, help="Parallel requests and uploads."),
]
UploadRate = Annotated[
    str | None,
    typer.Option(
        "--upload-rate",
        metavar="RATE",
        help="Bytes a second of all uploads together, as 50MB; or set RECONCILER_UPLOAD_RATE.",
    ),
]
OnlyOption = Annotated[
    Only | None,
    typer.Option(
        "--only",
        help="config: compartments and activations only. loads: profile sources only.",
        envvar="RECONCILER_ONLY",
    ),
]
Datamart = Annotated[
    str | None,
    typer.Option(
        "--datamart",
        autocompletion=completing.datamarts,
        metavar="SET",
        help="Datamarts: names separated by commas, or key=value.",
        envvar="RECONCILER_DATAMART",
    ),
]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "-l",
        "--label",
        autocompletion=completing.labels,
        metavar="KEY=VALUE",
        help="Only documents with this label in metadata.labels; --datamart KEY=VALUE selects by labels of datamarts.",
    ),
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        autocompletion=completing.addresses,
        metavar="ADDRESS",
        help="Only this address. * is any text; without a datamart, on all.",
    ),
]
SpecDigest = Annotated[
    str | None,
    typer.Option(
        "--spec-digest",
        metavar="DIGEST",
        help="Plan only if the specs have this digest, for example that of another environment's rollout.",
    ),
]
WaveOption = Annotated[
    str | None,
    typer.Option(
        "--wave", metavar="NAME", help="Apply only this wave; the waves before it must have passed."
    ),
]
Reload = Annotated[
    list[str] | None,
    typer.Option(
        "--reload",
        autocompletion=completing.loads,
        metavar="ADDRESS",
        help="Send the same content again, as a new load.",
    ),
]
Resend = Annotated[
    list[str] | None,
    typer.Option("--resend", metavar="ADDRESS#CHUNK", help="Send this chunk again, as a new attempt."),
]
Supersede = Annotated[
    list[str] | None,
    typer.Option(
        "--supersede",
        autocompletion=completing.loads,
        metavar="ADDRESS",
        help="Abandon an unfinished load and start the new one.",
    ),
]
Prune = Annotated[
    list[str] | None,
    typer.Option(
        "--prune",
        autocompletion=completing.prunable,
        metavar="SCOPE",
        help="Remove activations that no spec declares: Activation, or Activation@DATAMART.",
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="GUARD:SCOPE=WHY",
        help="Override a guard; user and reason are recorded in the plan.",
    ),
]
Detailed = Annotated[
    bool,
    typer.Option(
        "--detailed-exitcode", help="Exit 2 if there are changes.", envvar="RECONCILER_DETAILED_EXITCODE"
    ),
]
ShowUnmanaged = Annotated[
    bool,
    typer.Option("--show-unmanaged", help="Name what exists on the platform and no spec declares."),
]
Details = Annotated[
    list[str] | None,
    typer.Option(
        "--details",
        autocompletion=completing.addresses,
        metavar="ADDRESS",
        help="Show all that the plan says of an address, such as 'Activation/loyalty@*'.",
    ),
]
Full = Annotated[
    bool,
    typer.Option(
        "--full",
        help="Show all that the plan says of each change and load, then the plan; as JSON and in a saved plan, an entry for each resource that is as declared, too.",
    ),
]
AutoApprove = Annotated[bool, typer.Option("--auto-approve", help="Do not ask.")]
SkipStale = Annotated[bool, typer.Option("--skip-stale", help="Skip stale actions, and apply the rest.")]
Sealed = Annotated[
    bool,
    typer.Option(
        "--sealed",
        help="With FILE: refuse a plan whose seal is missing or cannot be checked, and compare it with the specs as well.",
    ),
]
NoWait = Annotated[
    bool,
    typer.Option(
        "--no-wait",
        help="Do not wait for executions; the next apply checks them.",
        envvar="RECONCILER_NO_WAIT",
    ),
]
LockTimeout = Annotated[
    str,
    typer.Option(
        "--lock-timeout",
        metavar="TIME",
        help="How long to wait for the lock of another run.",
        envvar="RECONCILER_LOCK_TIMEOUT",
    ),
]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours.", envvar="RECONCILER_NO_COLOR")]
Events = Annotated[
    Path | None,
    typer.Option(
        "--events",
        metavar="FILE",
        help="Append events to this file, one JSON object per line.",
        envvar="RECONCILER_EVENTS",
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        help="Show each request on stderr: method, path without identifiers, status, time.",
        envvar="RECONCILER_VERBOSE",
    ),
]
RequestLog = Annotated[
    Path | None,
    typer.Option(
        "--request-log",
        metavar="FILE",
        help="Append each request to this file, one JSON object per line, without identifiers and contents.",
        envvar="RECONCILER_REQUEST_LOG",
    ),
]
Rejects = Annotated[
    Path | None,
    typer.Option(
        "--rejects", metavar="FILE", help="Write rejected rows, with their contents, to a new private file."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FILE", help="Save the plan in this file; - for stdout.", envvar="RECONCILER_OUT"
    ),
]
