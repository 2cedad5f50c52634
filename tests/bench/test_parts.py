"""The scenarios over Redis and nginx measure what they say, with few viewers: figures are whole, nothing stays."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.measure import descendants
from bench.programs import BenchError, Read
from bench.scenario import Scenario
from bench.scenarios.reconnecting import Reconnecting
from bench.scenarios.routing import GATEWAYS, VIDEOS, Routing
from bench.scenarios.spread import Spread
from bench.scenarios.videos_over_redis import VideosOverRedis
from bench.service import Redis, service


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """Every process that was started is gone afterwards."""
    before = descendants(os.getpid())
    yield
    assert set(descendants(os.getpid())) <= set(before)


def test_groups_of_viewers_have_each_the_comments_of_their_video() -> None:
    """Three videos that took turns: no viewer may have another's, one too few, or one twice."""
    _read([0 + 3, 1 + 4, 2 + 5]).must_be_whole(6)
    _read([6 + 9, 7 + 10, 8 + 11]).must_be_whole(6, first=6)
    for wrong in (
        _read([0 + 3, 1 + 4, 2 + 4]),
        _read([0 + 3, 1 + 4, 2 + 5], fewest=1),
        _read([0 + 3, 1 + 4, 2 + 5], most=3),
        _read([0 + 3, 1 + 4, 2 + 5], odd=1),
    ):
        with pytest.raises(BenchError, match="viewers had"):
            wrong.must_be_whole(6)


@pytest.mark.slow
def test_comments_are_timed_through_the_parts_and_through_one_process(tmp_path: Path) -> None:
    """Both have whole deliveries; each part of the service was at work."""
    found = _figures(Spread(viewers=40, rounds=5), tmp_path)
    assert 0 < found["p50"] <= found["p99"] and 0 < found["one process, p50"] <= found["one process, p99"]
    assert found["p50 beside one process"] == pytest.approx(found["p50"] / found["one process, p50"])
    shares = [value for name, value in found.items() if name.startswith("… share of the core")]
    assert len(shares) == 4 and all(share > 0 for share in shares)


@pytest.mark.slow
def test_a_comment_s_cost_is_that_of_gateway_api_and_redis(tmp_path: Path) -> None:
    """A comment costs CPU in both processes, and Redis sends at least its bytes."""
    found = _figures(VideosOverRedis(viewers=150, videos=(5, 51), seconds=1.0), tmp_path)
    for videos in (5, 51):
        assert 0 < found[f"… {videos} videos: the gateway of that"] < found[f"{videos} videos"]
        assert found[f"… {videos} videos: Redis sends"] > 200
    assert found["CPU, dearest beside cheapest"] >= 1 <= found["Redis's bytes, most beside fewest"]


@pytest.mark.slow
def test_viewers_of_a_killed_gateway_are_whole_on_the_other(tmp_path: Path) -> None:
    """Nobody is told `reset`, and the store is asked once for each video."""
    found = _figures(Reconnecting(viewers=60, videos=6), tmp_path)
    assert found["all exact after"] > 0
    assert found["the store asked, for each video"] == 1


@pytest.mark.slow
def test_routed_viewers_have_each_gateway_carry_its_share_only(tmp_path: Path) -> None:
    """At random every gateway has nearly every video; routed, each video is on one, and is pushed once."""
    found = _figures(Routing(viewers=400, rounds=2), tmp_path)
    assert found["routed: subscriptions a gateway"] == len(VIDEOS) / GATEWAYS
    assert found["routed: pushes to all gateways for a comment"] == 1
    assert found["at random: subscriptions a gateway"] > 0.8 * len(VIDEOS)
    assert 0.8 * GATEWAYS < found["at random: pushes to all gateways for a comment"] <= GATEWAYS


@pytest.mark.slow
def test_a_part_that_does_not_start_takes_the_others_with_it(tmp_path: Path) -> None:
    """The measurement fails with the reason."""
    with pytest.raises(BenchError, match="ended at once"), service(tmp_path, HUBBUB_POST_LIMIT="many"):
        pass
    with Redis(tmp_path / "redis") as redis:
        assert redis.subscriptions() == 0
        assert redis.sent() < redis.sent()


@pytest.mark.slow
@pytest.mark.parametrize("slow_start", [False, True])
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_measurement_that_is_ended_ends_what_it_started(
    tmp_path: Path, ending: signal.Signals, *, slow_start: bool
) -> None:
    """Also in the background, where a shell has it ignore SIGINT, and between a server's fork and its exec."""
    slow = "import os, time; os.sched_setaffinity = lambda *to: time.sleep(10); "
    start = "import runpy; runpy.run_module('bench', run_name='__main__', alter_sys=True)"
    command = [sys.executable, "-c", slow * slow_start + start, "posts", "--runs", "1", "--out", str(tmp_path)]
    background = f"trap '' INT; exec {shlex.join(command)}"
    with subprocess.Popen(["sh", "-c", background], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as measuring:
        try:
            assert measuring.stderr is not None
            assert measuring.stderr.readline().startswith(b"posts: ")
            until = time.monotonic() + 60
            while not (started := descendants(measuring.pid)):
                assert time.monotonic() < until
                time.sleep(0.1)
            measuring.send_signal(ending)
            assert measuring.wait(30) == 130
        finally:
            measuring.kill()
    until = time.monotonic() + 5
    while running := [pid for pid in started if _runs(pid)]:  # a killed orphan ends when the kernel gets to it
        assert time.monotonic() < until, running
        time.sleep(0.01)


def _read(sums: list[int], *, fewest: int = 2, most: int = 2, odd: int = 0) -> Read:
    numbers = dict.fromkeys(("seconds", "viewers", "stamps", "reads", "bytes", "resets", "cpu_share"), 0)
    delay = {"count": 0, "max": 0.0, "percentiles": []}
    return Read({**numbers, "fewest": fewest, "most": most, "odd": odd, "sums": sums, "delay_ms": delay})


def _figures(scenario: Scenario, folder: Path) -> dict[str, float]:
    scenario.run(folder)
    return {figure["name"]: figure["values"][0] for figure in scenario.result(0, None)["figures"]}


def _runs(pid: int) -> bool:
    """Whether it has not ended; one that has may wait for long until its new parent takes note (proc(5), ``Z``)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
