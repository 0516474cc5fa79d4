"""Rules about the waves of a rollout. Pure; kept from the nouns of plans, which `validate` does without."""

from collections.abc import Iterator

from reconciler.kinds.counts import few
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.spec import sets
from reconciler.spec.documents import Document
from reconciler.spec.specs import Specs

REST = "rest"


def rollouts(specs: Specs) -> Iterator[Diagnostic]:
    """Every datamart that takes part is in exactly one wave of the workspace's one rollout."""
    every = list(specs.rollouts.values())
    for document in every[1:]:
        yield error(
            "two-rollouts",
            f"there is a rollout already, '{every[0].data['metadata']['name']}'",
            document.span("metadata", "name"),
            help="a workspace has one Rollout; put all waves into it",
        )
    for document in every if specs.datamarts_known else ():
        yield from _waves(specs, document)


def _waves(specs: Specs, document: Document) -> Iterator[Diagnostic]:
    first: dict[str, int] = {}
    names: set[str] = set()
    waves, whole = document.data["spec"]["waves"], False
    for i, wave in enumerate(waves):
        at = ("spec", "waves", i)
        if wave["name"] in names:
            yield error(
                "wave-name",
                f"an earlier wave is named '{wave['name']}', too",
                document.span(*at, "name"),
            )
        names.add(wave["name"])
        if wave["datamarts"] == REST:
            whole = True
            if i < len(waves) - 1:
                yield error(
                    "rest-not-last",
                    "'rest' means all remaining datamarts, so only the last wave can use it",
                    document.span(*at, "datamarts"),
                    help="move this wave to the end",
                )
            continue
        try:
            members = specs.resolve(wave["datamarts"])
        except sets.UnknownDatamart:
            whole = True  # said by rules.sets_of_datamarts; what is missing then cannot be told
            continue
        if not members and not specs.odd(wave["datamarts"])[0]:
            yield warning(
                "empty-wave",
                f"the wave '{wave['name']}' has no datamart",
                document.span(*at, "datamarts"),
                help="the wave is skipped; remove the wave, or correct its set",
            )
        for name in sorted(members & first.keys()):
            other = waves[first[name]]["name"]
            words = f"'{name}' is also in the wave '{other}'"
            yield error(
                "wave-overlap",
                words,
                document.span(*at, "datamarts"),
                help="a datamart can be in one wave only",
            )
        first |= dict.fromkeys(members - first.keys(), i)
    if not whole and (missing := sorted(specs.live.keys() - first.keys())):
        yield error(
            "wave-missing",
            f"no wave has {few(missing, 5)}",
            document.span("spec", "waves"),
            help="set `datamarts: rest` in the last wave, or add them to a wave",
        )
