"""The exit code of each error is that of the tree in `errors.py`, and signals have 128 and their number."""

import inspect
import re

import pytest

from reconciler import errors
from reconciler.cli import exit_codes

TREE = dict(re.findall(r"(\w+) +exit (\d+)", errors.__doc__ or ""))
EVERY = {
    name: found
    for name, found in vars(errors).items()
    if inspect.isclass(found) and issubclass(found, errors.ReconcilerError)
}


def test_the_tree_has_every_error() -> None:
    assert TREE.keys() == EVERY.keys()


@pytest.mark.parametrize("name", EVERY)
def test_an_error_ends_with_the_code_of_the_tree(name: str) -> None:
    assert exit_codes.of(EVERY[name].__new__(EVERY[name])) == int(TREE[name])


@pytest.mark.parametrize("number", exit_codes.BY_SIGNAL)
def test_a_signal_ends_as_the_shell_says_it(number: int) -> None:
    assert exit_codes.BY_SIGNAL[number] == 128 + number
