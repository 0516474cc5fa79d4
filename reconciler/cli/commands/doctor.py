"""`doctor`."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from reconciler import __version__
from reconciler.api import resources
from reconciler.api.client import Params, Reader
from reconciler.api.observer import Observer, observed
from reconciler.api.probe import Reached, probe
from reconciler.cli import options as opt
from reconciler.cli.flags import PLATFORM, Flags, takes
from reconciler.cli.output.console import data, out, style
from reconciler.cli.wiring import connections, health, real_clock
from reconciler.cli.wiring.destination import Target
from reconciler.cli.wiring.sandbox_process import FOLDER, running
from reconciler.errors import ReadFailed, ReconcilerError, SpecError
from reconciler.kinds import paths
from reconciler.kinds.counts import many
from reconciler.model.desired import Desired
from reconciler.model.diagnostic import Severity
from reconciler.model.exit_code import Exit
from reconciler.model.health import Check, Health, failed, good, skipped
from reconciler.origin import LocalSandbox, Origin
from reconciler.reports.health import json as health_json
from reconciler.reports.health import text as health_text
from reconciler.settings import Dask, Settings, resolve
from reconciler.spec.files import read_workspace
from reconciler.workflows.check import check
from reconciler.workflows.doctor import hook, platform
from reconciler.workflows.doctor.extras import extras_check

ON_PLATFORM = ("tls", "clock", "organisation", "datamarts", "compartments")


@takes(*PLATFORM, "output")
def doctor(
    flags: Flags,
) -> int:
    """Check what a run needs, and say what to do. Looks at token, platform, clock, ledger, lock, caches, versions and a Dask cluster; writes nothing."""
    return run_doctor(flags)


def run_doctor(flags: Flags) -> int:
    """`doctor`: 1 if one check failed."""
    found = list(_checks(flags))
    if flags.output is opt.Format.JSON:
        data(health_json.render(found))
    else:
        out(health_text.render(found, style(sys.stdout, no_color=flags.no_color)))
    return Exit.FAILED if any(c.health is Health.FAILED for c in found) else Exit.DONE


def _checks(flags: Flags) -> Iterator[Check]:
    yield health.version_check()
    yield _safely("hook", lambda: hook.hook_check(flags.root, __version__))
    settings, workspace = _workspace(flags)
    yield workspace
    if settings is None:
        for name in (
            "specs",
            "extras",
            "endpoint",
            "token",
            "proxy",
            *ON_PLATFORM,
            "ledger",
            "lock",
            "index",
            "plan key",
        ):
            yield skipped(name, "needs the workspace")
    else:
        desired, specs = _specs(flags)
        yield specs
        yield _safely("extras", lambda: extras_check(settings, desired, health.installed_extras()))
        declared = None if desired is None else {name: id_ for name, (id_, _) in desired.datamarts.items()}
        yield from _platform(flags, settings, declared)
        yield _safely("ledger", lambda: health.ledger_check(flags.root, settings, os.environ))
        yield _safely("lock", lambda: health.lock_check(flags.root, settings))
        yield _index(flags, settings, desired)
        if settings.engine is not None:
            yield _engine(flags, settings, settings.engine)
        yield _safely("plan key", lambda: health.plan_key_check(settings, os.environ))
    yield _safely("cache", lambda: health.cache_check(flags.root, os.environ))


def _workspace(flags: Flags) -> tuple[Settings | None, Check]:
    found: list[Settings] = []

    def read() -> Check:
        settings = resolve(flags.settings(), os.environ, read_workspace(flags.root).data)
        found.append(settings)
        chosen = f", environment {settings.environment}" if settings.environment else ""
        return good("workspace", f"{settings.workspace}{chosen}")

    checked = _safely("workspace", read)
    return (found[0] if found else None), checked


def _index(flags: Flags, settings: Settings, desired: Desired | None) -> Check:
    if desired is None:
        return skipped("index", "needs specs without errors")
    if all(load.definition.send != "changed" for load in desired.loads.values()):
        return skipped("index", "no source sends only what changed")
    return _safely("index", lambda: health.index_check(flags.root, settings, os.environ))


def _engine(flags: Flags, settings: Settings, engine: Dask) -> Check:
    def look() -> Check:
        from reconciler.cli.wiring.cluster_health import engine_check  # loads what a cluster needs

        return engine_check(flags.root, settings, engine)

    return _safely("engine", look)


def _specs(flags: Flags) -> tuple[Desired | None, Check]:
    """What the specs ask for, and what is said of them."""
    found: list[Desired] = []

    def read() -> Check:
        checked = check(flags.root, flags.settings(), os.environ)
        if not checked.ok:
            raise SpecError(checked.diagnostics)
        found.append(checked.desired())
        return good("specs", many(len(checked.documents), "document"))

    checked = _safely("specs", read)
    return (found[0] if found else None), checked


def _platform(flags: Flags, settings: Settings, declared: Mapping[str, str] | None) -> Iterator[Check]:
    if not isinstance(settings.endpoint, LocalSandbox):
        now = real_clock.CLOCK.wall()
        told, token = health.token_found(flags.root, settings, flags.token_file, os.environ, now)
        usable = token if told.health is not Health.FAILED else None
        yield from _remote(Asked(settings.endpoint, usable, flags.requests), told, settings, declared)
    elif url := running(flags.root / FOLDER):
        told, token = health.sandbox_token(flags.root, settings, flags.token_file, os.environ)
        yield from _remote(Asked(Origin.parse(url), token, flags.requests), told, settings, declared)
    else:
        yield good("endpoint", "the built-in sandbox; the first command that needs it starts it")
        for name in ("token", "proxy", *ON_PLATFORM):
            yield skipped(name, "the sandbox does not run")


@dataclass(frozen=True, slots=True)
class Asked:
    """A server, and a token that can be sent to it; None where there is none."""

    origin: Origin
    token: str | None
    observer: Observer


def _remote(
    asked: Asked, told: Check, settings: Settings, declared: Mapping[str, str] | None
) -> Iterator[Check]:
    reached, endpoint = _reach(asked, settings)
    yield endpoint
    yield told
    yield _safely("proxy", lambda: health.proxy_check(asked.origin))
    if reached is None or asked.token is None:
        why = "needs a token" if asked.token is None else "the endpoint was not reached"
        for name in ON_PLATFORM:
            yield skipped(name, why)
        return
    yield platform.tls_check(reached, real_clock.CLOCK.wall())
    yield platform.clock_check(reached)
    with connections.reader(
        Target(asked.origin, asked.token, asked.observer), settings.parallelism
    ) as reader:
        yield from _organisation(reader, settings, declared)


def _reach(asked: Asked, settings: Settings) -> tuple[Reached | None, Check]:
    found: list[Reached] = []

    def ask() -> Check:
        origin = asked.origin
        if asked.token is None:
            return skipped("endpoint", f"{origin}: not asked without a token that can be sent")
        params: Params = {"organisation_id": settings.organisation_id, "max_results": 1}
        try:
            with observed(asked.observer, "GET", paths.datamarts()) as exchange:
                answer = probe(origin, asked.token, paths.datamarts(), params)
                exchange.status = answer.status
        except ReadFailed as e:
            named = str(origin) in str(e) or origin.url in str(e)
            raise ReadFailed(str(e) if named else f"{origin}: {e}", help=e.help) from None
        found.append(answer)
        return good("endpoint", f"{origin}: answered {answer.status} in {answer.seconds * 1000:.0f} ms")

    checked = _safely("endpoint", ask)
    return (found[0] if found else None), checked


def _organisation(reader: Reader, settings: Settings, declared: Mapping[str, str] | None) -> Iterator[Check]:
    organisation_id = settings.organisation_id
    datamarts = resources.datamarts(reader, organisation_id)
    yield platform.organisation_check(organisation_id, datamarts)
    if declared is None:
        yield skipped("datamarts", "needs specs without errors")
    else:
        yield platform.datamarts_check(declared, datamarts, organisation_id)
    yield platform.compartments_check(resources.compartments(reader, organisation_id))


def _safely(name: str, look: Callable[[], Check]) -> Check:
    """One check; whatever goes wrong in it is its result, so that the others are still made."""
    try:
        return look()
    except SpecError as e:
        errors = [d for d in e.diagnostics if d.severity is Severity.ERROR]
        told = f"{many(len(errors), 'error')}, the first is {errors[0].code}: {errors[0].message}"
        return failed(name, told, "run `reconciler validate`, which shows all of them with their places")
    except ReconcilerError as e:
        return failed(name, str(e), e.help or "correct the cause, and run `reconciler doctor` again")
    except OSError as e:
        told = f"{e.filename}: {e.strerror}" if e.filename else e.strerror or type(e).__name__
        return failed(name, told, "correct the cause, and run `reconciler doctor` again")
    except Exception as e:  # the message may quote data, so only the type is shown
        return failed(
            name, f"a bug in reconciler: {type(e).__name__}", "please report this line; the other checks hold"
        )
