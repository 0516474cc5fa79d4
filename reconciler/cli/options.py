"""Flags that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


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
        help="text, json, markdown (for a comment) or html (one page).",
        envvar="RECONCILER_OUTPUT",
    ),
]
Output = Annotated[Format, typer.Option("-o", "--output", help="text or json.", envvar="RECONCILER_OUTPUT")]
ReferenceOutput = Annotated[
    ReferenceFormat,
    typer.Option("-o", "--output", help="text, json or markdown.", envvar="RECONCILER_OUTPUT"),
]
FindingsOutput = Annotated[
    FindingsFormat,
    typer.Option("-o", "--output", help="How findings are shown.", envvar="RECONCILER_OUTPUT"),
]
Environment = Annotated[
    str | None, typer.Option("--environment", metavar="NAME", help="An environment of reconciler.yaml.")
]
Endpoint = Annotated[
    str | None, typer.Option("--endpoint", metavar="URL", help="API to talk to, or sandbox:.")
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file", metavar="FILE", help="File with the API token.", envvar="RECONCILER_TOKEN_FILE"
    ),
]
Parallelism = Annotated[
    int | None,
    typer.Option("--parallelism", metavar="N", min=1, max=64, help="Requests and uploads at once."),
]
OnlyOption = Annotated[
    Only | None,
    typer.Option(
        "--only", help="config: what a pull request checks. loads: the nightly job.", envvar="RECONCILER_ONLY"
    ),
]
Datamart = Annotated[
    str | None,
    typer.Option(
        "--datamart",
        metavar="SET",
        help="Datamarts: names with commas, or key=value.",
        envvar="RECONCILER_DATAMART",
    ),
]
Labels = Annotated[
    list[str] | None,
    typer.Option("-l", "--label", metavar="KEY=VALUE", help="Only documents with this label."),
]
Targets = Annotated[list[str] | None, typer.Option("--target", metavar="ADDRESS", help="Only this address.")]
Bundle = Annotated[
    str | None,
    typer.Option(
        "--bundle",
        metavar="DIGEST",
        help="Only if the specs are these, such as those that another environment's rollout carried out.",
    ),
]
WaveOption = Annotated[
    str | None,
    typer.Option(
        "--wave", metavar="NAME", help="Carry out just this wave; those before it must have passed."
    ),
]
Reload = Annotated[
    list[str] | None, typer.Option("--reload", metavar="ADDRESS", help="Load this again as a new generation.")
]
Resend = Annotated[
    list[str] | None, typer.Option("--resend", metavar="ADDRESS#CHUNK", help="Send this chunk again.")
]
Supersede = Annotated[
    list[str] | None, typer.Option("--supersede", metavar="ADDRESS", help="Give up an unfinished generation.")
]
Prune = Annotated[
    list[str] | None,
    typer.Option(
        "--prune",
        metavar="SCOPE",
        help="Remove activations that no spec declares: Activation, or Activation@DATAMART.",
    ),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow", metavar="GUARD:SCOPE=WHY", help="Let a guard be crossed; who and why stand in the plan."
    ),
]
Detailed = Annotated[
    bool,
    typer.Option(
        "--detailed-exitcode", help="Exit 2 if there are changes.", envvar="RECONCILER_DETAILED_EXITCODE"
    ),
]
AutoApprove = Annotated[bool, typer.Option("--auto-approve", help="Do not ask.")]
SkipStale = Annotated[
    bool, typer.Option("--skip-stale", help="Leave out what moved since it was planned, and do the rest.")
]
NoWait = Annotated[
    bool,
    typer.Option(
        "--no-wait", help="Do not follow executions; the next apply does.", envvar="RECONCILER_NO_WAIT"
    ),
]
LockTimeout = Annotated[
    str,
    typer.Option(
        "--lock-timeout",
        metavar="TIME",
        help="How long to wait for another run.",
        envvar="RECONCILER_LOCK_TIMEOUT",
    ),
]
NoColor = Annotated[bool, typer.Option("--no-color", help="No colours.", envvar="RECONCILER_NO_COLOR")]
Events = Annotated[
    Path | None,
    typer.Option(
        "--events", metavar="FILE", help="Append one JSON event a line.", envvar="RECONCILER_EVENTS"
    ),
]
Rejects = Annotated[
    Path | None,
    typer.Option(
        "--rejects", metavar="FILE", help="Write rejected lines, contents included, to a new private file."
    ),
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Save the plan.", envvar="RECONCILER_OUT")
]
