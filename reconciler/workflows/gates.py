"""What decides whether a rollout continues: what listings show, what a gate's command sees, the specs it was planned from."""

from collections.abc import Mapping, Sequence

from reconciler.api import resources as api
from reconciler.api.client import Reader
from reconciler.errors import Refused
from reconciler.model.desired import Desired
from reconciler.model.listing import Listed
from reconciler.model.plan import Plan, ResourceChange
from reconciler.model.remote import Compartment
from reconciler.model.rollout import Rollout, Wave
from reconciler.model.unchanged import compartments, resources
from reconciler.planning.config import lookup
from reconciler.planning.plan import waves

THEN = "the gate was not evaluated; run again"

# What a gate's command sees of the environment: secrets have many names, so what is not listed here is left out.
GATE_ENVIRONMENT = frozenset(
    {
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "TERM",
        "CI",
        "PYTHONPATH",
    }
)


def activations_seen(made: Plan, wave: Wave, reader: Reader, desired: Desired) -> int:
    """Activations on the wave's datamarts that the plan or the specs declare, as listings show them now.

    Args:
        made: the plan; one that flags limit, such as `--only loads`, holds few of them.
        wave: of the plan.
        reader: lists compartments and activations.
        desired: what the specs declare; nothing where a sealed plan is applied without them.

    Raises:
        ReadFailed: a list could not be read.
    """
    listed = api.compartments(reader, made.organisation_id).require(then=THEN)
    ids = {c.address: c.remote_id or _id_of(c, listed, made) for c in compartments(made)}
    wanted: dict[str, set[str]] = {}
    for change in resources(made):
        after = change.change.after or {}
        if change.kind == "Activation" and waves.datamart_of(change.address) in wave.datamarts:
            identity = after.get("compartment_id") or next(
                (ids[r] for r in change.requires if r in ids), None
            )
            if identity:
                wanted.setdefault(str(after["datamart_id"]), set()).add(str(identity))
    for key, names in desired.activations.on.items():
        want, here = desired.compartments[f"Compartment/{key}"], names & set(wave.datamarts)
        if here and not want.tombstone and (found := _row(listed, made, want.token, want.id)):
            for name in here:
                wanted.setdefault(desired.activations.datamarts[name], set()).add(found)
    return sum(
        len(
            identities
            & {a.compartment_id for a in api.activations(reader, datamart_id).require(then=THEN).rows}
        )
        for datamart_id, identities in wanted.items()
    )


def _id_of(change: ResourceChange, compartments: Listed[Compartment], made: Plan) -> str | None:
    """The id of a compartment that the plan made, if it is there."""
    return _row(compartments, made, (change.change.after or {}).get("token"), None)


def _row(compartments: Listed[Compartment], made: Plan, token: str | None, pin: str | None) -> str | None:
    """The id of a compartment that is declared with this token or id, if it is there."""
    rows = compartments.rows if pin is not None else compartments.by("token", token)
    row = lookup.compartment(rows, made.organisation_id, token, pin)
    return row.id if isinstance(row, Compartment) else None


def gate_environment(environ: Mapping[str, str], more: Sequence[str]) -> dict[str, str]:
    """What a gate's command sees: what programs need to start, and what the spec names; never the token."""
    named = GATE_ENVIRONMENT | set(more)
    return {
        k: v for k, v in environ.items() if (k in named or k.startswith("LC_")) and k != "RECONCILER_TOKEN"
    }


def gate_variables(made: Plan, wave: Wave) -> dict[str, str]:
    """What a gate's command is told of the wave."""
    return {
        "RECONCILER_WAVE": wave.name,
        "RECONCILER_WAVE_DATAMARTS": ",".join(wave.datamarts),
        "RECONCILER_PLAN_DIGEST": made.plan_digest,
    }


def check_specs(plan: Plan, now: Rollout | None) -> None:
    """A rollout continues only with the specs that it was planned from.

    Raises:
        Refused: they differ; the message has a line for each difference.
    """
    assert plan.rollout is not None  # noqa: S101 - a rollout's plan
    if moved := waves.moved_specs(plan.rollout.specs, now.specs if now else {}):
        lines = "\n".join(f"  {line}" for line in moved)
        raise Refused(
            f"the specs changed since the rollout was planned; nothing was written\n{lines}",
            help="abort the rollout and make a new plan, or revert the specs",
        )
