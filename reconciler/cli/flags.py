"""The flags that several commands share, as given; and what they make of the output while a command works.

A field of `Flags` that is annotated as an option is one: its type, help and name are in `options`, its default is here. A command
names those that it has (`takes`) and is given them as one value; its other arguments are its own options.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, Self, get_type_hints

import typer

from reconciler.api.observer import Observer
from reconciler.api.presence import Clock
from reconciler.cli import options as opt
from reconciler.cli import selectors
from reconciler.cli.output import traces
from reconciler.cli.output.activity import Activity
from reconciler.cli.output.requests import Requests
from reconciler.cli.wiring import actor, real_clock
from reconciler.errors import UsageError
from reconciler.kinds.nearest import nearest_or_known
from reconciler.kinds.selectors import one_each
from reconciler.model.asked import Overrides, Scope
from reconciler.model.plan import Override
from reconciler.settings import seconds
from reconciler.whole import whole
from reconciler.workflows.check import Checked

WORKSPACE = ("environment", "endpoint", "no_color")
PLATFORM = (*WORKSPACE, "token_file", "verbose", "request_log")
SELECTION = ("datamart", "label", "target")
OVERRIDES = ("reload", "resend", "supersede", "allow", "prune", "spec_digest")


@dataclass(frozen=True, kw_only=True)
class Flags:
    """Flags as given.

    Attributes:
        root: the workspace.
        shape: the format of a plan, where the command shows one; `output` is that of everything beside it.
    """

    root: Path
    shape: opt.PlanFormat = opt.PlanFormat.TEXT
    output: opt.Output = opt.Format.TEXT
    environment: opt.Environment = None
    endpoint: opt.Endpoint = None
    token_file: opt.TokenFile = None
    parallelism: opt.Parallelism = None
    upload_rate: opt.UploadRate = None
    only: opt.OnlyOption = None
    datamart: opt.Datamart = None
    label: opt.Labels = None
    target: opt.Targets = None
    reload: opt.Reload = None
    resend: opt.Resend = None
    supersede: opt.Supersede = None
    allow: opt.Allow = None
    prune: opt.Prune = None
    spec_digest: opt.SpecDigest = None
    show_unmanaged: opt.ShowUnmanaged = False
    details: opt.Details = None
    full: opt.Full = False
    skip_stale: opt.SkipStale = False
    sealed: opt.Sealed = False
    no_wait: opt.NoWait = False
    wave: opt.WaveOption = None
    lock_timeout: opt.LockTimeout = "30s"
    events: opt.Events = None
    verbose: opt.Verbose = False
    request_log: opt.RequestLog = None
    no_color: opt.NoColor = False

    def __post_init__(self) -> None:
        """A time that makes no sense is told at once, and not only where somebody else holds the lock.

        Raises:
            UsageError: the time to wait is none.
        """
        seconds(self.lock_timeout)

    def with_plan_format(self, shape: opt.PlanFormat) -> Self:
        """Those of a command that shows a plan: beside one that is not JSON it says texts."""
        json = shape is opt.PlanFormat.JSON
        return replace(self, shape=shape, output=opt.Format.JSON if json else opt.Format.TEXT)

    def with_result_format(self, shape: opt.ResultFormat) -> Self:
        """Those of a command that reports what was applied: on stdout stands the report, and nothing else."""
        text = shape is opt.ResultFormat.TEXT
        return replace(
            self, shape=opt.PlanFormat(shape.value), output=opt.Format.TEXT if text else opt.Format.JSON
        )

    @cached_property
    def activity(self) -> Activity:
        """What the command is doing now."""
        return Activity()

    @cached_property
    def requests(self) -> Observer:
        """Told of every request.

        Raises:
            DiskFailed: the log of requests cannot be written.
        """
        logged = Requests(self.activity, self.request_log, real_clock.created_at, verbose=self.verbose)
        return traces.of_requests(logged)

    @property
    def clock(self) -> Clock:
        """The real clock, whose waits are told."""
        return replace(real_clock.CLOCK, told=self.activity.waits)

    def settings(self) -> dict[str, Any]:
        """Those that are settings."""
        return {
            "environment": self.environment,
            "endpoint": self.endpoint,
            "parallelism": self.parallelism,
            "upload_rate": self.upload_rate,
        }

    def scope(self, checked: Checked) -> Scope:
        """What they narrow a plan to.

        Raises:
            UsageError: a label is not KEY=VALUE.
            ReconcilerError: a label or a datamart is nowhere.
        """
        datamarts = selectors.datamarts(checked, self.datamart)
        labels = selectors.labels(checked, self.label or ())
        return Scope(datamarts, frozenset(self.target or ()), labels, self.only)

    def overrides(self) -> dict[str, Overrides]:
        """What they approve, by load address.

        Raises:
            UsageError: `--resend` names no chunk, or a flag has several values.
        """
        given = {"--reload": self.reload, "--resend": self.resend, "--supersede": self.supersede}
        for flag, texts in given.items():
            if several := next((x for x in texts or () if "," in x), None):
                raise one_each(flag, several, several.split(","))
        chunks: dict[str, set[int]] = {}
        for text in self.resend or ():
            address, hash_, index = text.rpartition("#")
            if not hash_ or (number := whole(index)) is None:
                raise UsageError(
                    f"--resend {text!r} is not ADDRESS#CHUNK",
                    help="for example ProfileSource/crm@retail-fr#3",
                )
            chunks.setdefault(address, set()).add(number)
        reload, supersede = self.reload or (), self.supersede or ()
        every = {*reload, *supersede, *chunks}
        return {a: Overrides(a in reload, a in supersede, frozenset(chunks.get(a, ()))) for a in every}

    def allowed(self) -> tuple[Override, ...]:
        """Guards that they allow to be crossed.

        Raises:
            UsageError: one says no guard, no scope or no reason, or a guard is allowed twice for one scope.
        """
        if not self.allow:
            return ()
        from reconciler.planning.plan.guards import GUARDS  # of planning, for which only those who plan wait

        made: list[Override] = []
        for text in self.allow:
            m = re.fullmatch(r"([a-z-]+):([^=]+)=\s*(\S.*)", text, re.DOTALL)
            if m and m[1] not in GUARDS:
                raise UsageError(f"--allow: there is no guard '{m[1]}'", help=nearest_or_known(m[1], GUARDS))
            if not m:
                raise UsageError(
                    f"--allow {text!r} is not GUARD:SCOPE=WHY",
                    help="the finding shows it, for example 'guard-changes:Activation@retail-fr=all markets are renamed'",
                )
            if any((m[1], m[2]) == (x.guard, x.scope) for x in made):
                raise UsageError(
                    f"--allow '{m[1]}:{m[2]}=…' is given twice", help="one reason is enough for one guard"
                )
            made.append(Override(guard=m[1], scope=m[2], who=actor.who(), why=m[3].strip()))
        return tuple(made)


def takes(*names: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Makes a command of a function whose first argument is `Flags`: Typer reads these of them, after the command's own options."""
    hints = get_type_hints(Flags, include_extras=True)
    shared = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
        for f in fields(Flags)
        if f.name in names
    ]
    assert len(shared) == len(names), names  # noqa: S101 - one is no flag, or is there twice
    context = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)

    def command_of(function: Callable[..., int]) -> Callable[..., int]:
        @wraps(function)
        def command(context: typer.Context, **given: Any) -> int:
            flags = Flags(root=context.obj, **{name: given.pop(name) for name in names})
            return function(flags, **given)

        own = list(inspect.signature(function).parameters.values())[1:]
        command.__signature__ = inspect.Signature([context, *own, *shared])  # type: ignore[attr-defined]
        return command

    return command_of
