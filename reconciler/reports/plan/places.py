"""A set of datamarts in the fewest words: all of them, by a label, all but a few, or by their names. Pure."""

from collections.abc import Collection, Mapping

from reconciler.kinds.counts import few, many
from reconciler.reports.grouping import NAMED_MAX_DATAMARTS

Labels = Mapping[str, Mapping[str, str]]
FEW = 4  # names in a row of a list
_LEFT_OUT = 3


def placed(names: Collection[str], labels: Labels, most: int = NAMED_MAX_DATAMARTS) -> str:
    """The set, as it stands after "on".

    Args:
        names: of the datamarts.
        labels: of every datamart that the specs name, by its name.
        most: of more, so many are named.
    """
    chosen = set(names)
    if len(chosen) > 1 and chosen == labels.keys():
        return f"all {many(len(chosen), 'datamart')}"
    found = [few(sorted(names), most), *_by_label(chosen, labels), *_all_but(chosen, labels)]
    return min(found, key=len)


def counted(names: Collection[str], labels: Labels) -> str:
    """The set in about a line, and how many datamarts it is where that is not said."""
    words = placed(names, labels, FEW)
    return (
        words if len(names) < 2 or words.startswith("all ") else f"{words} ({many(len(names), 'datamart')})"
    )


def _by_label(chosen: set[str], labels: Labels) -> list[str]:
    """The set by one label: its values cover the set and nothing else, and are much fewer than the datamarts."""
    found = []
    for key in sorted({key for own in labels.values() for key in own}):
        values = {labels[n].get(key) for n in chosen if n in labels}
        covered = {n for n, own in labels.items() if own.get(key) in values}
        if None not in values and covered == chosen and len(values) * 2 <= len(chosen):
            found.append(f"{key} {', '.join(sorted(str(v) for v in values))}")
    return found


def _all_but(chosen: set[str], labels: Labels) -> list[str]:
    left = labels.keys() - chosen
    if not chosen <= labels.keys() or not 0 < len(left) <= _LEFT_OUT or len(chosen) <= 2 * len(left):
        return []
    return [f"all {many(len(labels), 'datamart')} but {', '.join(sorted(left))}"]
