"""Datamart sets (design 3): `all`, a name, names, labels, or `{datamarts, except}`. Pure."""

from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple


class UnknownDatamart(Exception):
    """A set names a datamart that no spec declares.

    Attributes:
        path: where in the set expression the name stands.
    """

    def __init__(self, name: str, path: tuple[str | int, ...]) -> None:
        super().__init__(name)
        self.name = name
        self.path = path


class UnknownLabel(NamedTuple):
    """A label in a set that no datamart has.

    Attributes:
        value: the value that none has; None if none has the key.
        path: where in the set expression it stands.
    """

    key: str
    value: str | None
    path: tuple[str | int, ...]


def unknown_labels(
    expression: Any, known: Mapping[str, Container[str]], path: tuple[str | int, ...] = ()
) -> Iterator[UnknownLabel]:
    """All labels in a set, at any depth, that no datamart has.

    Args:
        expression: the set as written.
        known: values by key, of all datamarts.
        path: position of the expression.
    """
    match expression:
        case list():
            for i, each in enumerate(expression):
                yield from unknown_labels(each, known, (*path, i))
        case {"datamarts": inner, **rest}:
            yield from unknown_labels(inner, known, (*path, "datamarts"))
            yield from unknown_labels(rest.get("except", []), known, (*path, "except"))
        case dict():
            for key, wanted in expression.items():
                values = [(wanted, (*path, key))]
                if isinstance(wanted, list):
                    values = [(v, (*path, key, i)) for i, v in enumerate(wanted)]
                if key not in known:
                    yield UnknownLabel(key, None, (*path, key))
                else:
                    yield from (UnknownLabel(key, v, at) for v, at in values if v not in known[key])
        case _:
            pass


def idle_excepts(
    expression: Any, datamarts: Mapping[str, Mapping[str, str]], path: tuple[str | int, ...] = ()
) -> Iterator[tuple[str | int, ...]]:
    """Where an `except` of labels stands that removes nothing; one that names a datamart says that it is meant to be out.

    Raises:
        UnknownDatamart: the set names one that is not declared.
    """
    match expression:
        case list():
            for i, each in enumerate(expression):
                yield from idle_excepts(each, datamarts, (*path, i))
        case {"datamarts": inner, **rest}:
            removed = rest.get("except", [])
            if (
                "except" in rest
                and not _has_name(removed)
                and not resolve(inner, datamarts) & resolve(removed, datamarts)
            ):
                yield (*path, "except")
            yield from idle_excepts(inner, datamarts, (*path, "datamarts"))
            yield from idle_excepts(removed, datamarts, (*path, "except"))
        case _:
            pass


def _has_name(expression: Any) -> bool:
    match expression:
        case str():
            return expression != "all"
        case list():
            return any(_has_name(each) for each in expression)
        case {"datamarts": inner}:
            return _has_name(inner)
        case _:
            return False


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
