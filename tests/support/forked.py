"""`reconciler` for shells and programs: a run of the process that forks them, with the files, the folder and the environment of this one.

Started as `python -ISs forked.py SOCKET ARGUMENTS`, which takes hundredths of a second; see tests/support/zygote.py.
"""

import json
import os
import signal
import socket
import sys


def main() -> None:
    """Ask for the run, pass signals on, and end as it ended."""
    address, *arguments = sys.argv[1:]
    body = json.dumps([arguments, dict(os.environ), os.getcwd()]).encode()  # noqa: PTH109 - pathlib takes longer than the rest
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(address)
    socket.send_fds(connection, [len(body).to_bytes(4, "big")], [1, 2, 0])
    connection.sendall(body)
    answers = connection.makefile("rb")
    pid = int(answers.readline())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: os.kill(pid, number))
    code = int(answers.readline())
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
