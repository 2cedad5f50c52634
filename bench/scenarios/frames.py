"""One event to everybody, back to back: what a frame costs, beside a bare C loop and beside others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bench.measure import cpu_seconds
from bench.peers import nchan, plain_python
from bench.peers.floor import Floor
from bench.peers.nchan import Nchan
from bench.peers.plain_python import SseStarlette
from bench.programs import Watch
from bench.scenario import Scenario
from bench.targets import Hubbub, Target

VIEWERS = 5_000
CROWDS = (500, 2_000, 5_000, 10_000)
SWEEPS = 200

AT_ONCE = {"HUBBUB_TICK_MIN": "1ms", "HUBBUB_TICK_MAX": "1ms"}
"""Back to back means that Hubbub must not gather: by itself it leaves half of the time to others."""


class Frames(Scenario):
    name = "frames"
    title = f"Frames written per CPU-second of the server: one event to {VIEWERS:,} viewers, back to back"
    note = (
        "format plain; one comment a frame, posted when the last viewer has the one before; the CPU time includes "
        "accepting the post. Hubbub with HUBBUB_TICK_MAX=1ms, and durable; the C loop, Nchan and sse-starlette store "
        "nothing; sse-starlette with a tenth of the sweeps"
    )

    def run(self, folder: Path) -> None:
        with Hubbub(folder / "frame") as hubbub:
            frame = hubbub.captured_frame("v")
        kinds: list[Callable[[Path], Target]] = [
            lambda place: Floor(place, frame),
            lambda place: Hubbub(place, **AT_ONCE),
        ]
        if not nchan.missing():
            kinds.append(Nchan)
        found: dict[str, list[tuple[float, float]]] = {}
        for viewers in CROWDS:
            for kind in kinds:  # one beside the other: what the machine does besides changes by the minute
                target = kind(folder / f"{viewers}-{kinds.index(kind)}")
                frames = self._frames(target, viewers, SWEEPS * VIEWERS // viewers)
                found.setdefault(target.name, []).append((float(viewers), frames))
        for name, points in found.items():
            self.line("Frames per CPU-second", name, points, x="viewers", y="frames per CPU-second")
        at_once = {name: dict(points)[VIEWERS] for name, points in found.items()}
        ours = at_once[Hubbub.name]
        self.figure("Hubbub beside the C loop", "×", ours / at_once[Floor.name], must=(">=", 0.85), aim=(">=", 0.95))
        if Nchan.name in at_once:
            self.figure("Hubbub beside Nchan", "×", ours / at_once[Nchan.name], must=(">=", 2), aim=(">=", 3))
            self.figure("the C loop beside Nchan", "×", at_once[Floor.name] / at_once[Nchan.name])
        if not plain_python.missing():
            theirs = self._frames(SseStarlette(folder / "sse"), VIEWERS, SWEEPS // 10)
            self.line("Frames per CPU-second", SseStarlette.name, [(VIEWERS, theirs)])
            self.figure("Hubbub beside sse-starlette", "×", ours / theirs, must=(">=", 4), aim=(">=", 6))

    def _frames(self, target: Target, viewers: int, sweeps: int) -> float:
        """Frames per CPU-second."""
        with target, Watch(target.port, target.folder, [target.watching("v")] * viewers, target.posting("v")) as crowd:
            crowd.open()
            crowd.volley(10)
            crowd.mark()
            before = cpu_seconds(target.pids)
            read = crowd.volley(sweeps)
            used = cpu_seconds(target.pids) - before
            read.must_be_whole(sweeps, first=11)
            if viewers == VIEWERS:
                self.figure(f"{target.name}: frames per CPU-second", "/s", read.deliveries / used)
            return read.deliveries / used
