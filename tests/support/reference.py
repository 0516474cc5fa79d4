"""Pages of the manual that are made from the code: commands, events, plans, metrics, seeds, rules and fields. `.ci/reference` writes them."""

import inspect
import json
import re
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import typer

from reconciler.cli import exit_codes
from reconciler.cli.app import COMMANDS, app
from reconciler.cli.examples import EXAMPLES
from reconciler.cli.helps import GROUPS
from reconciler.cli.output.metrics import Metrics
from reconciler.model import event, plan
from reconciler.reports import fields as field_pages
from reconciler.reports.rules import text as rules
from reconciler.sandbox import seed
from reconciler.spec.catalogue import catalogue
from reconciler.spec.fields import fields

# Variables that no flag names by itself.
VARIABLES = {
    "CI": "set by CI services: nothing is remembered between runs",
    "FORCE_COLOR": "colours, also where there is no terminal",
    "NO_COLOR": "no colours",
    "RECONCILER_ENDPOINT": "URL of the platform, or `sandbox:`; as `--endpoint`",
    "RECONCILER_ENVIRONMENT": "the environment, as `--environment`",
    "RECONCILER_PLAN_DIGEST": "given to the program of a gate: the digest of the plan",
    "RECONCILER_TOKEN": "the API token; it is sent as it is, and never shown",
    "RECONCILER_UPLOAD_RATE": "bytes a second of all uploads together; as `--upload-rate`",
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
    if (example := EXAMPLES.get(name.removeprefix("reconciler "))) is not None:
        yield f"Example: `{example}`\n"
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


def plan_format() -> str:
    """The document of a plan: every object with its fields."""
    lines = [
        "# The plan's format\n",
        "What `plan --out FILE` writes and `-o json` prints: one JSON object. `format_version` has the form MAJOR.MINOR: a new field"
        " raises the second number, anything else the first. Programs ignore fields they do not know. The shape of"
        " `resource_changes` is Terraform's, so that policy tools for it can read it; `-o terraform` prints it without the rest.\n",
        "`resource_changes` has what the plan does. What is as declared is in `unchanged`, in groups, since it may be hundreds of thousands of"
        " resources: 10,000 compartments on 20 datamarts take 1 MB. `plan --full` and `show --full -o json` give an entry with the action"
        " `no-op` for each of them instead. Every command reads both forms, and `apply FILE` applies both.\n",
        "Nothing in it is a token or a value of a profile. [Saved plans](plans.md) says what is compared before a plan is applied.\n",
        _MADE,
    ]
    told: dict[str, str] = {}
    _object(plan.Plan, "The plan", told)
    return "\n".join([*lines, *told.values()]).rstrip() + "\n"


def _object(kind: Any, head: str, told: dict[str, str]) -> None:
    """A section for an object, and then one for each that it holds and that has none yet."""
    info: Any = msgspec.inspect.type_info(kind)
    doc = inspect.getdoc(kind) or ""
    words, _, attributes = doc.partition("\n\nAttributes:\n")
    about = dict(re.findall(r"^ {4}(\w+): (.+(?:\n {6,}.+)*)", attributes, re.MULTILINE))
    rows, inner = [], []
    for f in info.fields:
        default = "" if f.required else _shown_default(f)
        rows.append(
            f"| `{f.encode_name}` | {_type(f.type)} | {default} | {_cell(_null(about.get(f.name, '')))} |"
        )
        inner += _structs(f.type)
    words = "" if words.startswith(f"{kind.__name__}(") else words  # made by dataclass
    table = ["| Field | Type | Default | Is |", "|---|---|---|---|", *rows]
    told[kind.__name__] = "\n".join([f"## {head}\n", *([words, ""] if words else []), *table, ""])
    for found in inner:
        if found.__name__ not in told:
            told[found.__name__] = ""
            _object(found, found.__name__, told)


def _null(words: str) -> str:
    return re.sub(r"\bNone\b", "null", " ".join(words.split()))


def _shown_default(field: Any) -> str:
    if field.default_factory is not msgspec.NODEFAULT:
        return f"`{json.dumps(msgspec.to_builtins(field.default_factory()))}`"
    value = msgspec.to_builtins(field.default)
    return "an empty one" if isinstance(value, dict) and value else f"`{json.dumps(value)}`"


def _structs(found: Any) -> list[Any]:
    """Objects of ours within a type."""
    parts = [getattr(found, name, None) for name in ("item_type", "value_type")]
    parts += [*getattr(found, "types", ()), *getattr(found, "item_types", ())]
    own = [found.cls] if hasattr(found, "cls") and hasattr(found, "fields") else []
    return own + [x for part in parts if part is not None for x in _structs(part)]


def metrics() -> str:
    """What `watch` serves: every metric with its labels."""
    registry = Metrics().registry
    lines = [
        "# Metrics\n",
        "`reconciler watch --listen HOST:PORT` serves them at `/metrics`, in the format of Prometheus; `examples/monitoring` has alert rules ([operations](operations.md)"
        " says what each metric means). No label is an identifier of the platform: datamarts, sources and kinds are names of the specs.\n",
        _MADE,
        "| Metric | Type | Labels | Is |",
        "|---|---|---|---|",
    ]
    for found in registry._collector_to_names:
        metric: Any = found
        name = metric._name + ("_total" if metric._type == "counter" else "")
        labels = ", ".join(f"`{x}`" for x in metric._labelnames)
        lines.append(f"| `{name}` | {metric._type} | {labels} | {_cell(metric._documentation)} |")
    return "\n".join(lines) + "\n"


def seeds() -> str:
    """What a sandbox can begin with: the objects of a seed, by the built-in one."""
    lines = [
        "# Seeds of the sandbox\n",
        "A seed says what a sandbox holds at its beginning. `endpoint: sandbox:` plants what the specs name: the organisation, its"
        " datamarts, and what they pin. `reconciler sandbox serve --seed FILE` and a file `.sandbox/seed.json` beside the"
        " workspace, which is there before the sandbox first starts, replace the built-in one. A seed is one JSON object of lists;"
        " each list and each field with a default may be absent. Fields that the table does not have are kept and served as they are.\n",
        _MADE,
        "## Fields\n",
        "| List | Field | Is |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{table}` | `{key}` | {_cell(words)} |"
        for table, rows in seed.FIELDS.items()
        for key, words in rows.items()
    ]
    shown = {
        table: [
            {k: v if k != "text" else "type UserPoint @TreeIndexRoot ..." for k, v in row.items()}
            for row in rows
        ]
        for table, rows in seed.SEED.items()
    }
    body = ",\n".join(
        f'  "{table}": [\n' + ",\n".join(f"    {json.dumps(row)}" for row in rows) + "\n  ]"
        for table, rows in shown.items()
    )
    lines += ["", "## The built-in seed\n", "```json", f"{{\n{body}\n}}", "```"]
    return "\n".join(lines) + "\n"


_WORDS = {
    msgspec.inspect.IntType: "whole number",
    msgspec.inspect.FloatType: "number",
    msgspec.inspect.BoolType: "true or false",
    msgspec.inspect.StrType: "text",
    msgspec.inspect.NoneType: "null",
    msgspec.inspect.AnyType: "any",
}


def _type(found: Any) -> str:
    match found:
        case msgspec.inspect.EnumType():
            return "one of " + ", ".join(f"`{x.value}`" for x in found.cls)
        case msgspec.inspect.LiteralType():
            return " or ".join(f"`{x}`" for x in found.values)
        case msgspec.inspect.UnionType():
            return " or ".join(_type(x) for x in found.types)
        case msgspec.inspect.DictType():
            return f"object: name to {_type(found.value_type)}"
        case msgspec.inspect.VarTupleType():
            return f"list of {_type(found.item_type)}"
        case msgspec.inspect.TupleType():
            return f"list: {', '.join(_type(x) for x in found.item_types)}"
        case msgspec.inspect.StructType() | msgspec.inspect.DataclassType():
            return f"[{found.cls.__name__}](#{found.cls.__name__.lower()})"
    return _WORDS[type(found)]


def _sentence(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": commands,
    "events.md": events,
    "metrics.md": metrics,
    "plan-format.md": plan_format,
    "seeds.md": seeds,
    "rules.md": lambda: rules.markdown(catalogue().values()),
    "fields.md": lambda: field_pages.markdown(fields()),
}
