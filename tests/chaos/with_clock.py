"""``python with_clock.py FILE … serve``: ``hubbub serve`` with a wall clock that is off by the seconds in a file.

What this process can change honestly: `time.time` and `time.time_ns`, which is where Hubbub reads the wall clock. The
monotonic clock stays, as it does when an administrator or NTP sets the time. Of the further words, which are what
`ServerProcess` runs otherwise, only the last counts.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

if __name__ == "__main__":
    file = Path(sys.argv[1])
    real_ns = time.time_ns

    def off_ns() -> int:
        """The time that the file makes it."""
        return real_ns() + int(float(file.read_text()) * 1e9)

    time.time_ns = off_ns
    time.time = lambda: off_ns() / 1e9

    from hubbub.cli.main import main

    sys.argv = ["hubbub", sys.argv[-1]]
    main()
