"""How the help of a group of commands looks: commands in groups, no line cut."""

from typing import TYPE_CHECKING

from reconciler.cli.values import Group

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

OTHERS = "Commands"
GROUPS = {
    "Begin": ("init", "demo", "doctor", "explain"),
    "Specs": ("validate", "render", "config", "schema", "export", "adopt"),
    "Plan and apply": ("plan", "show", "diff", "apply", "resume", "rollout"),
    "Profiles": ("source",),
    "See what happened": ("runs", "drift", "watch"),
    "Upkeep and rehearsal": ("unlock", "clean", "conformance", "sandbox"),
}


class Grouped(Group):
    """Commands under headings, where they have some; their first sentence is wrapped and never cut."""

    def format_options(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the flags, then the commands, then the flags that set up completion.

        Args:
            ctx: of the command whose help it is.
            formatter: writes.
        """
        rows: dict[bool, list[tuple[str, str]]] = {False: [], True: []}
        for param in self.get_params(ctx):
            if (record := param.get_help_record(ctx)) is not None:
                rows[(param.name or "").endswith("_completion")].append(record)
        with formatter.section("Options"):
            formatter.write_dl(rows[False])
        self.format_commands(ctx, formatter)
        if rows[True]:
            with formatter.section("Completion in the shell"):
                formatter.write_dl(rows[True])

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the lists of commands.

        Args:
            ctx: of the command whose help it is.
            formatter: writes.
        """
        rows: dict[str, list[tuple[str, str]]] = {}
        heads = {name: head for head, names in GROUPS.items() for name in names} if ctx.parent is None else {}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                told = command.get_short_help_str()
                rows.setdefault(heads.get(name, OTHERS), []).append((name, told))
        for head in (*GROUPS, OTHERS):
            if head in rows:
                with formatter.section(head):
                    formatter.write_dl(sorted(rows[head], key=lambda r: _place(head, r[0])))


def _place(head: str, name: str) -> int:
    return GROUPS[head].index(name) if head in GROUPS else 0
