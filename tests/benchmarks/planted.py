"""Every scenario of planted secrets: python -m tests.benchmarks.planted [PART OF A NAME ...]

Prints for each how many were planted and found, and the sums.
"""

import sys
import tempfile
from pathlib import Path

from tests.support.planted import LOCAL, REMOTE, run


def main() -> int:
    planted = found = scenarios = 0
    for scenario in (*LOCAL, *REMOTE):
        if sys.argv[1:] and not any(part in scenario.name for part in sys.argv[1:]):
            continue
        with tempfile.TemporaryDirectory() as folder:
            number, leaks = run(scenario, Path(folder))
        planted, found, scenarios = planted + number, found + len(leaks), scenarios + 1
        print(f"{scenario.name:80} {number:5} planted {len(leaks):4} found", flush=True)
        for leak in leaks[:6]:
            print(f"    {leak[:300]}", flush=True)
    print(f"{scenarios} scenarios: {planted:,} planted, {found:,} found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
