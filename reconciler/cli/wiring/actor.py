"""Who runs this."""

import getpass
import os


def who() -> str:
    """Who runs this, as the pipeline or the machine says."""
    for name in ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "CHANGE_AUTHOR"):
        if value := os.environ.get(name):
            return value
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = f"uid {os.getuid()}"
    return f"{user}@{os.uname().nodename}"
