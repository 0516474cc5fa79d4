"""What reading a source shows, as findings. Pure; whatever the remote has."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.kinds.counts import many
from reconciler.model.desired import DesiredLoad
from reconciler.model.diagnostic import Diagnostic, Severity, error, warning
from reconciler.model.listing import Listed, Listing
from reconciler.model.load import SUPERSEDED, Repeated, Scan, allowed
from reconciler.model.remote import Activation
from reconciler.model.source import SourceDefinition
from reconciler.planning.loads.expectation_findings import expectation_findings, refused
from reconciler.planning.loads.identifier_findings import identifier_findings

SMALL = 1000
SHOWN = 12  # rejected lines named in a plan
_ONE, _SEVERAL = ", that is ", ", the first "  # before the row that a message names


def refusal(definition: SourceDefinition, scan: Scan) -> str | None:
    """Why a source that was read by apply must not be sent, by the rules that plan has for others; guards aside. None if it may be."""
    if bad(scan) > allowed(definition.allow, scan.lines):
        first = f", the first at {scan.rejects[0].where}: {scan.rejects[0].reason}" if scan.rejects else ""
        return f"{bad(scan):,} of {many(scan.lines, 'row is', 'rows are')} rejected, more than bad_lines.allow: {definition.allow}{first}"
    if not scan.accepted:
        return "no row of the source can be sent"
    if scan.repeated and definition.duplicates == "refuse":
        return f"{many(scan.repeated.identities, 'identity is', 'identities are')} named by more than one row"
    if why := refused(definition, scan):
        return f"expectation {why}"
    return None


def bad(scan: Scan) -> int:
    """Rejected lines that are bad; one that a later line replaces is none."""
    return scan.rejected - scan.reasons.get(SUPERSEDED, 0)


def scan_findings(want: DesiredLoad, scan: Scan) -> list[Diagnostic]:
    """What reading a source shows, whatever the remote has: bad lines, too few lines, identity that is not filled."""
    address = str(want.address)
    findings = rejected_findings(want, scan)
    if scan.overtaken is not None and bad(scan) <= allowed(want.definition.allow, scan.lines):
        findings.append(_overtaken(want, scan.overtaken))
    if scan.looks is not None:
        what, _, todo = scan.looks.words.partition(": ")
        words = f"{scan.looks.path}: from line {scan.looks.line:,} on, {what}; it is read as the spec says"
        findings.append(warning("source-looks", words, want.span, address=address, help=todo))
    if not scan.accepted:
        findings.append(
            error(
                "empty-source",
                "no row of the source can be sent",
                want.label_span,
                address=address,
                help="look at what writes the file; where no rows are right for now, set suspend: true",
            )
        )
    elif scan.lines < SMALL:
        findings.append(
            warning(
                "small-source",
                f"{many(scan.lines, 'row')}; the platform advises bulk imports for more than {SMALL:,} per file",
                want.label_span,
                address=address,
                help="they can be loaded; where this source is always small, set rules: {small-source: off} in reconciler.yaml",
            )
        )
    if scan.repeated:
        findings.append(_repeated(want, scan.repeated))
    findings += identifier_findings(want, scan)
    findings += expectation_findings(want, scan)
    if scan.missing_identity:
        findings.append(
            warning(
                "identity-not-filled",
                f"{many(scan.missing_identity, 'profile lacks', 'profiles lack')} $compartment_id or $user_account_id; the platform does not "
                "copy them from the command, and stores such profiles as anonymous or in the default compartment",
                want.span,
                address=address,
                help="set fill_identity: true, or write the two fields"
                if want.definition.format == "commands"
                else "set owner: {compartment: …, user_account_id: …} with the column of the account",
            )
        )
    return findings


def rejected_findings(want: DesiredLoad, scan: Scan) -> list[Diagnostic]:
    """Rows that are bad and will not be sent: an error where they are more than the source allows."""
    address, rejected = str(want.address), bad(scan)
    shown = [f"{r.where}: {r.reason}" for r in scan.rejects if r.code != SUPERSEDED][:SHOWN]
    first = f"{_SEVERAL if rejected > 1 else _ONE}{shown[0]}" if shown else ""
    if rejected > len(shown):
        shown.append(f"… and {rejected - len(shown):,} more")
    worst = "\n".join(shown)
    if rejected > allowed(want.definition.allow, scan.lines):
        return [
            error(
                "bad-lines",
                f"{rejected:,} of {many(scan.lines, 'row is', 'rows are')} rejected, more than bad_lines.allow: {want.definition.allow}",
                want.span,
                address=address,
                note=worst,
                help=f"correct them, or raise bad_lines.allow; until then nothing is sent.{_writes(want.source)}",
            )
        ]
    if rejected:
        return [
            warning(
                "bad-lines",
                f"{rejected:,} of {many(scan.lines, 'row is', 'rows are')} rejected and will not be sent{first}",
                want.span,
                address=address,
                note="\n".join(shown[1:])
                or None,  # the first is in the message, which plan shows without the rest
                help=f"{_shows(want.source)}{_writes(want.source)}",
            )
        ]
    return []


def _shows(source: str) -> str:
    return f"`reconciler source check {source}` shows them by reason;"


def _writes(source: str) -> str:
    """How to get rejected rows with their contents; ends a help."""
    return f" `reconciler source check {source} --rejects FILE` writes them to a file"


def beside_rows(found: Diagnostic, source: str, *, written: bool) -> Diagnostic:
    """The finding about rejected rows where these are shown beside it, by reason: without them, and without advice that was followed.

    Args:
        found: of `rejected_findings`.
        source: its name.
        written: they were written to a file, too.
    """
    message = found.message.partition(_SEVERAL)[0].partition(_ONE)[0]
    advice = (found.help or "").removesuffix(_writes(source)) if written else found.help
    told = (advice or "").removeprefix(_shows(source)).strip()
    return replace(found, message=message, note=None, help=told or None)


def _overtaken(want: DesiredLoad, found: Repeated) -> Diagnostic:
    what = f"of {many(found.identities, 'identity', 'identities')} an earlier row is sent, since the last one is rejected"
    more = [*found.examples[1:], *(["…"] if found.identities > len(found.examples) else [])]
    return warning(
        "earlier-row-sent",
        f"{what}: {found.examples[0]}",
        want.span,
        address=str(want.address),
        note="\n".join(more) or None,
        help="correct the rejected rows, or set bad_lines.allow: 0, so that nothing is sent until they are",
    )


def _repeated(want: DesiredLoad, found: Repeated) -> Diagnostic:
    words = (
        f"{many(found.identities, 'identity is', 'identities are')} named by more than one row"
        f" ({found.commands:,} after the first); the platform does not guarantee which one is applied last"
    )
    note = "\n".join([*found.examples, *(["…"] if found.identities > len(found.examples) else [])])
    finding = warning(
        "duplicate-identity",
        words,
        want.span,
        address=str(want.address),
        note=note,
        help="keep one row for each identity, or set duplicates: keep_last, which sends the last row of each",
    )
    return replace(finding, severity=Severity.ERROR) if want.definition.duplicates == "refuse" else finding


def activation_findings(
    want: DesiredLoad, scan: Scan, listing: Listing[Activation], planned: Sequence[str]
) -> list[Diagnostic]:
    """Compartments that lines or the mapping name must be active on the target before anything is sent (contract 7.6).

    Args:
        want: the load.
        scan: carries the ids that lines name, and `definition.compartments` is resolved in it.
        listing: the datamart's activations.
        planned: compartment ids whose activation this plan makes or keeps on the datamart.
    """
    if not isinstance(listing, Listed):
        return []
    active = {a.compartment_id for a in listing.rows} | set(planned)
    missing = sorted(scan.compartments - active)
    if not missing:
        return []
    return [
        error(
            "compartment-not-active",
            f"rows name the compartment {', '.join(missing)}, which is not active on {want.datamart}",
            want.span,
            address=str(want.address),
            help="declare the activation, or correct the rows",
        )
    ]
