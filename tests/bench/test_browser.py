"""What is measured in a browser: every comment counts once, tasks are the page's own, places are never known before."""

from __future__ import annotations

import wave
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from bench.browser import Chromium, Trace
from bench.peers.pages import Pages
from bench.programs import BenchError, Percentiles
from bench.recordings import BEGAN, fill, silence
from bench.scenarios import replay_page, windows
from bench.scenarios.pages import seen, zipped
from bench.targets import SECRET, Hubbub

from hubbub.comments.identity import mint_token


def test_percentiles_are_values_that_were_measured() -> None:
    """As the load programs count: the p-th percentile is the value that p per cent of all are below."""
    found = Percentiles.of([3.0, 1.0, 2.0, 4.0])
    assert (found.count, found.max, found.at(0), found.at(50), found.at(99)) == (4, 4, 1, 3, 4)
    assert Percentiles.of([7]).at(99.99) == 7
    with pytest.raises(BenchError, match="nothing was measured"):
        Percentiles.of([])


@pytest.mark.parametrize(
    ("numbers", "at_end", "message"),
    [
        ([0, 1, 1, 2], True, "4 comments"),
        ([0, 1, 3], True, "3 different ones"),
        ([0, 2], True, "instead of 3"),
        ([0, 1, 2], False, "did not follow"),
    ],
)
def test_a_comment_that_is_missing_twice_there_or_out_of_sight_is_no_measurement(
    numbers: list[int], at_end: bool, message: str
) -> None:
    """Only a page that painted every comment once, where people see it, has a delay; their order is the server's."""
    result = {"numbers": numbers, "delays": [5.0] * len(numbers), "atEnd": at_end}
    with pytest.raises(BenchError, match=message):
        seen(result, 3)
    assert seen({**result, "numbers": [1, 0, 2], "atEnd": True}, 3).max == 5


def test_tasks_are_those_of_the_page_that_set_the_mark() -> None:
    """Others' threads, what runs between two marks to put it aside, and other events do not count."""
    events = [
        _event(1, 0, cat="blink.user_timing", name="ours", ph="I"),
        _event(2, 0, cat="blink.user_timing", name="theirs", ph="I"),
        _task(1, 10, 1_500),
        _task(2, 10, 90_000),
        _event(1, 0, cat="__metadata", name="thread_name", ph="M"),
        _event(1, 20_000, cat="blink.user_timing", name="aside", ph="R"),
        _task(1, 20_100, 70_000),
        _event(1, 99_000, cat="blink.user_timing", name="aside", ph="R"),
        _event(1, 100_000, cat="toplevel", name="SomethingElse", ph="X", dur=80_000),
        _task(1, 100_000, 2_500),
    ]
    assert Trace(events).tasks("ours", "aside") == [1.5, 2.5]
    assert Trace(events).tasks("theirs", "aside") == [90]
    with pytest.raises(BenchError, match="by 0 pages"):
        Trace(events).tasks("nobody's", "aside")


def test_every_page_of_every_window_is_asked_for_once() -> None:
    """A million comments, ten ms apart, are 55 windows of 18 pages and the beginning of one more."""
    paths = windows.pages("many", 1_000_000)
    assert len({*paths}) == len(paths) == 1_000
    assert sum("cursor=" not in path for path in paths) == 56
    assert paths != sorted(paths)


def test_seeks_go_both_ways_and_never_into_a_window_that_is_there() -> None:
    """Neither those sought nor those fetched beside them, nor the one in front of a place, come twice."""
    places = list(replay_page.places())
    sought = [to for to, _, _ in places]
    assert len(places) >= 20
    assert all((later > earlier) is (turn % 2 == 1) for turn, (earlier, later) in enumerate(pairwise(sought)))
    used = [int(to // 180) for to in sought] + [int(to // 180) - 1 for to in sought] + [bare for _, _, bare in places]
    assert len({*used}) == len(used)
    played = int(replay_page.FIRST // 180)
    assert not {*used} & {played - 1, played, played + 1}
    assert {rest for _, rest, _ in places} == {True, False}


def test_silence_is_a_hole_that_plays(tmp_path: Path) -> None:
    """As long as it says, and nearly nothing on the disk."""
    path = tmp_path / "silence.wav"
    silence(path, 3_600)
    with wave.open(str(path)) as file:
        assert file.getnframes() / file.getframerate() == 3_600
        assert not any(file.readframes(1_000))
    assert path.stat().st_size > 50_000_000 > path.stat().st_blocks * 512


@pytest.mark.slow
def test_the_pages_see_what_is_posted_and_what_is_replayed(tmp_path: Path) -> None:
    """In the real browser: the component and the bare page have all comments, a task is found, a seek and playing, by
    a media element and by a clock, show what belongs there.
    """
    site, data = Pages(tmp_path / "site"), tmp_path / "hubbub"
    data.mkdir()
    site.media.mkdir(parents=True)
    fill(data / "bench.db", recorded=(2_000, 200))
    silence(site.media / "silence.wav", 400)
    with site, Hubbub(data, HUBBUB_CORS_ORIGINS=site.origin) as hubbub:
        assert 5_000 < zipped(hubbub.port, "/client/v1/hubbub-comments.js") < 20_000
        hubbub.end("recorded", BEGAN)
        with Chromium(site, hubbub) as chromium:
            viewer, bare = chromium.open("component", video="v"), chromium.open("plain", video="v")
            token = mint_token(SECRET, "ada", "Ada", ("post",), 600)
            poster = chromium.open("component", video="v", token=token)
            with chromium.tracing() as trace:
                viewer.mark("viewer")
                busy = viewer.busy()
                poster.ask("post", [10, 1])
                for window in (viewer, bare, poster):
                    delays = seen(window.ask("sight.until", [10, 20_000]), 10)
                    assert delays.at(0) > 0
                assert viewer.busy() > busy
            assert viewer.heap() > 1_000_000
            assert 0 < max(trace.tasks("viewer", "aside")) < 60_000
            for clock in ("audio", "own"):
                player = chromium.open("replay", video="recorded", clock=clock)
                assert player.ask("replaying.seek", [300.1, 0.2]) > 0
                player.ask("replaying.play")
                off = player.ask("replaying.watch", 2)
                assert len(off) >= 5 and min(off) >= 0
                player.ask("replaying.pause")
                assert player.ask("replaying.seek", [50.1, 0.2]) > 0
                assert player.ask("fetched", 0) > 0
                with pytest.raises(BenchError, match="stood there already"):
                    player.ask("replaying.seek", [50.1, 0.2])


def _event(thread: int, at: int, **more: Any) -> dict[str, Any]:
    return {"pid": 7, "tid": thread, "ts": at, "args": {}, **more}


def _task(thread: int, at: int, duration: int) -> dict[str, Any]:
    return _event(thread, at, cat="toplevel", name="ThreadControllerImpl::RunTask", ph="X", dur=duration)
