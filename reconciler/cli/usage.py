"""What a command line that makes no sense is answered: in plain words, with the command or flag that was meant. Pure."""

import re

_NO_COMMAND = re.compile(r"No such command '([^']*)'\.(.*)", re.DOTALL)
_NO_OPTION = re.compile(r"No such option: (\S+)(.*)", re.DOTALL)
_POSSIBLE = re.compile(r"\(Possible options: ([^)]*)\)")
_LIBRARY = re.compile(r"\bValue error, ")  # of the library that converts values; says nothing to a user
# Names that other tools have for what this one does.
_COMMANDS = {
    "help": "`reconciler --help` lists the commands",
    "version": "`reconciler --version` shows the version",
    "import": "`reconciler export` writes specs for what exists, `reconciler apply` loads profiles",
    "load": "`reconciler apply --only loads` loads profiles",
    "sync": "`reconciler apply` makes the platform what the specs say",
    "run": "`reconciler apply` carries out a plan",
    "destroy": "`reconciler plan --prune Activation` removes what no spec declares",
    "status": "`reconciler drift` shows what differs, `reconciler runs` what happened",
    "history": "`reconciler runs` shows what happened",
    "preview": "`reconciler plan` shows what apply would do, `reconciler source check NAME --show 5` the first commands of a source",
    "refresh": "nothing has to be refreshed: `reconciler plan` reads the platform each time",
    "login": "the token comes from RECONCILER_TOKEN, --token-file, or `token:` in reconciler.yaml; `reconciler doctor` checks it",
    "test": "`reconciler validate` checks specs, and docs/testing.md says how pytest does",
    "lint": "`reconciler validate` checks specs",
    "fmt": "specs keep the format that they are written in",
    "format": "specs keep the format that they are written in",
}
_OPTIONS = {
    "--dry-run": "`reconciler plan` shows what apply would do, and writes nothing",
    "--yes": "--auto-approve applies without asking",
    "-y": "--auto-approve applies without asking",
    "--force": "--auto-approve applies without asking, --allow overrides a guard with a reason",
    "--env": "--environment NAME chooses an environment",
    "--json": "-o json writes JSON",
    "--format": "-o FORMAT chooses the format",
    "--verbose": "--verbose belongs to commands that talk to the platform",
    "-C": "-C goes before the command: reconciler -C DIR COMMAND",
    "--token": "a token is never a flag's value: RECONCILER_TOKEN, --token-file, or `token:` in reconciler.yaml",
}
_SEE = "see `reconciler --help`, or `reconciler COMMAND --help`"


def told(message: str) -> tuple[str, str]:
    """What is wrong, and what to do.

    Args:
        message: what the library says that reads the command line.
    """
    message = _LIBRARY.sub("", message)
    if found := _NO_COMMAND.fullmatch(message):
        meant = _COMMANDS.get(found[1])
        return (f"No such command '{found[1]}'." if meant else message, meant or _SEE)
    if found := _NO_OPTION.fullmatch(message):
        meant = _OPTIONS.get(found[1])
        if meant is None and (near := _POSSIBLE.search(found[2])):
            return (f"No such option: {found[1]}. Did you mean {near[1].replace(', ', ' or ')}?", _SEE)
        return (f"No such option: {found[1]}" if meant else message, meant or _SEE)
    return message, _SEE
