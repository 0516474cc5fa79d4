"""The command line in a process of its own, without its start: a process that has imported everything forks each run.

Importing takes longer than most runs that tests make, and so does taking it all apart at the end; there are thousands. What is tested stays a real process: it has
its own session, can be killed at any time, and its end is seen. RECONCILER_TESTS_EXEC=1 starts Python for every run.
"""

import atexit
import contextlib
import gc
import importlib
import importlib.metadata
import io
import json
import os
import pkgutil
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from functools import cache
from pathlib import Path

START_TIMEOUT = 300.0  # everything is imported; many of them may begin at once
# These start threads, which do not survive a fork; runs that need them import them by themselves.
LEFT_OUT = ("polars", "obstore", "sqlalchemy", "uvicorn", "starlette")
# What a run loads where it needs it: the parser of schemas alone is 150 modules, for every plan that has a load.
LATE = ("graphql", "encodings.idna")


class Process:
    """A run; the part of `subprocess.Popen` that tests use."""

    def __init__(self, connection: socket.socket, out: int, err: int) -> None:
        self._connection, self._files = connection, (out, err)
        self._printed: list[str] = []
        self.pid = int(self._line())
        self.returncode: int | None = None

    def _line(self) -> bytes:
        data = b""
        while not data.endswith(b"\n"):
            more = self._connection.recv(1)
            if not more:
                raise RuntimeError("the process that starts runs has ended")
            data += more
        return data

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self.returncode if self.returncode is not None or not self._ended(0) else self.wait()

    def _ended(self, timeout: float | None) -> bool:
        poll = select.poll()  # select() knows no descriptor above 1,023
        poll.register(self._connection, select.POLLIN)
        return bool(poll.poll(None if timeout is None else timeout * 1000))

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended."""
        if self.returncode is None:
            if not self._ended(timeout):
                raise subprocess.TimeoutExpired("reconciler", timeout or 0)
            self.returncode = int(self._line())
            self._connection.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait; what it printed."""
        self.wait(timeout)
        for descriptor in self._files:
            os.lseek(descriptor, 0, os.SEEK_SET)
            with open(descriptor, encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
                self._printed.append(file.read())
        self._files = ()  # type: ignore[assignment]
        return self._printed[0], self._printed[1]

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def forget(self) -> None:
        """Nobody asks for what it printed."""
        for descriptor in self._files:
            os.close(descriptor)
        self._files = ()  # type: ignore[assignment]


@cache
def _starter() -> str:
    """Start the process that forks, once; the address of its socket. It ends with this process."""
    folder = tempfile.mkdtemp(prefix="rcl-zygote-", dir="/tmp")  # a socket's name has to be short
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    address = str(Path(folder) / "s")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("RECONCILER_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.zygote", address], stdin=subprocess.PIPE, env=clean
    )
    atexit.register(process.communicate)
    deadline = time.monotonic() + START_TIMEOUT
    while not Path(address).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the process that starts runs did not begin: {process.returncode}")
        time.sleep(0.01)
    return address


def start(arguments: list[str], environment: dict[str, str]) -> Process:
    """Run `reconciler ARGUMENTS`."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        files = [os.dup(out.fileno()), os.dup(err.fileno())]
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(_starter())
    body = json.dumps([arguments, environment, str(Path.cwd())]).encode()
    socket.send_fds(connection, [len(body).to_bytes(4, "big")], files)
    connection.sendall(body)
    return Process(connection, *files)


def command() -> list[str]:
    """What a shell or a program starts in place of `python -m reconciler`; the run has its files, folder and environment."""
    return [sys.executable, "-ISs", str(Path(__file__).with_name("forked.py")), _starter()]


def _serve(address: str) -> None:
    """Fork a run for every request; return in the process of a run."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{address}.new")
    listener.listen(64)
    Path(f"{address}.new").rename(address)  # there only once it can be reached
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if sys.stdin in ready:
            os._exit(0)
        connection, _ = listener.accept()
        if not os.fork():
            listener.close()
            return _begin(connection)
        connection.close()


def _begin(connection: socket.socket) -> None:
    """In a process that stands between: start the run, and say how it ended."""
    size, files, _, _ = socket.recv_fds(connection, 4, 3)
    body = b""
    while len(body) < int.from_bytes(size, "big"):
        body += connection.recv(65536)
    arguments, environment, folder = json.loads(body)
    pid = os.fork()
    if pid:
        for descriptor in files:
            os.close(descriptor)
        with contextlib.suppress(BrokenPipeError, ConnectionError):
            connection.sendall(b"%d\n" % pid)
            _, status = os.waitpid(pid, 0)
            connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
        os._exit(0)
    connection.close()
    os.setsid()
    if len(files) < 3:
        files.append(os.open(os.devnull, os.O_RDONLY))
    for here, there in zip(files, (1, 2, 0), strict=True):
        os.dup2(here, there)
        os.close(here)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["reconciler", *arguments]
    random.seed()


def _main() -> None:
    for module in pkgutil.walk_packages(importlib.import_module("reconciler").__path__, "reconciler."):
        if not module.name.startswith("reconciler.sandbox"):
            importlib.import_module(module.name)
    # Typer loads pydantic when it converts the first number; what it says of this one is not shown.
    from reconciler.cli.app import app

    for arguments in (["explain", "guard-changes", "--output", "json"], ["plan", "--parallelism", "0"]):
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            contextlib.suppress(SystemExit),
        ):
            app()(arguments)
    assert "pydantic" in sys.modules
    # So are the schema, its patterns and what is installed, once for all runs.
    from reconciler.workflows.check import check

    assert check(Path(__file__).parents[2] / "specs", {}, {}).ok
    importlib.metadata.version("msgspec")
    for name in LATE:
        importlib.import_module(name)
    _compile_patterns()
    loaded = [name for name in LEFT_OUT if name in sys.modules]
    assert not loaded, loaded
    sys.modules["__main__"] = sys.modules["reconciler.__main__"]  # what processes of a pool begin with
    gc.collect()
    gc.freeze()
    _serve(sys.argv[1])
    if "CRASH_LOG" in os.environ:
        from tests.support.crash import install

        install()
    from reconciler.cli.entry import run

    try:
        run()
    except SystemExit as e:
        _end(e.code)
        raise


def _compile_patterns() -> None:
    """Patterns are compiled where they are first used, which for these is nearly every run."""
    from reconciler import origin
    from reconciler.api.proxy import proxy
    from reconciler.cli.output.console import located, source_lines, work_in
    from reconciler.kinds import paths
    from reconciler.model.foreign import plain_json
    from reconciler.reports.folded import folded

    here = origin.Origin.parse("http://127.0.0.1:9/x")
    assert proxy(here) is None
    origin.masked_line(paths.shown("/v1/x"))
    paths.about_profiles("/v1/x")
    plain_json("é")
    work_in(Path("x"))
    folded(located("`reconciler plan`"), 80)
    work_in(Path())
    workspace = Path(__file__).parents[2] / "specs"
    source_lines(workspace)("reconciler.yaml", 1)


def _end(code: object) -> None:
    """End as the interpreter does, but for taking apart all that was imported, which costs more than many runs."""
    if isinstance(code, str):
        return
    threading._shutdown()  # type: ignore[attr-defined]  # waits for threads that are no daemons
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # the interpreter has an exit code of its own for that
        return
    os._exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    _main()
