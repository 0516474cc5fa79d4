"""Datamart sets (design 3): `all`, a name, names, labels, or `{datamarts, except}`. Pure."""

from collections.abc import Container, Mapping
from typing import Any


class UnknownDatamart(Exception):
    """A set names a datamart that no spec declares.

    Attributes:
        path: where in the set expression the name stands.
    """

    def __init__(self, name: str, path: tuple[str | int, ...]) -> None:
        super().__init__(name)
        self.name = name
        self.path = path


def resolve(
    expression: Any,
    datamarts: Mapping[str, Mapping[str, str]],
    absent: Container[str] = (),
    path: tuple[str | int, ...] = (),
) -> frozenset[str]:
    """Names of the datamarts in the set.

    Args:
        expression: the set as written.
        datamarts: labels by datamart name.
        absent: names of datamarts that have no id in this environment: they are left out.
        path: position of the expression, for errors.

    Raises:
        UnknownDatamart: it names one that is not declared.
    """
    match expression:
        case "all":
            return frozenset(datamarts)
        case str():
            if expression in absent:
                return frozenset()
            if expression not in datamarts:
                raise UnknownDatamart(expression, path)
            return frozenset({expression})
        case list():
            return frozenset().union(
                *(resolve(e, datamarts, absent, (*path, i)) for i, e in enumerate(expression))
            )
        case {"datamarts": inner, **rest}:
            chosen = resolve(inner, datamarts, absent, (*path, "datamarts"))
            return chosen - resolve(rest.get("except", []), datamarts, absent, (*path, "except"))
        case dict():
            return frozenset(n for n, labels in datamarts.items() if _matches(labels, expression))
        case _:
            raise TypeError(f"not a datamart set: {expression!r}")


def _matches(labels: Mapping[str, str], wanted: Mapping[str, Any]) -> bool:
    return all(labels.get(k) in (v if isinstance(v, list) else [v]) for k, v in wanted.items())
