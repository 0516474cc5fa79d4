"""Pages of the manual that are made from the code: commands with flags and variables, and events. `.ci/reference` writes them."""

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import typer

from reconciler.cli import exit_codes
from reconciler.cli.app import COMMANDS, app
from reconciler.cli.helps import GROUPS
from reconciler.model import event

# Variables that no flag names by itself.
VARIABLES = {
    "CI": "set by CI services: nothing is remembered between runs",
    "FORCE_COLOR": "colours, also where there is no terminal",
    "NO_COLOR": "no colours",
    "RECONCILER_ENDPOINT": "URL of the platform, or `sandbox:`; as `--endpoint`",
    "RECONCILER_ENVIRONMENT": "the environment, as `--environment`",
    "RECONCILER_PLAN_DIGEST": "given to the program of a gate: the digest of the plan",
    "RECONCILER_TOKEN": "the API token; it is sent as it is, and never shown",
    "RECONCILER_WAVE": "given to the program of a gate: the name of the wave",
    "RECONCILER_WAVE_DATAMARTS": "given to the program of a gate: the datamarts of the wave",
    "XDG_CACHE_HOME": "where what is remembered of files lies; default: `~/.cache`",
}
_MADE = "This page is made from the code by `.ci/reference`; a test compares them.\n"


def commands() -> str:
    """Every command with its arguments, flags and their variables; exit codes; other variables."""
    made: Any = typer.main.get_command(app(completion=False))
    lines = [
        "# Commands\n",
        "Flags before the command: `-C DIR` names the workspace, `--version`, `--help`.",
        _MADE,
    ]
    for head, names in GROUPS.items():
        lines.append(f"## {head}\n")
        for name in names:
            lines += _command(made.commands[name], f"reconciler {name}", COMMANDS[name])
    lines += ["## Exit codes\n", "| Code | Meaning |", "|---|---|"]
    lines += [f"| {code} | {_cell(words)} |" for code, words in exit_codes.MEANINGS.items()]
    lines += [
        "",
        "## Environment variables\n",
        "A variable that is empty counts as unset. Flags win over variables.\n",
    ]
    lines += ["| Variable | Is |", "|---|---|"]
    for variable, words in sorted((VARIABLES | _of_flags(made)).items()):
        lines.append(f"| `{variable}` | {_cell(words)} |")
    return "\n".join(lines) + "\n"


def _command(command: Any, name: str, told: str) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{_sentence(told)}\n"
    rows = [_parameter(p) for p in command.params if not getattr(p, "hidden", False) and p.name != "help"]
    if rows:
        yield from ("| Argument or flag | Default | Does |", "|---|---|---|", *rows, "")
    for sub, inner in getattr(command, "commands", {}).items():
        yield from _command(inner, f"{name} {sub}", inner.help or "")


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        shown = parameter.metavar or parameter.name.upper()
        default = "" if not parameter.required else "required"
    else:
        value = "" if parameter.is_flag else f" {_value(parameter)}"
        shown = ", ".join(parameter.opts) + value
        default = _default(parameter)
    about = parameter.help or ""
    variable = f"Variable: `{parameter.envvar}`." if parameter.envvar else ""
    told = " ".join(x for x in (_cell(_sentence(about)), variable) if x)
    return f"| `{shown}` | {default} | {told} |".replace("|  |", "| |")


def _value(parameter: Any) -> str:
    return str(parameter.metavar or parameter.display_type(None).strip("<>").replace("|", "/"))


def _default(parameter: Any) -> str:
    value = parameter.default
    value = getattr(value, "value", value)
    return "" if value in (None, False, (), []) or callable(value) else f"`{value}`"


def _of_flags(group: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for command in group.commands.values():
        for p in command.params:
            if p.envvar:
                found.setdefault(p.envvar, f"as `{p.opts[-1]}`")
        if hasattr(command, "commands"):
            found |= _of_flags(command)
    return found


def events() -> str:
    """The stream of `--events`: every type with its fields."""
    lines = [
        "# Events\n",
        f"{inspect.getdoc(event)}\n".replace("`--events FILE`:", "`--events FILE`:"),
        _MADE,
    ]
    for kind in typing.get_args(event.AnyEvent):
        info: Any = msgspec.inspect.type_info(kind)
        lines += [f"## {info.tag}\n", f"{inspect.getdoc(kind)}\n", "| Field | Type |", "|---|---|"]
        lines += [f"| `{f.encode_name}` | {_type(f.type)} |" for f in info.fields]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _type(found: Any) -> str:
    match found:
        case msgspec.inspect.IntType():
            return "whole number"
        case msgspec.inspect.StrType():
            return "text"
        case msgspec.inspect.DictType():
            return "object: name to number"
    raise AssertionError(found)


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


PAGES: Mapping[str, Callable[[], str]] = {"commands.md": commands, "events.md": events}
