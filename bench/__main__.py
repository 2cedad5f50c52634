"""``python -m bench [--runs N] [--out FOLDER] [scenario ...]``"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from bench import report, summary, table
from bench.measure import ROOT, commit, descendants, machine, today
from bench.programs import BenchError
from bench.scenario import Scenario, measure
from bench.scenarios import ALL


def main() -> int:
    """Measure, print the table, write the report; 1 when something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=", ".join(scenario.name for scenario in ALL))
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured; figures are medians")
    parser.add_argument("--out", type=Path, help="where the report goes (default: bench/report for all scenarios)")
    options = parser.parse_args()
    chosen = [kind() for kind in ALL if not options.scenarios or kind.name in options.scenarios]
    if unknown := set(options.scenarios) - {kind.name for kind in ALL}:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")

    for ending in (signal.SIGINT, signal.SIGTERM):  # a shell has what it starts in the background ignore the former
        signal.signal(ending, signal.default_int_handler)
    results = {
        "machine": machine(),
        "commit": commit(),
        "date": today(),
        "runs": options.runs,
        "scenarios": [_measured(scenario, options.runs) for scenario in chosen],
    }
    table.show(results)
    folder = options.out or (ROOT / "bench" / ("report" if len(chosen) == len(ALL) else ".build/report"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    summary.write(results, folder)
    print(f"The report: {report.write(results, folder)}")
    return int(any(scenario["error"] for scenario in results["scenarios"]))


def _measured(scenario: Scenario, runs: int) -> dict[str, object]:
    print(f"{scenario.name}: {scenario.title}", file=sys.stderr, flush=True)
    began = time.monotonic()
    error = None
    try:
        for progress in measure(scenario, runs):
            print(f"  {progress}", file=sys.stderr, flush=True)
    except BenchError as failed:
        error = str(failed)
        print(f"  failed: {error}", file=sys.stderr, flush=True)
    return scenario.result(time.monotonic() - began, error)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        for left in descendants(os.getpid()):  # what was just being started when the signal came
            with suppress(ProcessLookupError):
                os.kill(left, signal.SIGKILL)
        sys.exit(130)
