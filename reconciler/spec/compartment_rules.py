"""Rules about compartments: their tokens, and where they are active. Pure, offline."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from reconciler.kinds.counts import few, many
from reconciler.model.diagnostic import Diagnostic, error, warning
from reconciler.spec import sets
from reconciler.spec.documents import Document
from reconciler.spec.quotes import quoted
from reconciler.spec.specs import Specs
from reconciler.spec.yaml_advice import QUOTES_ADVICE

_WANTED = r"[a-z0-9_-]+"
_SEPARATORS = r"[-_. ]"
# Shorter tokens are near each other by chance: fr and fri, crm and crm2.
_LONG_ENOUGH = 6
_FEW_DATAMARTS = 3
_SHOWN = 5  # datamarts that are named


def token_characters(document: Document) -> Iterator[Diagnostic]:
    """Tokens stay in the set of characters that no URL, tag or shell ever changes."""
    token = document.data["spec"].get("token")
    if token is not None and not re.fullmatch(_WANTED, token):
        yield warning(
            "token-charset",
            f"the token '{token}' has characters other than a-z, 0-9, '-' and '_'",
            document.span("spec", "token"),
            help=QUOTES_ADVICE
            if quoted(token)
            else "use only these characters in a new token: site tags put it into URLs",
        )


def template_text(document: Document) -> Iterator[Diagnostic]:
    """Specs have no templates: what looks like one would become the name on the platform."""
    name = document.data["spec"].get("name")
    if name is not None and ("${" in name or "{{" in name):
        yield warning(
            "template-text",
            "the name holds what looks like a variable of a template; it is used as it is written",
            document.span("spec", "name"),
            help="write the value; for another one in an environment declare an overlay (docs/explanation/no-templating.md)",
        )


def tokens(specs: Specs) -> Iterator[Diagnostic]:
    """No two compartments have one token: it is their key on the platform."""
    seen: dict[str, Document] = {}
    for document in specs.compartments.values():
        token = document.data["spec"].get("token")
        if token is not None and (other := seen.setdefault(token, document)) is not document:
            yield error(
                "duplicate-token",
                f"two compartments have the token '{token}'",
                document.span("spec", "token"),
                secondary=((other.span("spec", "token"), "first here"),),
                help="give one of them another token; where the platform has two with one token, pin each by its `id`",
            )


def near_duplicates(specs: Specs) -> Iterator[Diagnostic]:
    """Tokens that differ by a separator, by case, or by one slip of the finger."""
    by_token: dict[str, Document] = {}
    for document in specs.compartments.values():
        if token := document.data["spec"].get("token"):
            by_token.setdefault(token, document)
    seen: dict[str, str] = {}
    for token, document in by_token.items():
        skeleton = re.sub(_SEPARATORS, "", token).casefold()
        near = seen.setdefault(skeleton, token)
        if near == token:
            near = next((slip for slip in _slips(token) if slip in by_token), token)
        if near != token:
            yield warning(
                "near-duplicate-token",
                f"the token '{token}' is nearly '{near}'",
                document.span("spec", "token"),
                secondary=((by_token[near].span("spec", "token"), "the other token"),),
                help="if both mean the same compartment, remove one",
            )


def _slips(token: str) -> Iterator[str]:
    """What the token may have been meant to be: one letter less, or two letters swapped. Digits are counters."""
    if len(token) < _LONG_ENOUGH:
        return
    for i, c in enumerate(token):
        if c.isalpha():
            yield token[:i] + token[i + 1 :]
            # The swap of a pair is a slip of one of the two; the later one in the alphabet tells.
            if token[i + 1 : i + 2].isalpha() and c > token[i + 1]:
                yield token[:i] + token[i + 1] + c + token[i + 2 :]


def coverage(specs: Specs) -> Iterator[Diagnostic]:
    """A compartment that is active on most datamarts, but not on all, and nobody said that it is meant."""
    every = frozenset(specs.live)
    if len(every) < _FEW_DATAMARTS or not specs.datamarts_known:
        return
    for key, document in specs.compartments.items():
        members = specs.members(document, "activations")
        if members is None or not len(every) / 2 < len(members) < len(every):
            continue
        meant = _excepted(document.data["spec"]["activations"], specs)
        missing = sorted(every - members - meant - (specs.members(document, "deactivations") or frozenset()))
        if missing:
            yield warning(
                "activation-coverage",
                f"'{key}' is activated on {len(members)} of the workspace's {many(len(every), 'datamart')},"
                f" not on {few(missing, _SHOWN)}",
                document.span("spec", "activations"),
                help=f"activate it there, or exclude these datamarts: except: [{', '.join(missing)}]"
                if len(missing) <= _SHOWN
                else "activate it there, or exclude these datamarts with except",
            )


def removals(specs: Specs) -> Iterator[Diagnostic]:
    """What is to be removed is not wanted elsewhere in the specs."""
    defaults = {name: d for name, d in specs.datamarts.items() if d.default_compartment and d.takes_part}
    for key, document in specs.compartments.items():
        gone = specs.members(document, "deactivations")
        if not gone:
            continue
        here = partial(document.span, "spec", "deactivations")
        if document.data["spec"].get("protected"):
            other = ((document.span("spec", "protected"), "protected here"),)
            yield error(
                "removal-contradiction",
                f"'{key}' is protected: its activations cannot be removed",
                here(),
                secondary=other,
            )
        if both := sorted(gone & (specs.members(document, "activations") or frozenset())):
            words = f"'{key}' is both activated and deactivated on {', '.join(both)}"
            other = ((document.span("spec", "activations"), "activations of it"),)
            yield error("removal-contradiction", words, here(), secondary=other)
        for name in sorted(gone & defaults.keys()):
            if defaults[name].default_compartment == key:
                other = ((defaults[name].span("default_compartment"), "the default here"),)
                words = f"'{key}' is the default of '{name}', and is to be removed there"
                yield error("removal-contradiction", words, here(), secondary=other)


def _excepted(expression: Any, specs: Specs) -> frozenset[str]:
    """Datamarts that the set leaves out by name or label: somebody thought of them."""
    match expression:
        case {"datamarts": inner, **rest}:
            try:
                return _excepted(inner, specs) | specs.resolve(rest.get("except", []))
            except sets.UnknownDatamart:
                return frozenset()
        case list():
            return frozenset().union(*(_excepted(e, specs) for e in expression))
        case _:
            return frozenset()
