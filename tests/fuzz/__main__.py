"""`make fuzz`: every target for its share of the time; what was tried and covered, and how to replay what was found.

python -m tests.fuzz [--seconds 600] [TARGET ...]
"""

from __future__ import annotations

import argparse
import pkgutil
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.fuzz import targets
from tests.fuzz.one import GUIDED, load

FOLDER = Path(".fuzz")
_STATUS = re.compile(r"#(\d+)\s+(\w+)(?:.*cov: (\d+))?(?:.*corp: (\d+))?")
_TOTAL = re.compile(r"stat::number_of_executed_units:\s+(\d+)")


def names() -> list[str]:
    """Every target."""
    return sorted(module.name for module in pkgutil.iter_modules(targets.__path__))


class Progress:
    """A target's line, told anew every few seconds."""

    def __init__(self, name: str) -> None:
        self.tried = self.covered = self.kept = 0
        self._name = name
        self._began = self._told = time.monotonic()

    def read(self, line: str) -> None:
        """Take what a line of the fuzzer says."""
        if found := _STATUS.match(line):
            self.tried = int(found[1])
            self.covered, self.kept = int(found[3] or self.covered), int(found[4] or self.kept)
        elif found := _TOTAL.match(line):
            self.tried = int(found[1])
        if time.monotonic() - self._told > 10:
            self.tell()

    def tell(self, ending: str = "") -> None:
        """Print it."""
        self._told = time.monotonic()
        seconds = self._told - self._began
        coverage = f"coverage {self.covered:5}  corpus {self.kept:4}" if self.covered else "by chance"
        rate = self.tried / max(seconds, 0.001)
        print(
            f"{self._name:17} {seconds:4.0f} s  {self.tried:9} inputs ({rate:7.0f}/s)  {coverage}{ending}", flush=True
        )


def fuzz(name: str, seconds: int) -> bool:
    """Run one target; False for a finding, after saying what and how to see it again."""
    folder = FOLDER / name
    known = set(folder.glob("*-*"))
    command = [sys.executable, "-m", "tests.fuzz.one", name]
    progress, said = Progress(name), []
    with subprocess.Popen([*command, str(seconds), str(folder)], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            progress.read(line)
            if not line.startswith(("#", "INFO:", "stat::", "WARNING: Failed to find")):
                said.append(line)
    if not process.returncode:
        progress.tell()
        return True
    progress.tell("  FOUND")
    print("".join(said[-60:]))
    for found in sorted(set(folder.glob("*-*")) - known):
        print(f"{name}: {found.read_bytes()[:500]!r}\nTo see it again: {' '.join(command)} {found}\n", flush=True)
    return False


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="for all targets together")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of: {', '.join(names())}; none: all")
    given = parser.parse_args()
    if unknown := set(given.targets) - set(names()):
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    chosen = given.targets or names()
    if not GUIDED:
        print("atheris is not installed, so inputs are made by chance, and nothing is known of coverage.")
    weights = {name: getattr(load(name), "WEIGHT", 1) for name in chosen}
    share = given.seconds / sum(weights.values())
    sound = [fuzz(name, max(round(share * weights[name]), 1)) for name in chosen]
    sys.exit(None if all(sound) else 1)


if __name__ == "__main__":
    main()
