"""Very many files are read by processes; a parent whose libraries have threads does not make them wait for ever."""

import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import os, sys
from pathlib import Path
from reconciler.spec import files, find

def state(s):
    return find.State(s.st_size, s.st_ino, s.st_mtime_ns, s.st_ctime_ns)


def main():
    import polars
    polars.DataFrame({"a": range(100_000)}).lazy().sum().collect()
    os.cpu_count = lambda: 2
    os.register_at_fork(after_in_child=lambda: os._exit(9))
    paths = sorted(Path(sys.argv[1]).iterdir())
    found = files.read_all([find.SpecFile(str(p), p.name, state(p.stat())) for p in paths])
    print(len(found))

if __name__ == "__main__":
    main()
"""


def test_files_are_read_by_processes_that_are_not_forked(tmp_path: Path) -> None:
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
        [sys.executable, script, folder], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "600\n"
