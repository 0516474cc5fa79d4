"""Values of flags and arguments that need no conversion by Typer.

Typer converts with pydantic, which takes longer to load than a small `plan` takes to run. A flag that was not given, a text, a path and
a name from a list need none of it. Everything else goes to Typer, and so does all that may be wrong: it has the words for that.
"""

import inspect
import os
import re
from collections.abc import Callable, Sequence
from enum import Enum, StrEnum
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from typer.core import TyperCommand, TyperGroup
from typer.exceptions import Abort

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from typer._click import Context, Parameter

WHOLE = 1000  # characters: the first sentence, however long
_TYPER = object()  # in place of a value: Typer has to convert
_SHORT_WITH_SIGN = re.compile(r"(-[A-Za-z])=(.*)", re.DOTALL)


class _Plain:
    """Values are converted here where that is plain, and no list of commands cuts a first sentence."""

    callback: Callable[..., Any] | None

    def get_params(self, ctx: "Context") -> "list[Parameter]":
        """The parameters, each with the short way.

        Args:
            ctx: of this command.
        """
        return shortened(super().get_params(ctx), self.callback)  # type: ignore[misc]

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Read the flags; of one that takes one value and is given twice only the last would count, without a word.

        Args:
            ctx: of this command.
            args: as typed.

        Raises:
            UsageError: a flag is given twice, or its value begins with an equals sign.
        """
        if args and not ctx.resilient_parsing:
            _require_form(ctx, self.get_params(ctx), args)
            _, _, order = self.make_parser(ctx).parse_args(args=list(args))  # type: ignore[attr-defined]
            _require_once(order)
        rest: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]
        return rest

    def get_short_help_str(self, limit: int = WHOLE) -> str:
        """The first sentence, which no list of commands and no shell cuts.

        Args:
            limit: characters; what asks for few gets all.
        """
        told: str = super().get_short_help_str(max(limit, WHOLE))  # type: ignore[misc]
        return told


class Command(_Plain, TyperCommand):
    """A command of Typer with both; Ctrl-C in it is not hidden."""

    def invoke(self, ctx: "Context") -> Any:
        """Call the command. Typer makes of Ctrl-C an exit without a word.

        Args:
            ctx: of this command.

        Raises:
            Abort: it was interrupted.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Abort from None


class Group(_Plain, TyperGroup):
    """A group of commands with both."""


def _require_form(ctx: "Context", params: "Sequence[Parameter]", args: Sequence[str]) -> None:
    """The library takes `-o=json` for the value `=json`."""
    known = {flag for param in params for flag in param.opts}
    for found in filter(
        None, map(_SHORT_WITH_SIGN.fullmatch, args[: args.index("--")] if "--" in args else args)
    ):
        if found[1] in known:
            value = found[2] if found[2].isprintable() and found[2] else "VALUE"
            raise UsageError(
                f"{ctx.command_path} {found[1]}: no equals sign stands behind a flag of one letter",
                help=f"write {found[1]} {value}",
            )


def _require_once(order: "Sequence[Parameter]") -> None:
    """A flag with one value is there once."""
    for param in order:
        if param.param_type_name == "option" and not param.multiple and not getattr(param, "is_flag", False):
            flag = param.opts[0]
            if order.count(param) < 2 or flag == "-C":  # as of other tools, the last folder counts
                continue
            several = (
                f"name several in one flag, with commas: {flag} A,B"
                if param.metavar == "SET"
                else "give it once"
            )
            raise UsageError(f"{flag} is given twice, and only one of them would count", help=several)


def shortened(params: "list[Parameter]", function: Callable[..., Any] | None) -> "list[Parameter]":
    """The same parameters, which ask Typer only for what is not plain.

    Args:
        params: of one command.
        function: what the command calls; its annotations say the types.
    """
    for param in params:
        if "process_value" not in vars(param):
            param.process_value = _short_way(param, function)  # type: ignore[assignment, method-assign]
    return params


def _short_way(param: "Parameter", function: Callable[..., Any] | None) -> "Callable[[Context, Any], Any]":
    typer_does = param.process_value

    def process(ctx: "Context", value: Any) -> Any:
        found = plain(value, lambda: _type(function, param.name), several=param.multiple or param.nargs == -1)
        if found is _TYPER or (param.required and not found):
            return typer_does(ctx, value)
        return found if param.callback is None else param.callback(ctx, param, found)

    return process


def _type(function: Callable[..., Any] | None, name: str | None) -> Any:
    """What a parameter of a function is annotated with, without what Typer reads there and without None."""
    parameter = None if function is None else inspect.signature(function).parameters.get(name or "")
    found = None if parameter is None else parameter.annotation
    if get_origin(found) is Annotated:
        found = get_args(found)[0]
    if get_origin(found) is UnionType:
        (found, *others) = (t for t in get_args(found) if t is not type(None))
        return None if others else found
    return found


def plain(value: Any, type_of: Callable[[], Any], *, several: bool) -> Any:
    """The value of a flag, or what says that Typer has to make it.

    Args:
        value: None; the default, as it stands in the source; or texts as they were typed.
        type_of: gives the type that it has to have.
        several: the flag may be given several times.
    """
    if value is None:
        return () if several else None
    if isinstance(value, bool | int | Path | Enum):
        return value  # a default: it is what the function wants
    if several:
        return list(value) if isinstance(value, list) and type_of() == list[str] else _TYPER
    return _of_text(value, type_of()) if type(value) is str else _TYPER


def _of_text(text: str, wanted: Any) -> Any:
    if wanted is str:
        return text
    if wanted is Path and (os.access(text, os.R_OK) or not os.path.lexists(text)):
        return Path(text)
    if inspect.isclass(wanted) and issubclass(wanted, StrEnum) and text in [x.value for x in wanted]:
        return wanted(text)
    return _TYPER
