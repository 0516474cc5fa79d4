"""Faults on demand, as a script: which requests, and what goes wrong. Plain data, from a file or over `/_sandbox/control`.

    seed: 7
    faults:
      - {do: drop_after, method: POST, path: /executions, after: 2}            # the third one, once
      - {do: status, status: 429, headers: {Retry-After: "1"}, probability: 0.1}  # each tenth, by the seed
      - {do: status, status: 401, after: 40, times: 0}                          # from the 41st on, for ever

The first rule that matches a request and is due acts on it; rules before it count it, rules after it do not see it.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

# What is done, and the fields beside `method`, `path`, `after`, `times`, `nth` and `probability` that it takes.
ACTIONS: dict[str, tuple[str, ...]] = {
    "drop_before": (),  # the connection is cut, nothing happened
    "drop_after": (),  # it happened, and the connection is cut
    "status": ("status", "body", "headers"),
    "status_after": ("status", "body", "headers"),  # it happened, and the answer says otherwise
    "html": ("status", "headers"),
    "truncate": (),  # half of the answer
    "error_in_2xx": (),  # it happened, and the body says error
    "delay": ("seconds",),  # then as usual
    "throttle": ("bytes_per_second",),  # of the request's body
    "list_lag": ("reads", "seconds"),  # listings do not show what is written here, for a while
    "stuck": (),  # the execution never ends
    "ended": ("status",),  # the execution ends with this word, and does nothing
    "consent_drop": ("share",),  # so many of the execution's lines count as done, and are not
}
_WHICH = ("do", "method", "path", "after", "times", "nth", "probability")


@dataclass(slots=True)
class Fault:
    """One rule.

    Attributes:
        path: part of the path; with `*`, all of it.
        after: matching requests to let pass first.
        times: how many to act on; 0 is all that come. 1 by default, or all with `probability`.
        nth: act on this one, counted from 1, and on no other.
        status: of the answer; for `ended` the word the execution ends with.
        reads, seconds: as the switches of listings' lag; `seconds` also of a delay.
        share: of lines, from 0 to 1.
    """

    do: str
    method: str = ""
    path: str = ""
    after: int = 0
    times: int | None = None
    nth: int = 0
    probability: float = 1.0
    status: int | str = 500
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    bytes_per_second: float = 0.0
    reads: int = 0
    share: float = 1.0
    seen: int = 0
    acted: int = 0

    def acts_on(self, method: str, path: str, dice: random.Random) -> bool:
        """True if it acts on this request; counts it."""
        if (self.method and method != self.method) or not self._named(path):
            return False
        self.seen += 1
        most = (0 if self.probability < 1 else 1) if self.times is None else self.times
        due = self.seen == self.nth if self.nth else self.seen > self.after
        if not due or (most and self.acted >= most) or dice.random() >= self.probability:
            return False
        self.acted += 1
        return True

    def _named(self, path: str) -> bool:
        return fnmatchcase(path, self.path) if "*" in self.path else self.path in path


class Script:
    """Rules, with dice of their own."""

    def __init__(self, rules: Sequence[Fault] = (), seed: int = 0) -> None:
        self.rules, self._dice = list(rules), random.Random(seed)  # noqa: S311 - faults, no secrets

    def on(self, method: str, path: str) -> Fault | None:
        """What is to go wrong with this request."""
        return next((f for f in self.rules if f.acts_on(method, path, self._dice)), None)


class BadRule(ValueError):
    """A rule that makes no sense; `number` counts from 1."""

    def __init__(self, number: int, words: str) -> None:
        super().__init__(f"rule {number}: {words}")
        self.number = number


def read(data: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Script:
    """A script from plain data: `{seed, faults}`, or just the rules.

    Raises:
        ValueError: an unknown action or field, or a value that cannot be; says which rule.
    """
    whole: Mapping[str, Any] = data if isinstance(data, Mapping) else {"faults": data}
    if unknown := sorted(map(str, whole.keys() - {"name", "about", "seed", "faults"})):
        raise ValueError(f"unknown field {unknown[0]!r}; a script has name, about, seed and faults")
    rows, seed = whole.get("faults"), whole.get("seed", 0)
    if not isinstance(rows, Sequence) or isinstance(rows, str) or not isinstance(seed, int):
        raise ValueError("'faults' is a list of rules, and 'seed' a whole number")  # noqa: TRY004 - as all of them
    return Script([_rule(n, row) for n, row in enumerate(rows, 1)], seed)


def _rule(number: int, row: Any) -> Fault:
    if not isinstance(row, Mapping) or row.get("do") not in ACTIONS:
        found = row.get("do") if isinstance(row, Mapping) else row
        raise BadRule(number, f"unknown action {found!r}; known: {', '.join(ACTIONS)}")
    allowed = {*_WHICH, *ACTIONS[row["do"]]}
    if unknown := sorted(map(str, row.keys() - allowed)):
        raise BadRule(number, f"{row['do']} takes no {unknown[0]!r}; it takes {', '.join(sorted(allowed))}")
    kinds: dict[str, Any] = {f.name: f.type for f in fields(Fault)}
    for key, value in row.items():
        if not _fits(kinds[key], value):
            raise BadRule(number, f"{key} cannot be {value!r}")
    status = row.get("status", "FAILED" if row["do"] == "ended" else 500)
    if isinstance(status, str) != (row["do"] == "ended") or (
        isinstance(status, int) and not 200 <= status <= 599
    ):
        raise BadRule(number, f"status cannot be {status!r}")
    return Fault(
        **{**row, "status": status, "headers": {k: str(v) for k, v in row.get("headers", {}).items()}}
    )


def _fits(kind: Any, value: Any) -> bool:
    match kind:
        case _ if kind is int or kind == (int | None):
            return isinstance(value, int) and not isinstance(value, bool) and value >= 0
        case _ if kind is float:
            return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        case _ if kind is str:
            return isinstance(value, str)
        case _ if kind == (int | str):
            return isinstance(value, int | str) and not isinstance(value, bool)
        case _:
            return kind is Any or isinstance(value, Mapping)
