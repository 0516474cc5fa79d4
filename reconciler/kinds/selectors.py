"""Which addresses a flag selects: one rule for `plan --target`, `--details` and `runs --address`. Pure.

A selector is an address. `*` stands for any text, and an address without its datamart means it on every datamart.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase

from reconciler.errors import ReconcilerError, UsageError
from reconciler.kinds.nearest import closest, nearest_or_known, proposal

_WILD = re.compile(r"[*?[]")
_LISTED = 8  # addresses in a message


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
        UsageError: it names no kind.
    """
    if "/" not in selector:
        named = [x for x in known if x.partition("/")[2].partition("@")[0] == selector]
        example = f"for example Compartment/{selector}, or ProfileSource/{selector}@DATAMART"
        advice = f"known: {', '.join(named[:_LISTED])}" if named else example
        raise UsageError(f"{flag} {selector!r} is not an address", help=advice)


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
