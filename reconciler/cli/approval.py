"""The question before something is written."""

import signal
import sys

from reconciler.cli.output.console import say
from reconciler.errors import ApprovalRefused


def approve(question: str, *, auto: bool, help: str) -> None:  # noqa: A002 - the word of the errors
    """Ask.

    Raises:
        ApprovalRefused: the answer is not yes, or nobody can be asked.
    """
    if auto:
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ApprovalRefused("approval is required, and there is no terminal to ask on", help=help)
    # polars has Ctrl-C begin a read again that it breaks off: the question would stay until Enter.
    signal.siginterrupt(signal.SIGINT, True)
    try:
        say(f"{question} Only 'yes' is accepted: ")
        answer = input()
    except (KeyboardInterrupt, EOFError):
        say("\nNothing was written.")  # the cursor stands behind what was typed
        raise KeyboardInterrupt from None
    if answer.strip() != "yes":
        raise ApprovalRefused("not approved; nothing was written")
