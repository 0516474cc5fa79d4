"""What a shell proposes while a command is typed: addresses, datamarts, sources and environments of the local specs.

Reads files and nothing else; whatever goes wrong gives no proposal, since there is nowhere to say it.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.workflows.check import Checked

VARIABLE = "_RECONCILER_COMPLETE"  # set by the scripts of `--install-completion` and `--show-completion`
SHELLS = ("bash", "zsh", "fish")
_FLAGS = ("--show-completion", "--install-completion")
_ZSH_DEFINES = "compdef %(complete_func)s %(prog_name)s"
_ZSH_PROPOSES = f"""if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  %(complete_func)s "$@"
else
  {_ZSH_DEFINES}
fi"""
# Bash breaks words at `@` and `=`, which addresses and labels have inside, and replaces only the last part, its second argument.
_BASH_ASKS = """    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" \\
                   COMP_CWORD=$COMP_CWORD \\
"""
_BASH_WHOLE = """    local line=$COMP_LINE word i
    local -a whole=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i)) && [[ $line != [[:space:]]* ]]; then
            whole[-1]+=$word
        else
            whole+=("$word")
        fi
        line=${line#*"$word"}
    done
    local kept=${whole[-1]%%"$2"}
    COMPREPLY=( $( env COMP_WORDS="${whole[*]}" \\
                   COMP_CWORD=$((${#whole[@]} - 1)) \\
"""
_BASH_ENDS = "    return 0\n"
_BASH_BEHIND = """    COMPREPLY=( "${COMPREPLY[@]#"$kept"}" )
    return 0
"""
_FISH = "complete --command %(prog_name)s --exclusive"
_FISH_FOLDERS = f'{_FISH} --short-option C --arguments "(__fish_complete_directories)"'
# Behind these a file is never meant, though there may be nothing to propose.
_FISH_NAMED = ("-s l", "-l label", "-l target", "-l datamart", "-l environment", "-l details", "-l address")
_FISH_ASKS = (
    "(env %(autocomplete_var)s=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args "
    "_TYPER_COMPLETE_ARGS=(commandline -cp) %(prog_name)s)"
)
_FISH_NAMES = "\n".join(f'{_FISH} {option} --arguments "{_FISH_ASKS}"' for option in _FISH_NAMED)
_TYPED = ("COMP_WORDS", "_TYPER_COMPLETE_ARGS")

Proposals = Callable[[typer.Context, str], list[str]]


def words(environ: "os._Environ[str] | dict[str, str]") -> list[str] | None:
    """What is typed so far, without the program's name; None where no shell asks for proposals.

    Args:
        environ: environment variables.
    """
    if VARIABLE not in environ:
        return None
    return next((environ[name].split()[1:] for name in _TYPED if name in environ), [])


def asked(arguments: list[str]) -> bool:
    """True if the arguments ask for the completion of a shell that they name; then it is shown or installed.

    Args:
        arguments: of the command line.

    Raises:
        UsageError: there is none for that shell.
    """
    if len(arguments) < 2 or arguments[-2] not in _FLAGS:
        return False
    flag, shell = arguments[-2:]
    if shell not in SHELLS:
        raise UsageError(f"there is no completion for '{shell}'", help=f"known: {', '.join(SHELLS)}")
    from typer import _completion_shared as scripts

    shells_propose()
    if flag == "--show-completion":
        typer.echo(scripts.get_completion_script(prog_name="reconciler", complete_var=VARIABLE, shell=shell))
    else:
        _, path = scripts.install(shell=shell, prog_name="reconciler", complete_var=VARIABLE)
        typer.echo(
            f"{shell} completion installed in {path}\nCompletion will take effect once you restart the terminal"
        )
    return True


def shells_propose() -> None:
    """What the scripts of the library lack.

    Bash breaks words at `@` and `=`, and so asked for what stands behind them alone. Zsh loads the script of a command at its first Tab, and expects a proposal then, not a definition alone. Fish proposes files
    where nothing else is proposed, behind `-C` too, where a folder is meant.
    """
    with suppress(ImportError, AttributeError, KeyError):
        from typer import _completion_shared as scripts

        known = scripts._completion_scripts
        if _BASH_ASKS in known["bash"]:
            whole = known["bash"].replace(_BASH_ASKS, _BASH_WHOLE)
            known["bash"] = whole.replace(_BASH_ENDS, _BASH_BEHIND)
        if _ZSH_DEFINES in known["zsh"] and "loadautofunc" not in known["zsh"]:
            known["zsh"] = known["zsh"].replace(_ZSH_DEFINES, _ZSH_PROPOSES)
        if _FISH_FOLDERS not in known["fish"]:
            known["fish"] = f"{known['fish'].rstrip()}\n{_FISH_FOLDERS}\n{_FISH_NAMES}\n"


def zsh_reads_quotes() -> None:
    """Proposals stand in single quotes there, which two single quotes only interrupt: the one of a help was lost."""
    with suppress(ImportError, AttributeError):
        from typer._completion_classes import ZshComplete

        plain = ZshComplete.format_completion

        def formatted(shell: ZshComplete, item: Any) -> str:
            return plain(shell, item).replace("''", "'\\''")

        ZshComplete.format_completion = formatted  # type: ignore[assignment, method-assign]


def _of(found: Callable[["Checked"], Iterable[str]]) -> Proposals:
    def proposed(context: typer.Context, incomplete: str) -> list[str]:
        with suppress(Exception):
            from reconciler.workflows.check import check

            checked = check(folder_of(context), {}, os.environ, any_environment=True)
            return sorted(x for x in set(found(checked)) if x.startswith(incomplete))
        return []

    return proposed


def folder_of(context: typer.Context) -> Path:
    """The folder behind `-C`, as typed so far."""
    while context.parent is not None:
        context = context.parent  # type: ignore[assignment]
    return Path(context.params.get("directory") or ".")


def _addresses(checked: "Checked") -> Iterable[str]:
    desired = checked.desired()
    return (*desired.compartments, *desired.activations, *desired.loads)


addresses = _of(_addresses)
labels = _of(lambda checked: {f"{k}={v}" for found in checked.labels.values() for k, v in found.items()})
documents = _of(lambda checked: (f"{d.data['kind']}/{d.data['metadata']['name']}" for d in checked.documents))
loads = _of(lambda checked: checked.desired().loads)
datamarts = _of(lambda checked: checked.specs.datamarts)
prunable = _of(lambda checked: ("Activation", *(f"Activation@{name}" for name in checked.specs.datamarts)))
sources = _of(lambda checked: checked.specs.sources)


def topics(incomplete: str) -> list[str]:
    """What `explain` explains: codes and fields."""
    from reconciler.spec.catalogue import catalogue
    from reconciler.spec.fields import fields
    from reconciler.spec.row_codes import ROW_CODES

    known = [*catalogue(), *ROW_CODES, "fields", *(f.path for f in fields())]
    return sorted(x for x in known if x.startswith(incomplete))


def environments(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the environments of reconciler.yaml."""
    with suppress(Exception):
        from reconciler.model.address import WORKSPACE_FILE
        from reconciler.spec.documents import parse
        from reconciler.spec.find import content_of, workspace_file

        (workspace,), _ = parse(WORKSPACE_FILE, content_of(workspace_file(folder_of(context))))
        found = workspace.data["spec"].get("environments", {})
        return sorted(name for name in found if name.startswith(incomplete))
    return []
