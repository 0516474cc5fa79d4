"""What one request to the platform and the list of datamarts say. Pure: the request was made elsewhere."""

from collections.abc import Collection, Mapping, Sequence

from reconciler.api.probe import Reached
from reconciler.kinds.counts import few, many
from reconciler.model.health import Check, failed, good, skipped, warned
from reconciler.model.listing import Listing, Unlisted
from reconciler.model.remote import Compartment, Datamart, owned
from reconciler.reports.style import duration

SLIGHT, LARGE = 5.0, 300.0  # seconds that clocks may differ: unsaid, and at most
EXPIRES_SOON = 14 * 86_400.0  # seconds
SHOWN = 5


def tls_check(reached: Reached, now: float) -> Check:
    """How the connection is protected, and how long the certificate still holds."""
    if reached.tls is None:
        return good("tls", "not used: the endpoint is on this machine")
    if reached.certificate_ends is None:
        return good("tls", f"{reached.tls}, certificate trusted")
    left = reached.certificate_ends - now
    told = f"{reached.tls}, certificate trusted, valid for {left / 86_400:.0f} more days"
    if left < EXPIRES_SOON:
        return warned("tls", told, "tell those who run the endpoint or the proxy: its certificate ends soon")
    return good("tls", told)


def skew(date: float, sent: float, received: float) -> float:
    """Seconds that this clock is surely ahead of the server's (negative: behind); 0 where they may agree.

    A `Date` header names a second: the server's clock was anywhere within it, at an instant between request and answer.

    Args:
        date: of the header, in seconds since 1970.
        sent: when the request was sent, by this clock.
        received: when the answer was there, by this clock.
    """
    return max(0.0, sent - (date + 1)) or min(0.0, received - date)


def clock_check(reached: Reached) -> Check:
    """How far this machine's clock is off."""
    if reached.date is None:
        return skipped("clock", "the answer has no Date header to compare with")
    off = skew(reached.date, reached.sent, reached.received)
    if abs(off) <= SLIGHT:
        return good("clock", "agrees with the platform's")
    told = (
        f"this machine's clock is {duration(abs(off))} {'ahead of' if off > 0 else 'behind'} the platform's"
    )
    todo = "set the clock by NTP: expiry of tokens, signatures of object stores and max_plan_age depend on it"
    return (failed if abs(off) > LARGE else warned)("clock", told, todo)


def organisation_check(organisation_id: str, datamarts: Listing[Datamart]) -> Check:
    """Whether the organisation can be read with this token."""
    if isinstance(datamarts, Unlisted):
        todo = datamarts.help or "check organisation_id and the token; see the line about the endpoint"
        return failed("organisation", datamarts.reason, todo)
    if not any(owned(d, organisation_id) for d in datamarts.rows):
        return failed(
            "organisation",
            f"{organisation_id}: readable, but it has no datamarts that this token may see",
            "check organisation_id, and the rights of the token's user in that organisation",
        )
    return good("organisation", f"{organisation_id}: the token is accepted")


def datamarts_check(declared: Mapping[str, str], datamarts: Listing[Datamart], organisation_id: str) -> Check:
    """Whether every declared datamart is there and live.

    Args:
        declared: ids by name.
        datamarts: as listed.
        organisation_id: of the workspace.
    """
    if isinstance(datamarts, Unlisted):
        return skipped("datamarts", "the list of datamarts could not be read")
    rows = {d.id: d for d in datamarts.rows if owned(d, organisation_id)}
    missing = [f"{name} ({id_})" for name, id_ in declared.items() if id_ not in rows]
    archived = [f"{name} ({id_})" for name, id_ in declared.items() if id_ in rows and rows[id_].archived]
    live = sum(not d.archived for d in rows.values())
    seen = f"{many(live, 'live datamart')} visible, {len(declared):,} declared"
    if missing:
        todo = "correct the ids in the Datamarts spec, or ask for rights on these datamarts"
        return failed("datamarts", f"{seen}; not visible: {_some(missing)}", todo)
    if archived:
        return warned(
            "datamarts", f"{seen}; archived: {_some(archived)}", "remove them from the Datamarts spec"
        )
    return good("datamarts", seen)


def compartments_check(compartments: Listing[Compartment]) -> Check:
    """Whether compartments can be read."""
    if isinstance(compartments, Unlisted):
        todo = compartments.help or "check the rights of the token's user"
        return failed("compartments", compartments.reason, todo)
    return good("compartments", f"{many(len(compartments.rows), 'compartment')} visible")


def _some(names: Sequence[str] | Collection[str]) -> str:
    return few(list(names), SHOWN)
