"""Results as a run of the benchmark would leave them, made up: for tests, and for whoever works on its looks.

python -m tests.bench.made_up folder    write results.json there, and the page beside it
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from bench import report, table

SHARES = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9, 99.99)
SPANS = ((0.97, 1.0), (0.9, 0.96), (1.01, 1.08))
VIEWERS = (100, 300, 1000, 3000, 5000, 10000, 15000)


def figure(
    name: str,
    unit: str,
    values: list[float],
    must: tuple[str, float] | None = None,
    aim: tuple[str, float] | None = None,
) -> dict[str, Any]:
    """A figure, as it stands in the results."""
    return {"name": name, "unit": unit, "values": values, "must": must and [*must], "aim": aim and [*aim]}


def plot(title: str, x: str, y: str, lines: Mapping[str, Sequence[Sequence[float]]], *scales: str) -> dict[str, Any]:
    """A plot, as it stands in the results; ``scales`` names the logarithmic ones."""
    named = [{"name": name, "points": points} for name, points in lines.items()]
    return {"title": title, "x": x, "y": y, "log_x": "x" in scales, "log_y": "y" in scales, "lines": named}


def results() -> dict[str, Any]:
    """All that a page has to cope with: each verdict, many lines and few, a scenario that failed."""
    luck = Random(7)

    def curves(shapes: Mapping[str, Sequence[float]]) -> dict[str, list[list[float]]]:
        nines = [(share, -math.log10(1 - share / 100)) for share in SHARES]
        return {
            name: [[share, round(middle * (0.6 + share / 125) + tail * count**2, 3)] for share, count in nines]
            for name, (middle, tail) in shapes.items()
        }

    def rates(rate: float) -> list[list[float]]:
        points = []
        for viewers in VIEWERS:
            middle, least, most = (rate * (1 - 30 / viewers) * luck.uniform(*span) for span in SPANS)
            points.append([viewers, middle, least, most])
        return points

    def scenario(
        name: str, title: str, note: str, *figures: dict[str, Any], plots: tuple[dict[str, Any], ...] = ()
    ) -> dict[str, Any]:
        seconds = round(luck.uniform(20, 90), 1)
        about = {"name": name, "title": title, "note": note, "seconds": seconds, "error": None}
        return about | {"figures": [*figures], "plots": [*plots]}

    broken = scenario("memory", "Memory of 15,000 viewers who only listen", "")
    broken["error"] = "viewers had 0 to 3 comments instead of 12; 0 had other ones"
    crowds = {"Hubbub": rates(235e3), "C send loop": rates(249e3), "Nchan": rates(66e3), "sse-starlette": rates(53e3)}
    delays = {"Hubbub": (12, 1.4), "C send loop": (11, 0.9), "Nchan": (40, 5), "sse-starlette": (70, 22)}
    batched = {"Hubbub": (80, 18), "Hubbub, batch=1": (50, 12), "Hubbub, batch=1 and gzip": (55, 11)}
    connections = {f"{count} connections": (2 + count / 8, count / 30) for count in (1, 8, 32, 128, 256)}
    answers: list[list[float]] = [
        [500, 3.1, 2.9, 3.3],
        [1000, 3.6, 3.4, 4.4],
        [2000, 5.2, 4.8, 6.1],
        [4000, 9.9, 9, 12],
    ]
    answers.append([7000, 48, 38, 75])
    return {
        "machine": {
            "cpu": "Intel(R) Xeon(R) Processor @ 2.60GHz",
            "cores": 2,
            "memory_gib": 24,
            "kernel": "Linux 6.18",
            "os": "Debian GNU/Linux 12 (bookworm)",
            "python": "3.11.7",
            "hubbub": "0.4.0",
        },
        "commit": "7944fff+",
        "date": "2026-11-25",
        "runs": 3,
        "scenarios": [
            scenario(
                "frames",
                "One event to 5,000 viewers, back to back",
                "Format plain. The server has one core, the load the other.",
                figure("frames per CPU-second, beside the C loop", "×", [0.93, 0.95, 0.94], (">=", 0.85), (">=", 0.95)),
                figure("frames per CPU-second, beside Nchan", "×", [3.61, 3.74, 3.58], (">=", 2), (">=", 3)),
                figure("frames per CPU-second, beside sse-starlette", "×", [4.4, 4.72, 4.31], (">=", 3), (">=", 4)),
                figure("frames per CPU-second", "/s", [231874, 248102, 226310]),
                plots=(
                    plot("Frames written, by size of the crowd", "viewers", "frames per CPU-second", crowds, "x"),
                    plot("How late the frames are", "percentile", "milliseconds", curves(delays), "y"),
                ),
            ),
            scenario(
                "batch",
                "A busy chat: 20 comments a tick to 10,000 viewers",
                "Hubbub only: no peer has batches.",
                figure("comments delivered", "/s", [1912340, 2043112, 1987001], (">=", 1e6), (">=", 2e6)),
                figure("bytes a comment, gzip beside plain", "×", [0.31, 0.31, 0.312], ("<=", 0.35), ("<=", 0.3)),
                figure("delay, p99", "ms", [225.1, 231.9, 219.4], ("<=", 200), ("<=", 100)),
                plots=(plot("Delay from post to viewer", "percentile", "milliseconds", curves(batched)),),
            ),
            scenario(
                "posts",
                "Posts, each synced to disk before its answer",
                "SQLite, synchronous=FULL, 200 posters.",
                figure("posts", "/s", [7411, 7520, 7105], (">=", 5000), (">=", 8000)),
                figure("answered, p50", "ms", [18.2, 17.9, 19.0]),
                figure("answered, p99.9", "ms", [71.2, 64.0, 140.7], ("<=", 250), ("<=", 100)),
                figure("accepted and then not in the history", "", [0, 0, 0], ("==", 0)),
                plots=(
                    plot("Time to the answer", "posts/s", "milliseconds, p99", {"Hubbub": answers}),
                    plot("Time to the answer", "percentile", "ms", curves(connections), "y"),
                ),
            ),
            broken,
            scenario(
                "idle",
                "Nobody says anything",
                "",
                figure("CPU of 15,000 idle viewers", "%", [0.42, 0.4, 0.45], ("<=", 2), ("<=", 0.5)),
                figure("memory of an idle viewer", "KB", [2.1, 2.1, 2.2], ("<=", 20), ("<=", 3)),
            ),
        ],
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(results(), indent=1))
    report.write(results(), folder)
    table.show(results())
