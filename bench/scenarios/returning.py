"""``kill -9`` while ten thousand watch, and all of them back at once."""

from __future__ import annotations

import time
from pathlib import Path

from bench.programs import Ask, BenchError, Read, Watch
from bench.scenario import Scenario
from bench.targets import Hubbub

VIEWERS = 10_000
BEFORE, AFTER = 50, 50


class Returning(Scenario):
    name = "returning"
    title = f"{VIEWERS:,} viewers return at once after kill -9 and restart, resuming"
    note = (
        f"from the start of the new process until every viewer has all {BEFORE + AFTER} comments, each once, {AFTER} "
        "of which were posted while they returned; format plain; they come as soon as it listens, with Last-Event-ID"
    )

    def run(self, folder: Path) -> None:
        target = Hubbub(folder / "hubbub")
        with target, Watch(target.port, folder, [target.watching("v")] * VIEWERS) as crowd:
            crowd.resume(VIEWERS)
            crowd.open()
            crowd.mark()
            post = [target.posting("v")]
            Ask(target.port, folder, post, connections=4, seconds=1, rate=BEFORE).result().must_be_all(201)
            crowd.wait(BEFORE, 10).must_be_whole(BEFORE)
            crowd.tell(f"wait {BEFORE + AFTER} 30")
            target.kill()
            began = time.monotonic()
            target.start()
            Ask(target.port, folder, post, connections=4, seconds=1, rate=AFTER, first=BEFORE).result().must_be_all(201)
            read = Read(crowd.answer())
            took = time.monotonic() - began
            if read.resets:
                raise BenchError(f"{read.resets} viewers were told reset")
            read.must_be_whole(BEFORE + AFTER)
        self.figure("all exact after", "s", took, must=("<=", 8), aim=("<=", 4))
