"""`source`: one file for each of its commands."""

import typer

from reconciler.cli.commands.source.check import source_check
from reconciler.cli.commands.source.diff import source_diff
from reconciler.cli.commands.source.index import source_index
from reconciler.cli.commands.source.preview import source_preview
from reconciler.cli.commands.source.retry import source_retry

source_app = typer.Typer(help="Profile sources.", no_args_is_help=True)
source_app.command("check")(source_check)
source_app.command("preview")(source_preview)
source_app.command("diff")(source_diff)
source_app.command("retry")(source_retry)
source_app.command("index")(source_index)
