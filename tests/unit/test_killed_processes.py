"""A command that is killed while it has processes says nothing: what it leaves is tidied up without a word."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

SCRIPT = """
import os, signal
from concurrent.futures import ProcessPoolExecutor
from reconciler.cli.wiring.processes import _processes
pool = ProcessPoolExecutor(1, mp_context=_processes())
print(pool.submit(os.getpid).result(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_leaves_no_words_of_python(tmp_path: Path) -> None:
    told, said = tmp_path / "told", tmp_path / "said"
    with told.open("wb") as out, said.open("wb") as err:
        done = subprocess.run([sys.executable, "-c", SCRIPT], stdout=out, stderr=err, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    with suppress(ProcessLookupError):
        os.kill(int(told.read_text()), signal.SIGKILL)
    time.sleep(1.0)  # the one that tidies up has as long to say something
    assert said.read_text() == ""
