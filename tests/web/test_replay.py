"""Recordings in a real browser: comments by a real media element's time, and by a clock of the page's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect
from tests.web.media import BYTES, Recording, silence
from tests.web.visiting import COMMENTS, Visit, Visitor, signed_in

from hubbub.model import Comment
from hubbub.testing.samples import make_comment
from hubbub.testing.server import Running, running_server, token

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

STARTED_AT = 1_795_229_000_000  # ms
PATIENT = 40_000  # ms
LENGTH = 400  # seconds, so three windows
EVERY = 1.25  # seconds
MODERATOR = {"Authorization": f"Bearer {token('mod', ('read', 'post', 'moderate'))}"}
# As a site of its own embeds it.
EMBEDDED = """<!doctype html><html lang="en"><head><title>A recording</title></head><body>
<audio id="player" src="/recording.wav" preload="auto" controls></audio>
<script type="module" src="{}/client/v1/hubbub-comments.js"></script>
<hubbub-comments video="demo" mode="auto" for="player"></hubbub-comments></body></html>"""
# Every comment that is told, with the player's time at that moment.
LISTENING = """
    window.told = [];
    document.addEventListener("comment", ({ detail }) => told.push([detail.offset, player.currentTime]));
"""
CLOCK = """async () => {
    const { PlayerClock } = await import("/client/v1/hubbub-comments.js");
    window.player = document.querySelector("hubbub-comments").clock = new PlayerClock();
}"""


@pytest_asyncio.fixture(loop_scope="module")
async def recording() -> AsyncIterator[Recording]:
    """What is played, with its page."""
    async with Recording(silence(LENGTH)) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="module")
async def server(tmp_path: Path, recording: Recording) -> AsyncIterator[Running]:
    """A server without limits and with a video that has ended, which the recording's page may ask."""
    async with running_server(tmp_path, cors_origins=(recording.origin,)) as running:
        async with httpx.AsyncClient(base_url=running.url, headers=MODERATOR) as host:
            (await host.put("/v1/videos/demo", json={"started_at": STARTED_AT})).raise_for_status()
            (await host.post("/v1/videos/demo/end")).raise_for_status()
        yield running


async def say(server: Running, *offsets: float) -> list[Comment]:
    """Comments at these seconds of the recording, each saying which."""
    comments = [make_comment("demo", f"at {at}", at=STARTED_AT + round(at * 1000)) for at in offsets]
    for comment in comments:
        await server.services.store.append(comment)
    return comments


async def act(server: Running, method: str, path: str) -> None:
    """What a moderator does."""
    async with httpx.AsyncClient(base_url=server.url + COMMENTS, headers=MODERATOR) as moderator:
        (await moderator.request(method, path)).raise_for_status()


async def shows(visitor: Visitor, texts: list[str], most: int = 200) -> None:
    """The newest of ``texts``, all of them as they stand, in order; at least a picture's hundred."""
    await expect(visitor.said.last).to_have_text(texts[-1], timeout=PATIENT)
    shown = await visitor.said.all_text_contents()
    assert min(len(texts), 100) <= len(shown) <= most
    assert shown == texts[-len(shown) :]


async def test_a_media_element_is_followed_through_all_that_a_viewer_does(
    server: Running, recording: Recording, visit: Visit
) -> None:
    """Seek both ways, play, change the rate, pause, wait for data, reach the end: no comment early, twice or missed."""
    offsets = [number * EVERY for number in range(1, int(LENGTH / EVERY))]
    await say(server, *offsets)

    def said(upto: float) -> list[str]:
        return [f"at {at}" for at in offsets if at <= upto]

    await recording.hold(150 * BYTES)
    recording.page = EMBEDDED.format(server.url)
    visitor = await visit(f"{recording.origin}/a-recording", script=LISTENING)
    page = visitor.page
    await expect(visitor.state).to_have_text("Replay", timeout=PATIENT)
    await expect(visitor.said).to_have_count(0)

    async def at() -> float:
        time: float = await page.evaluate("player.currentTime")
        return time

    async def plays_to(time: float) -> None:
        await page.wait_for_function("(time) => player.currentTime >= time", arg=time, timeout=PATIENT)

    async def seek(time: float) -> None:
        # Its comments are there before its sound: a seek is told when it begins.
        await page.evaluate(f"player.currentTime = {time}, told.length = 0")

    await seek(100)
    await shows(visitor, said(100))
    await seek(20)
    await shows(visitor, said(20))
    await page.evaluate("player.playbackRate = 4, player.play()")
    await plays_to(40)
    await page.evaluate("player.playbackRate = 2")
    await plays_to(46)
    await page.evaluate("player.pause()")
    paused = await at()
    await shows(visitor, said(paused))
    assert await at() == paused

    # The line is slow: the player waits where its data ends, and so do the comments.
    await seek(144)
    await page.evaluate("player.playbackRate = 4, player.play()")
    await plays_to(145)
    await page.wait_for_function("() => player.readyState < HTMLMediaElement.HAVE_FUTURE_DATA", timeout=PATIENT)
    waits = await at()
    assert 145 <= waits <= 152
    await shows(visitor, said(waits))
    await recording.hold(None)
    await plays_to(185)  # into the next window
    await page.evaluate("player.pause()")
    await shows(visitor, said(await at()))
    told = await page.evaluate("told")
    assert [offset for offset, _ in told] == [offset for offset in offsets if 144 < offset <= await at()]
    assert all(offset <= time + 0.001 for offset, time in told)

    await seek(LENGTH - 2)
    await page.evaluate("player.play()")
    await page.wait_for_function("() => player.ended", timeout=PATIENT)
    await shows(visitor, said(LENGTH))
    await seek(0)
    await expect(visitor.said).to_have_count(0, timeout=PATIENT)


async def test_what_is_deleted_goes_and_what_is_restored_comes_back(server: Running, visit: Visit) -> None:
    """Within half a minute, at its place, also where a window has thousands; what is still to come, in its time."""
    comments = await say(server, *(number / 20 for number in range(3_000)))
    texts = [comment.text for comment in comments]
    hidden, away, later = (comments[number] for number in (1_990, 1_980, 2_050))
    await act(server, "POST", f"/{hidden.id}/hide")
    await act(server, "POST", f"/{later.id}/hide")
    visitor = await visit(server.url, 'mode="replay"', clock=True)
    page = visitor.page
    await page.evaluate(CLOCK)
    await page.evaluate("player.currentTime = 100")
    await expect(visitor.said.last).to_have_text("at 100.0", timeout=PATIENT)
    assert (await visitor.said.all_text_contents())[-11:] == [*texts[1_989:1_990], *texts[1_991:2_001]]

    await act(server, "POST", f"/{hidden.id}/restore")
    await act(server, "POST", f"/{later.id}/restore")
    await act(server, "DELETE", f"/{away.id}")
    await page.clock.fast_forward(31_000)
    await expect(visitor.row(hidden.text)).to_have_count(1, timeout=PATIENT)
    await expect(visitor.row(away.text)).to_have_count(0)
    shown = await visitor.said.all_text_contents()
    there = [text for text in texts[:2_001] if text != away.text]
    assert shown == there[-len(shown) :]
    await page.evaluate("player.play()")
    await expect(visitor.row(later.text)).to_have_count(1, timeout=PATIENT)
    await page.evaluate("player.pause()")
    shown = await visitor.said.all_text_contents()
    there = [text for text in texts if text != away.text and float(text[3:]) <= float(shown[-1][3:])]
    assert shown == there[-len(shown) :]


async def test_three_thousand_comments_in_a_window(server: Running, visit: Visit) -> None:
    """All are shown, in order, wherever one seeks; what is earlier is loaded as in a live video."""
    texts = [comment.text for comment in await say(server, *(number * 0.0625 for number in range(2_880 + 100)))]
    visitor = await visit(server.url, 'mode="replay"')
    page = visitor.page
    await page.evaluate(CLOCK)
    for place, count in ((179.99, 2_880), (62.53, 1_001), (185.9, 2_975), (125, 2_001), (0.0625, 2)):
        await page.evaluate(f"player.currentTime = {place}")
        await shows(visitor, texts[:count], 100)
    await page.evaluate("player.currentTime = 62.4, player.play()")
    await expect(visitor.row(texts[1_010])).to_have_count(1, timeout=PATIENT)
    await page.evaluate("player.pause()")
    await page.evaluate("window.paused = player.currentTime")
    upto = int(await page.evaluate("player.currentTime") / 0.0625) + 1
    await shows(visitor, texts[:upto])

    log = page.get_by_role("log")
    await log.evaluate("(log) => { log.scrollTop = log.scrollHeight / 2 }")
    first = await visitor.said.first.text_content()
    async with asyncio.timeout(PATIENT / 1000):
        while texts.index(await visitor.said.first.text_content() or "") > texts.index(first or "") - 250:
            await log.get_by_role("button", name="Earlier comments").evaluate("(button) => button.click()")
            await asyncio.sleep(0.05)
    shown = await visitor.said.all_text_contents()
    assert shown == texts[texts.index(shown[0]) : upto]


async def test_who_comments_or_removes_in_a_replay_sees_it_at_once(server: Running, visit: Visit) -> None:
    """One's own comment stands there before it is kept; what a moderator removes goes without waiting for a window."""
    first, *_ = await say(server, 1.0, 2.0)
    visitor = await visit(server.url, signed_in("mod", "read", "post", "moderate") + ' mode="replay"')
    await visitor.page.evaluate(CLOCK)
    await visitor.page.evaluate("player.currentTime = 10")
    await expect(visitor.said).to_have_text(["at 1.0", "at 2.0"], timeout=PATIENT)
    await visitor.offered(first.text)
    await visitor.element.get_by_role("button", name="Hide for everybody").click()
    await expect(visitor.element.get_by_role("status")).to_contain_text(["Hidden for everybody."])
    await expect(visitor.said).to_have_text(["at 2.0"])
