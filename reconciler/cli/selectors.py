"""Flags that select datamarts and labels: each part must select something, else the command ends and names what there is."""

from collections.abc import Iterable, Sequence
from typing import Any

from reconciler.errors import ReconcilerError, UsageError
from reconciler.kinds.nearest import nearest_or_known, proposal
from reconciler.kinds.selectors import one_each
from reconciler.workflows.check import Checked


def datamarts(checked: Checked, expression: str | None) -> frozenset[str] | None:
    """The datamarts that `--datamart` selects; None without the flag.

    Raises:
        ReconcilerError: a part of it selects none.
    """
    if not expression:
        return None
    return frozenset[str]().union(*(_part(checked, part.strip()) for part in expression.split(",")))


def _part(checked: Checked, part: str) -> frozenset[str]:
    specs = checked.specs
    key, is_label, value = part.partition("=")
    if is_label and (key not in specs.labels or value not in specs.labels[key]):
        raise _nothing("--datamart", f"no datamart has the label {part}", part, _pairs(specs.labels.items()))
    if not is_label and part != "all" and part not in {**specs.live, **specs.absent}:
        if (pair := part.replace(":", "=", 1)) in (pairs := _pairs(specs.labels.items())):
            raise _nothing("--datamart", f"no spec declares '{part}'", pair, pairs)
        raise _nothing("--datamart", f"no spec declares '{part}'", part, specs.live)
    wanted: Any = {key: value} if is_label else part
    if not (found := specs.resolve(wanted)):
        where = (
            f" in the environment '{checked.settings.environment}'" if checked.settings.environment else ""
        )
        raise _nothing("--datamart", f"{part} selects no datamart that has an id{where}", "", specs.live)
    return found


def labels(checked: Checked, given: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """What `-l` selects.

    Raises:
        UsageError: it is not KEY=VALUE.
        ReconcilerError: no spec has the label.
    """
    if bad := next((x for x in given if "=" not in x), None):
        meant = bad.replace(":", "=", 1)
        help_ = proposal(f"-l {meant}") if meant != bad else "write the label and its value: -l team=crm"
        raise UsageError(f"-l {bad!r} is not KEY=VALUE", help=help_)
    known = {(k, v) for labels in checked.labels.values() for k, v in labels.items()}
    wanted = tuple((k, v) for k, _, v in (x.partition("=") for x in given))
    for key, value in wanted:
        if (key, value) not in known:
            if "," in value:
                raise one_each("-l", f"{key}={value}", f"{key}={value}".split(","))
            if value in checked.specs.labels.get(key, ()):
                words = f"-l: no spec has {key}={value} in metadata.labels, but datamarts have it"
                raise ReconcilerError(words, help=f"`--datamart {key}={value}` selects them")
            pairs = [f"{k}={v}" for k, v in sorted(known)]
            raise _nothing("-l", f"no spec has {key}={value} in metadata.labels", f"{key}={value}", pairs)
    return wanted


def _pairs(known: Iterable[tuple[str, Iterable[str]]]) -> list[str]:
    return [f"{key}={value}" for key, values in sorted(known) for value in sorted(values)]


def _nothing(flag: str, words: str, wrong: str, known: Iterable[str]) -> ReconcilerError:
    return ReconcilerError(f"{flag}: {words}", help=nearest_or_known(wrong, known))
