"""Who runs this."""

import getpass
import os

from reconciler.model.actor import Actor


def who() -> str:
    """Who runs this, as the pipeline or the machine says."""
    if named := _first("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "CHANGE_AUTHOR"):
        return named
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = f"uid {os.getuid()}"
    return f"{user}@{os.uname().nodename}"


def this() -> Actor:
    """Who runs this, from which commit and in which job; a pipeline says so in its variables."""
    commit = _first("GITHUB_SHA", "CI_COMMIT_SHA", "BUILD_SOURCEVERSION", "GIT_COMMIT")
    return Actor(who(), commit, _job())


def _job() -> str:
    if server := os.environ.get("GITHUB_SERVER_URL"):
        run, repository = os.environ.get("GITHUB_RUN_ID", ""), os.environ.get("GITHUB_REPOSITORY", "")
        return f"{server}/{repository}/actions/runs/{run}" if run and repository else ""
    return _first("CI_JOB_URL", "BUILD_URL")


def _first(*names: str) -> str:
    return next((value for name in names if (value := os.environ.get(name))), "")
