"""Datamarts, which are only read: whether those that specs declare are there, and which of them the specs forgot. Pure."""

from collections.abc import Collection, Iterator, Mapping

from reconciler.kinds.counts import many
from reconciler.model.address import Span
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.model.listing import Listed, Listing
from reconciler.model.remote import Datamart, Observed, owned

FOREIGN_HELP = (
    "check organisation_id in reconciler.yaml, the environment, and which organisation the token is for"
)


def foreign(datamarts: Listing[Datamart], organisation_id: str) -> str | None:
    """Why nothing may be done for the organisation with this token; None if it shows the organisation's datamarts."""
    if not isinstance(datamarts, Listed):
        return None  # a failed read is no answer
    others = {d.organisation_id for d in datamarts.rows}
    if others & {organisation_id, ""}:
        return None
    answers = f"; the token belongs to organisation {', '.join(sorted(others))}" if others else ""
    return f"the platform shows no datamart of organisation {organisation_id}{answers}"


def datamart_findings(
    datamarts: Mapping[str, tuple[str, Span]],
    ignored: frozenset[str],
    observed: Observed,
    organisation_id: str,
) -> tuple[list[Diagnostic], set[str]]:
    """Check declared datamarts against the remote; names that cannot be used, and what the specs forgot.

    Args:
        datamarts: id and place of each declared datamart, by name.
        ignored: ids that the specs ignore.
        observed: listings of the platform.
        organisation_id: the organisation of the workspace.
    """
    if not isinstance(observed.datamarts, Listed):
        return [], set(datamarts)
    if words := foreign(observed.datamarts, organisation_id):
        return [error("unknown-organisation", words, help=FOREIGN_HELP)], set(datamarts)
    rows = {d.id: d for d in observed.datamarts.rows if owned(d, organisation_id)}
    wrong = {
        name: found
        for name, (identity, span) in datamarts.items()
        if (found := _unusable(identity, span, rows, organisation_id))
    }
    declared = {identity for identity, _ in datamarts.values()} | ignored
    return [*wrong.values(), *_forgotten(declared, rows.values())], set(wrong)


def _unusable(
    identity: str, span: Span, rows: Mapping[str, Datamart], organisation_id: str
) -> Diagnostic | None:
    """Why a declared datamart cannot be used; None if it can."""
    row = rows.get(identity)
    if row is None:
        return error(
            "unknown-datamart",
            f"organisation {organisation_id} has no datamart {identity}",
            span,
            help=f"its datamarts: {', '.join(sorted(i for i, d in rows.items() if not d.archived))}",
        )
    if row.archived:
        return error(
            "archived-datamart",
            f"the datamart {identity} ('{row.name}') is archived",
            span,
            help="remove the datamart from the specs",
        )
    return None


def _forgotten(declared: Collection[str], rows: Collection[Datamart]) -> Iterator[Diagnostic]:
    """That live datamarts are in no spec; the platform's own documentation warns of that mistake."""
    missing = [
        f"{row.id} ('{row.name}')"
        for row in rows
        if row.id not in declared and not row.archived and row.type != "CROSS_DATAMART"
    ]
    if missing:
        words = many(len(missing), "datamart is", "datamarts are")
        yield warning(
            "datamart-not-declared",
            f"{words} live, and no spec names {'it' if len(missing) == 1 else 'them'}: {', '.join(missing)}",
            help="declare each datamart, or declare it with ignore: and a reason",
        )
