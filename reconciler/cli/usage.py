"""What a command line that makes no sense is answered: in plain words, with the command or flag that was meant. Pure."""

import re
import shlex
from collections.abc import Collection, Sequence
from difflib import SequenceMatcher

from reconciler.whole import whole

_NO_COMMAND = re.compile(r"No such command '([^']*)'\.(.*)", re.DOTALL)
_NO_OPTION = re.compile(r"No such option: (\S+)(.*)", re.DOTALL)
_POSSIBLE = re.compile(r"\(Possible options: ([^)]*)\)|Did you mean ([^?]*)\?")
_LIBRARY = re.compile(r"\bValue error, ")  # of the library that converts values; says nothing to a user
_WORDS = (
    (re.compile(r"Input should be a valid integer\b.*", re.DOTALL), "must be a whole number"),
    (re.compile(r"Input should be a valid number\b.*", re.DOTALL), "must be a number"),
    (re.compile(r"Input should be greater than or equal to (\S+)"), r"must be at least \1"),
    (re.compile(r"Input should be less than or equal to (\S+)"), r"must be at most \1"),
)
_ONE_DASH = re.compile(r"-([a-z][a-z-]+)(?:=(.*))?", re.DOTALL)  # a long flag as Terraform has it
_OF_ADDRESSES = ("--target", "--details", "--reload", "--address")
_FLAG = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
_NEAR = 0.72  # of the letters of two names are the same, in order
_CHECKS = "`reconciler validate` checks specs, `reconciler source check NAME` reads a source"
_HAPPENED = "`reconciler runs` shows what happened"
_PRUNES = "`reconciler plan --prune Activation` removes what no spec declares"
_UNDOES = "`reconciler runs show RUN --inverse FILE` saves the plan that undoes a run"
_LIMITS = "--target ADDRESS, --datamart SET and -l KEY=VALUE limit a plan"
_FOLDER = "-C names the workspace, before the command: reconciler -C DIR COMMAND"
_APPROVES = "--auto-approve applies without asking"
_READS = "nothing has to be refreshed: `reconciler plan` reads the platform each time"
_NO_VARIABLES = "specs have no variables: an overlay changes fields in one environment (--environment NAME)"
_SHOWS_REQUESTS = "--verbose shows each request, with commands that talk to the platform"
# Names that other tools have for what this one does; of two words where the first is a command of ours.
_COMMANDS = {
    "build": "`reconciler apply` carries out a plan",
    "check": _CHECKS,
    "compile": "`reconciler render` shows specs after overlays and sets",
    "debug": "`reconciler doctor` checks what a run needs",
    "delete": _PRUNES,
    "destroy": _PRUNES,
    "docs": "the manual begins at docs/index.md; `reconciler explain` explains codes and fields",
    "dump": "`reconciler export` writes specs for what exists",
    "fmt": "specs keep the format that they are written in",
    "force-unlock": "`reconciler unlock ID` releases the lock of a dead run",
    "format": "specs keep the format that they are written in",
    "history": _HAPPENED,
    "import": "`reconciler export` writes specs for what exists, `reconciler apply` loads profiles",
    "lint": "`reconciler validate` checks specs",
    "list": "`reconciler render` shows what specs declare, `reconciler runs` the runs",
    "load": "`reconciler apply --only loads` loads profiles",
    "log": _HAPPENED,
    "login": "the token comes from RECONCILER_TOKEN, --token-file, or `token:` in reconciler.yaml; `reconciler doctor` checks it",
    "logs": _HAPPENED,
    "ls": "`reconciler render` shows what specs declare, `reconciler runs` the runs",
    "output": "`reconciler runs show -o json` has the outcome of each action",
    "preview": "`reconciler plan` shows what apply would do, `reconciler source check NAME --show 5` the first commands of a source",
    "refresh": _READS,
    "retry": "`reconciler resume` continues a run, `reconciler source retry NAME --failed-lines` sends failed commands again",
    "revert": _UNDOES,
    "rollback": _UNDOES,
    "run": "`reconciler apply` carries out a plan, `reconciler runs` and `reconciler runs show` show what happened",
    "state": f"there is no state file: `reconciler plan` compares specs with the platform, and {_HAPPENED}",
    "status": "`reconciler drift` shows what differs, `reconciler runs` what happened",
    "sync": "`reconciler apply` makes the platform what the specs say",
    "taint": "`reconciler plan --reload ADDRESS` loads the same content again",
    "test": "`reconciler validate` checks specs, and docs/testing.md says how pytest does",
    "undo": _UNDOES,
    "version": "`reconciler --version` shows the version",
    "workspace": "--environment NAME chooses an environment, -C DIR a workspace",
    "runs list": "`reconciler runs` lists the runs",
    "runs last": "`reconciler runs show` shows the newest run",
    "sandbox start": "with `endpoint: sandbox:` the first command that needs it starts it; `reconciler sandbox serve` starts one on a port",
    "source freshness": "`reconciler source check NAME` reads a source, `reconciler runs --address ADDRESS` shows its loads",
    "source list": "`reconciler render` shows what specs declare",
    "source load": "`reconciler apply --only loads` loads profiles",
}
_OPTIONS = {
    "--chdir": _FOLDER,
    "--config": _FOLDER,
    "--config-file": _FOLDER,
    "--destroy": _PRUNES,
    "--doit": f"`reconciler apply` carries out a plan; {_APPROVES}",
    "--debug": _SHOWS_REQUESTS,
    "--dry-run": "`reconciler plan` shows what apply would do, and writes nothing",
    "--env": "--environment NAME chooses an environment",
    "--exclude": _LIMITS,
    "--force": f"{_APPROVES}, --allow overrides a guard with a reason",
    "clean --force": "--remove removes what no load needs",
    "init --force": "init never overwrites: rename or remove the file first",
    "unlock --force": "`reconciler unlock ID` releases the lock of any run; it asks nothing",
    "--format": "-o FORMAT chooses the format",
    "--full-refresh": "--reload ADDRESS loads the same content again",
    "--json": "-o json writes JSON",
    "--project-dir": _FOLDER,
    "--refresh": _READS,
    "--refresh-only": "`reconciler drift` shows what changed on the platform since the last apply",
    "--replace": "--reload ADDRESS loads the same content again",
    "--select": _LIMITS,
    "--token": "a token is never a flag's value: RECONCILER_TOKEN, --token-file, or `token:` in reconciler.yaml",
    "--var": _NO_VARIABLES,
    "--var-file": _NO_VARIABLES,
    "--vars": _NO_VARIABLES,
    "--verbose": "--verbose belongs to commands that talk to the platform",
    "--wave": "a plan has all waves; `reconciler apply FILE --wave NAME` carries out one",
    "--yes": _APPROVES,
    "-C": "-C goes before the command: reconciler -C DIR COMMAND",
    "-V": "`reconciler --version` shows the version",
    "-s": _LIMITS,
    "-v": _SHOWS_REQUESTS,
    "-y": _APPROVES,
}


def told(
    message: str, path: str = "reconciler", arguments: Sequence[str] = (), known: Collection[str] = ()
) -> tuple[str, str]:
    """What is wrong, and what to do.

    Args:
        message: what the library says that reads the command line.
        path: the command as typed, such as `reconciler plan`.
        arguments: as given.
        known: the flags of that command.
    """
    message, see = _plain(message), _see(path)
    if message.startswith(("Invalid value for 'RUN'", "Invalid value for '[RUN]'")):
        return "RUN must be the number of a run", "`reconciler runs` lists the runs"
    for flag in filter(None, map(_ONE_DASH.fullmatch, arguments)):
        long = f"--{flag[1]}"
        if long in (*known, *_OPTIONS, "--help"):
            there = long in (*known, "--help")
            meant = _meant(long, path, known) or (_two_dashes(long, flag[2]) if there else see)
            return f"No such option: -{flag[1]}", meant
    if found := _NO_COMMAND.fullmatch(message):
        return _no_command(found, path, see)
    if found := _NO_OPTION.fullmatch(message):
        return _no_option(found, path, see, arguments, known)
    return message, see


def _two_dashes(flag: str, value: str | None) -> str:
    """How a flag with one dash is written, with its value; an address of Terraform is none here."""
    if flag in _OF_ADDRESSES and value is not None and "/" not in value:
        value = f"Compartment/{value.rpartition('.')[2]}"
    given = "" if value is None else f"={shlex.quote(value)}" if value.isprintable() else "=VALUE"
    return f"flags of more than one letter have two dashes: {flag}{given}"


def _plain(message: str) -> str:
    """Without what the library says of itself."""
    message = _LIBRARY.sub("", message)
    for found, words in _WORDS:
        message = found.sub(words, message)
    return message


def _see(path: str) -> str:
    return (
        f"see `{path} --help`" if " " in path else "see `reconciler --help`, or `reconciler COMMAND --help`"
    )


def _no_command(found: re.Match[str], path: str, see: str) -> tuple[str, str]:
    name, group = found[1], path.partition(" ")[2]
    if group == "runs" and whole(name) is not None:
        return f"No such command '{name}'.", f"`reconciler runs show {name}` shows a run"
    if meant := _COMMANDS.get(f"{group} {name}".strip()):
        return f"No such command '{name}'.", meant
    near = _near(name, found[2])
    if not near and not group and _alike(name, "help"):  # which is no command of the library's
        near = " Did you mean 'help'?"
    return f"No such command '{name}'.{near}", see


def _meant(flag: str, path: str, known: Collection[str]) -> str | None:
    """What a flag of another tool is here; nothing where the command has not the flags that this names."""
    meant = _OPTIONS.get(f"{path.partition(' ')[2]} {flag}") or _OPTIONS.get(flag)
    named = _FLAG.findall(re.sub(r"`[^`]*`", "", meant or ""))
    return meant if all(x in known or x == "-C" or x == flag for x in named) else None


def _no_option(
    found: re.Match[str], path: str, see: str, arguments: Sequence[str], known: Collection[str]
) -> tuple[str, str]:
    if meant := _meant(found[1], path, known):
        return f"No such option: {found[1]}", meant
    typed = next(
        (f"-{x[1]}" for x in map(_ONE_DASH.fullmatch, arguments) if x and x[0][:2] == found[1]), found[1]
    )
    near = _near(typed, found[2])
    if not near and " " not in path and any(not x.startswith("-") for x in arguments):
        see = f"flags of a command go after it: reconciler COMMAND {typed}"
    return f"No such option: {typed}{'.' if near else ''}{near}", see


def _near(typed: str, proposed: str) -> str:
    """Of what the library proposes what is near enough to be a slip of the finger."""
    if not (found := _POSSIBLE.search(proposed)):
        return ""
    names = re.findall(r"[\w-]+", (found[1] or found[2]).replace(" or ", " "))
    near = [x for x in names if _alike(typed.lstrip("-"), x.lstrip("-"))]
    return f" Did you mean {' or '.join(_quoted(x) for x in near)}?" if near else ""


def _alike(typed: str, name: str) -> bool:
    return SequenceMatcher(None, typed, name).ratio() >= _NEAR


def _quoted(name: str) -> str:
    return name if name.startswith("-") else f"'{name}'"
