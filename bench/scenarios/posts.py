"""Posting as fast as answers come: each durable, published, checked against a token and three limits."""

from __future__ import annotations

from pathlib import Path

from bench.measure import cpu_seconds
from bench.programs import Ask
from bench.scenario import Scenario
from bench.targets import SECRET, Hubbub
from hubbub.comments.identity import mint_token

CONNECTIONS = (1, 4, 16, 64, 256)
THE_ONE = 64
POSTERS = 500
SECONDS = 4.0


class Posts(Scenario):
    name = "posts"
    title = f"Durable posts/s on {THE_ONE} connections"
    note = (
        f"SQLite, synchronous=FULL; {POSTERS} users with a JWT each; limits on, not reached; published to the live "
        "log; the server on one core"
    )

    def run(self, folder: Path) -> None:
        points = []
        for connections in CONNECTIONS:
            with Hubbub(folder / f"hubbub-{connections}") as target:
                tokens = [mint_token(SECRET, f"user{number}", None, ("post",), 7200) for number in range(POSTERS)]
                requests = [target.posting_as(token, "v") for token in tokens]
                Ask(target.port, folder, requests, connections=connections, seconds=1).result()
                before = cpu_seconds(target.pids)
                asking = Ask(target.port, folder, requests, connections=connections, seconds=SECONDS, first=100_000)
                asked = asking.result().must_be_all(201)
                used = cpu_seconds(target.pids) - before
            rate = asked.answered / asked.seconds
            points.append((float(connections), rate))
            if connections == THE_ONE:
                self.figure("durable posts/s", "/s", rate, must=(">=", 8_000), aim=(">=", 12_000))
                self.figure("… p99", "ms", asked.latency.at(99))
                self.figure("… CPU for each", "µs", used / asked.answered * 1e6)
                self.figure("… the load's share of its core", "", asked.cpu_share)
            if connections > 1:
                self.latency("Post to answer", f"{connections} connections", asked.latency)
        self.line("Posts against connections", "Hubbub", points, x="connections", y="posts/s", log_x=True)
