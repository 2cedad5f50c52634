"""Bad weather, in a real browser and against real servers: whatever happens, nobody misses or repeats a comment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from tests.web.visiting import COMMENTS, Visit, Visitor, post, signed_in, viewers

from hubbub.comments.draft import Draft
from hubbub.comments.identity import Identity
from hubbub.model import User
from hubbub.testing.holding_proxy import HoldingProxy
from hubbub.testing.server import Running, ServerProcess, running_server, token

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

QUICK: dict[str, Any] = {"HUBBUB_RETRY_MIN": "50ms", "HUBBUB_RETRY_MAX": "100ms"}
BOUND = 40_000  # ms: what is waited for comes long before, also on a machine that is five times slower


@pytest_asyncio.fixture(loop_scope="module")
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A server without limits, which asks those who lose it to come back quickly."""
    async with running_server(tmp_path, retry_min=0.05, retry_max=0.1) as running:
        yield running


class Talk:
    """Somebody who posts one comment after the other, each until it is kept: ``kept`` are their texts, in order."""

    def __init__(self, url: str) -> None:
        self.kept: list[str] = []
        self._client = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token('talker')}"})

    async def say(self, count: int, *, pause: float = 0.0) -> None:
        """So many more."""
        async with asyncio.timeout(BOUND / 1000):
            for _ in range(count):
                await self._say(f"number {len(self.kept)}")
                await asyncio.sleep(pause)

    async def _say(self, text: str) -> None:
        while True:
            try:
                answer = await self._client.post(COMMENTS, json={"text": text}, headers={"Idempotency-Key": text})
                answer.raise_for_status()
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
            else:
                self.kept.append(text)
                return

    async def close(self) -> None:
        """The last thing."""
        await self._client.aclose()


@asynccontextmanager
async def talking(url: str) -> AsyncIterator[Talk]:
    """A `Talk` at a server."""
    talk = Talk(url)
    try:
        yield talk
    finally:
        await talk.close()


async def until(holds: Callable[[], Awaitable[bool]], *, seconds: float = BOUND / 1000) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.05)


async def has_just(visitor: Visitor, talk: Talk) -> None:
    """Everything that was kept is shown, in order, once."""
    await expect(visitor.said).to_have_text(talk.kept, timeout=BOUND)


async def test_the_server_is_killed_while_twenty_pages_watch(tmp_path: Path, visit: Visit, browser: Browser) -> None:
    """Twice with SIGKILL while comments are posted throughout: all pages go on by themselves, and show the same."""
    async with ServerProcess(tmp_path, **QUICK) as process:
        shared = [await browser.new_context() for _ in range(3)]
        contexts = [*[None] * 8, *[context for context in shared for _ in range(4)]]
        tabs = await asyncio.gather(*(visit(process.url, context=context) for context in contexts))
        await asyncio.gather(*(expect(tab.state).to_have_text("Live", timeout=BOUND) for tab in tabs))
        assert await viewers(process.url) == 11
        async with talking(process.url) as talk:
            for _ in range(2):
                speaking = asyncio.create_task(talk.say(60, pause=0.01))
                kept = len(talk.kept)
                await until(lambda kept=kept: _true(len(talk.kept) > kept + 20))  # type: ignore[misc]
                await process.kill()
                await process.start()
                await speaking
            assert len(talk.kept) == 120
            await asyncio.gather(*(has_just(tab, talk) for tab in tabs))
            await asyncio.gather(*(expect(tab.state).to_have_text("Live", timeout=BOUND) for tab in tabs))


async def stop_the_clock(visitor: Visitor) -> None:
    """Ten seconds from now: a moment that has passed when it is told would be refused."""
    await visitor.page.clock.pause_at(await visitor.page.evaluate("Date.now() / 1000 + 10"))


async def _true(value: bool) -> bool:
    return value


async def test_a_tab_is_frozen_and_wakes_after_the_server_was_restarted(tmp_path: Path, visit: Visit) -> None:
    """A browser freezes tabs that nobody looks at: nothing of them runs. Once awake, the tab has all, once."""
    async with ServerProcess(tmp_path, **QUICK) as process, talking(process.url) as talk:
        visitor = await visit(process.url)
        await talk.say(5)
        await has_just(visitor, talk)
        devtools = await visitor.page.context.new_cdp_session(visitor.page)
        await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        await talk.say(20)
        await process.kill()
        await process.start()
        await talk.say(20)
        await devtools.send("Page.setWebLifecycleState", {"state": "active"})
        await has_just(visitor, talk)
        await expect(visitor.state).to_have_text("Live", timeout=BOUND)


async def test_a_frozen_tab_that_led_is_replaced_by_one_that_is_looked_at(
    server: Running, visit: Visit, browser: Browser
) -> None:
    """Tabs that share its stream notice its silence, and it joins them again when it is awake."""
    context = await browser.new_context()
    leader = await visit(server.url, context=context)
    await expect(leader.state).to_have_text("Live")
    other = await visit(server.url, context=context, clock=True)
    await expect(other.state).to_have_text("Live")
    async with talking(server.url) as talk:
        await talk.say(3)
        await has_just(other, talk)
        devtools = await context.new_cdp_session(leader.page)
        await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        await talk.say(3)
        await other.page.clock.fast_forward(30_000)
        await other.page.clock.fast_forward(10_000)
        await has_just(other, talk)
        await devtools.send("Page.setWebLifecycleState", {"state": "active"})
        await talk.say(3)
        for tab in (leader, other):
            await has_just(tab, talk)
        await until(lambda: _has_viewers(server.url, 1))


async def _has_viewers(url: str, count: int) -> bool:
    return await viewers(url) == count


async def _is(visitor: Visitor, expression: str, wanted: str) -> bool:
    return bool(await visitor.page.evaluate(expression) == wanted)


async def test_after_ten_minutes_asleep_a_page_goes_on(tmp_path: Path, visit: Visit) -> None:
    """The clock jumps, the connection has died meanwhile without a word: what was missed is there at once."""
    async with ServerProcess(tmp_path, **QUICK) as process, talking(process.url) as talk:
        visitor = await visit(process.url, clock=True)
        await talk.say(5)
        await has_just(visitor, talk)
        await stop_the_clock(visitor)
        await process.kill()
        await process.start()
        await talk.say(30)
        await visitor.page.clock.fast_forward("10:00")
        await visitor.page.clock.resume()
        await has_just(visitor, talk)
        await expect(visitor.state).to_have_text("Live", timeout=BOUND)


async def test_a_tab_in_the_background_has_all_when_it_is_looked_at_again(server: Running, visit: Visit) -> None:
    """Without timers and frames, which browsers keep from hidden tabs, comments come in; an hour later too."""
    hide = """
        window.away = false;
        Object.defineProperty(document, "hidden", { get: () => window.away });
        window.look = (away) => { window.away = away; document.dispatchEvent(new Event("visibilitychange")); };
    """
    visitor = await visit(server.url, script=hide, clock=True)
    async with talking(server.url) as talk:
        await talk.say(3)
        await has_just(visitor, talk)
        await visitor.page.evaluate("look(true)")
        await stop_the_clock(visitor)
        await talk.say(50)
        newest = "document.querySelector('hubbub-comments').feed.newest.at(-1).text"
        await until(lambda: _is(visitor, newest, "number 52"))  # drawn when there are frames again
        await visitor.page.clock.fast_forward("01:00:00")
        await visitor.page.clock.resume()
        await talk.say(20)
        await visitor.page.evaluate("look(false)")
        await has_just(visitor, talk)
        await expect(visitor.said.last).to_be_in_viewport()
        await expect(visitor.state).to_have_text("Live", timeout=BOUND)


async def test_offline_and_back(tmp_path: Path, visit: Visit) -> None:
    """What one writes without a network arrives when it is back, and what others wrote is there."""
    async with ServerProcess(tmp_path, **QUICK) as process, talking(process.url) as talk:
        visitor = await visit(process.url, signed_in("ada"))
        await talk.say(3)
        await has_just(visitor, talk)
        await visitor.page.context.set_offline(True)
        # An open stream outlives Chromium's emulation; a network that goes takes it along.
        await process.kill()
        await process.start()
        await expect(visitor.state).to_have_text("Connection lost. Trying again…", timeout=BOUND)
        await talk.say(10)
        await visitor.say("from the tunnel")
        await expect(visitor.page.locator(".sending")).to_have_count(1)
        await visitor.page.context.set_offline(False)
        await expect(visitor.state).to_have_text("Live", timeout=BOUND)
        talk.kept.append("from the tunnel")
        await has_just(visitor, talk)
        await expect(visitor.page.locator(".sending")).to_have_count(0)


async def test_proxies_that_hold_streams_back(server: Running, visit: Visit) -> None:
    """All of it, or what comes after the head: polls take over by themselves, with all that was said meanwhile."""
    address = urlsplit(server.url)
    assert address.hostname and address.port
    async with (
        HoldingProxy(address.hostname, address.port, heads=False) as whole,
        HoldingProxy(address.hostname, address.port, heads=True) as after_the_head,
        talking(server.url) as talk,
    ):
        proxies = (whole, after_the_head)
        visitors = [await visit(proxy.url, signed_in("ada")) for proxy in proxies]
        await talk.say(30)
        for visitor in visitors:
            await expect(visitor.state).to_have_text("Live", timeout=BOUND)
        await talk.say(30, pause=0.01)
        for number, visitor in enumerate(visitors):
            await visitor.say(f"through proxy {number}")
            talk.kept.append(f"through proxy {number}")
            for reader in visitors:
                await has_just(reader, talk)
            await expect(visitor.page.locator(".sending")).to_have_count(0)
        assert [proxy.held for proxy in proxies] == [1, 1]


async def test_a_token_that_expires_while_watching_is_replaced(tmp_path: Path, visit: Visit) -> None:
    """Where watching needs a token, the page is asked for the next one, and the stream goes on without a hole."""
    asked: list[bool] = []

    def fresh(renew: bool) -> str:
        asked.append(renew)
        return token("ada", lifetime=3)

    async with ServerProcess(tmp_path, HUBBUB_WATCH="token", **QUICK) as process, talking(process.url) as talk:
        visitor = await visit(process.url, expose={"fresh": fresh})
        await visitor.page.evaluate("document.querySelector('hubbub-comments').getToken = fresh")
        await expect(visitor.state).to_have_text("Live", timeout=BOUND)
        before = len(asked)
        async with asyncio.timeout(BOUND / 1000):
            while len(asked) < before + 3 or len(talk.kept) < 60:
                await talk.say(1, pause=0.05)
        await has_just(visitor, talk)
        assert any(asked)
        assert len(talk.kept) <= 200


async def test_a_browser_without_readable_answers_uses_event_source(tmp_path: Path, visit: Visit) -> None:
    """Across a restart, as the others do."""
    async with ServerProcess(tmp_path, **QUICK) as process, talking(process.url) as talk:
        requests: list[str] = []
        visitor = await visit(process.url, signed_in("ada"), script="delete Response.prototype.body")
        visitor.page.on("request", lambda request: requests.append(f"{request.resource_type} {request.url}"))
        await talk.say(5)
        await has_just(visitor, talk)
        await process.kill()
        await process.start()
        await talk.say(5)
        await visitor.say("by ada")
        talk.kept.append("by ada")
        await has_just(visitor, talk)
        await expect(visitor.state).to_have_text("Live", timeout=BOUND)
        assert [one for one in requests if one.startswith("eventsource") and "last_event_id=" in one]


async def test_ten_thousand_comments_come_at_once(tmp_path: Path, visit: Visit) -> None:
    """After a pause of the tab. It never has more than 200 in its list, shows the newest, and answers its reader."""
    async with running_server(tmp_path, ring_entries=20_000) as server:
        visitor = await visit(server.url)
        await post(server.url, "before")
        await expect(visitor.said).to_have_text(["before"])
        await visitor.page.evaluate(
            """() => {
                const rows = document.querySelector("hubbub-comments").shadowRoot.querySelector("[role=log] ol");
                window.most = 0;
                window.drawn = 0;
                window.longest = 0;
                new MutationObserver((changes) => {
                    window.most = Math.max(window.most, rows.children.length);
                    window.drawn += changes.reduce((sum, { addedNodes }) => sum + addedNodes.length, 0);
                }).observe(rows, { childList: true });
                new PerformanceObserver((tasks) => {
                    window.longest = Math.max(window.longest, ...tasks.getEntries().map(({ duration }) => duration));
                }).observe({ type: "longtask" });
            }"""
        )
        devtools = await visitor.page.context.new_cdp_session(visitor.page)
        await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        author = Identity(User("flood", "Flood", ()), frozenset({"post"}))
        assert server.services.api
        accepting = server.services.api.accepting
        for at in range(0, 10_000, 500):
            drafts = [Draft(f"flood {number}") for number in range(at, at + 500)]
            await asyncio.gather(*(accepting.post(author, "127.0.0.1", "demo", draft, None) for draft in drafts))
        await devtools.send("Page.setWebLifecycleState", {"state": "active"})
        await post(server.url, "after")
        await expect(visitor.said.last).to_have_text("after", timeout=BOUND)
        await expect(visitor.said.last).to_be_in_viewport()
        await expect(visitor.said).to_have_count(200)
        texts = await visitor.said.all_text_contents()
        assert texts == [*(f"flood {number}" for number in range(9_801, 10_000)), "after"]
        most, drawn, longest = await visitor.page.evaluate("[most, drawn, longest]")
        assert most <= 200
        # However slow the machine: most of it is never drawn, and between the rest one can type and scroll.
        assert drawn < 8_000
        assert longest < 1_000


async def test_seven_tabs_on_one_connection_pool_all_post(server: Running, visit: Visit, browser: Browser) -> None:
    """A browser has six connections to a server over HTTP/1.1; tabs that share a stream leave five for the rest."""
    context = await browser.new_context(viewport={"width": 420, "height": 700})
    tabs = await asyncio.gather(*(visit(server.url, signed_in(f"tab{at}"), context=context) for at in range(7)))
    await asyncio.gather(*(expect(tab.state).to_have_text("Live", timeout=BOUND) for tab in tabs))
    said = []
    for number, tab in enumerate(tabs):
        await tab.say(f"from tab {number}")
        said.append(f"from tab {number}")
        await expect(tabs[-1 - number].said.last).to_have_text(said[-1], timeout=BOUND)
    for tab in tabs:
        await expect(tab.said).to_have_text(said)
        await expect(tab.page.locator(".sending")).to_have_count(0)
    assert await viewers(server.url) == 1


async def test_what_one_reads_stays_in_place_while_a_busy_feed_and_earlier_pages_come_in(
    server: Running, visit: Visit, browser: Browser
) -> None:
    """Twenty comments a second below, a hundred earlier ones above: the row under one's eyes moves by no pixel."""
    async with talking(server.url) as talk:
        await talk.say(320)
        reader = await visit(server.url)
        other = await visit(server.url)
        await expect(reader.said.last).to_have_text(talk.kept[-1])
        log = reader.page.get_by_role("log")
        # In the middle, where scrolling itself fetches nothing.
        await log.evaluate("(log) => { log.scrollTop = log.scrollHeight / 2 }")
        await reader.page.evaluate(
            """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
                const log = document.querySelector("hubbub-comments").shadowRoot.querySelector("[role=log]");
                const row = [...log.querySelectorAll("li")].find((row) => row.getBoundingClientRect().top > 150);
                const place = row.getBoundingClientRect().top;
                window.moved = 0;
                window.frames = 0;
                const look = () => {
                    window.moved = Math.max(window.moved, Math.abs(row.getBoundingClientRect().top - place));
                    window.frames++;
                    requestAnimationFrame(look);
                };
                look();
                done();
            })))"""
        )
        speaking = asyncio.create_task(talk.say(60, pause=0.05))
        for first in (talk.kept[120], talk.kept[20]):
            # Its press, without the scrolling to it that a person would do.
            await log.get_by_role("button", name="Earlier comments").evaluate("(button) => button.click()")
            await expect(reader.said.first).to_have_text(first, timeout=BOUND)
        await speaking
        await expect(other.said.last).to_have_text(talk.kept[-1], timeout=BOUND)
        await expect(reader.page.get_by_role("button", name="60 new")).to_be_visible(timeout=BOUND)
        assert await reader.page.evaluate("frames") > 20
        assert await reader.page.evaluate("moved") < 1
