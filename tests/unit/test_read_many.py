"""Very many files are read by processes: forked from a process of one thread, else started anew, so that none waits for ever."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

_SCRIPT = """
import os, sys
from pathlib import Path
from reconciler.spec import files, find

def state(s):
    return find.State(s.st_size, s.st_ino, s.st_mtime_ns, s.st_ctime_ns)


def main():
    if sys.argv[2] == "polars":
        import polars
        polars.DataFrame({"a": range(100_000)}).lazy().sum().collect()
    if sys.argv[2] == "thread":
        import threading
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    os.cpu_count = lambda: 2
    os.register_at_fork(after_in_child=lambda: print("forked", flush=True))
    paths = sorted(Path(sys.argv[1]).iterdir())
    found = files.read_all([find.SpecFile(str(p), p.name, state(p.stat())) for p in paths])
    print(len(found))

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize(("beside", "forked"), [("nothing", True), ("thread", False), ("polars", False)])
def test_only_a_process_of_one_thread_is_forked(beside: str, forked: bool, tmp_path: Path) -> None:
    folder = tmp_path / "specs"
    folder.mkdir()
    for i in range(600):
        text = (
            f"apiVersion: reconciler/v1\nkind: Compartment\nmetadata: {{name: c{i}}}\nspec: {{token: t{i}}}\n"
        )
        (folder / f"c{i}.yaml").write_text(text)
    script = tmp_path / "reads.py"
    script.write_text(_SCRIPT)
    done = subprocess.run(
        [sys.executable, script, folder, beside], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert ("forked" in done.stdout, done.stdout.splitlines()[-1]) == (forked, "600")
