"""Which addresses a flag selects: one rule for `plan --target`, `--details` and `runs --address`. Pure.

A selector is an address. `*` stands for any text, and an address without its datamart means it on every datamart.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase

from reconciler.errors import ReconcilerError, UsageError
from reconciler.kinds.counts import few
from reconciler.kinds.nearest import closest, nearest_or_known, proposal

_WILD = re.compile(r"[*?[]")
REPEATED = ("--target", "--details")
_LISTED = 8  # addresses in a message
_KINDS = ("Compartment", "Activation", "ProfileSource")
_DOTTED = re.compile(r"(\w+)[.:](.+)")  # an address as Terraform writes it, or one with the wrong sign


def selects(selectors: Collection[str], address: str) -> bool:
    """Whether one of them means an address."""
    base = address.partition("@")[0]
    if address in selectors or base in selectors:
        return True
    return any(
        fnmatchcase(address, s) or ("@" not in s and fnmatchcase(base, s))
        for s in selectors
        if _WILD.search(s)
    )


def require_form(flag: str, selector: str, known: Iterable[str] = ()) -> None:
    """It has the form of an address.

    Args:
        flag: that it was given with.
        selector: as given.
        known: addresses that there are, to propose one.

    Raises:
        UsageError: it names no kind, or it is several addresses.
    """
    parts = [x.strip() for x in selector.split(",")]
    if len(parts) > 1 and flag in REPEATED and not any(selects([selector], x) for x in known):
        raise one_each(flag, selector, parts)
    if "/" not in selector:
        raise UsageError(f"{flag} {selector!r} is not an address", help=_address_of(selector, list(known)))


def one_each(flag: str, given: str, parts: Sequence[str]) -> UsageError:
    """That a flag has one value, and is given once for each.

    Args:
        flag: as typed.
        given: its value.
        parts: of the value, between commas.
    """
    each = " ".join(f"{flag} {x}" for x in parts if x)
    return UsageError(f"{flag} {given!r} is no list", help=f"give {flag} once for each: {each}")


def _address_of(typed: str, known: Sequence[str]) -> str:
    """How an address is written, for a name without a kind, or with a kind and the wrong sign."""
    dotted = _DOTTED.fullmatch(typed)
    kind = closest(dotted[1].title(), _KINDS) if dotted else None
    name = dotted[2] if dotted and kind else typed
    names = {x: x.partition("/")[2].partition("@")[0] for x in known if not kind or x.startswith(f"{kind}/")}
    for meant in (name, name.partition("@")[0], closest(name, sorted({*names.values()}))):
        if named := [x for x, its in names.items() if its == meant]:
            return proposal(named[0]) if len(named) == 1 else f"known: {few(named, _LISTED)}"
    if kind and name:
        return f"an address is written {kind}/{name}" + ("" if kind == _KINDS[0] else "@DATAMART")
    return f"an address is written KIND/NAME: Compartment/{name}, or ProfileSource/{name}@DATAMART"


def nothing(words: str, selector: str, known: Sequence[str]) -> ReconcilerError:
    """That a selector means no address, with the one that it may mean.

    Args:
        words: what is wrong.
        selector: as given.
        known: every address that there is.
    """
    base, _, datamart = selector.partition("@")
    if same := [x for x in known if x.partition("@")[0] == base]:  # only the datamart may be misspelt
        near = closest(datamart, [x.partition("@")[2] for x in same])
        return ReconcilerError(words, help=proposal(f"{base}@{near}") if near else nearest_or_known("", same))
    kind, _, rest = selector.partition("/")
    kinds = {x.partition("/")[0] for x in known}
    corrected = (
        f"{closest(kind, kinds - {kind}) or kind}/{rest}"  # where it has wildcards, only its kind is compared
    )
    if any(selects([corrected], x) for x in known):
        return ReconcilerError(words, help=proposal(corrected))
    return ReconcilerError(words, help=nearest_or_known(selector, known))
