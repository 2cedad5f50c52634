"""Visitors of the service's own pages, and what they find there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Locator, Page

from hubbub.client import HubbubClient
from hubbub.ids import now_ms
from hubbub.testing.server import token

MODERATOR = token("mod", ("read", "post", "moderate"))


class Visitor:
    """Somebody with a browser of their own; ``faults`` is what no visit may cause."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self.ranges = 0  # answers that were a part of some media
        self._host = urlsplit(url).netloc
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self._request(request.url))
        page.on("response", lambda response: self._response(response.status))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.faults.append(message.text)

    def _request(self, url: str) -> None:
        if urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != self._host:
            self.faults.append(f"a request to {url}")

    def _response(self, status: int) -> None:
        self.ranges += status == 206

    @property
    def said(self) -> Locator:
        """The comments' texts, in the order of the page."""
        return self.page.get_by_role("log").locator(".text")

    @property
    def box(self) -> Locator:
        """What one writes in."""
        return self.page.get_by_role("textbox", name="Say something")

    @property
    def state(self) -> Locator:
        """What the page says the video is doing."""
        return self.page.locator("#state")

    @property
    def place(self) -> Locator:
        """The scrubber of a replay."""
        return self.page.get_by_role("slider", name="Place in the recording")

    async def say(self, text: str) -> None:
        """Write a comment as a person does."""
        await self.box.fill(text)
        await self.page.get_by_role("button", name="Send").click()

    async def seek(self, seconds: float) -> None:
        """Drag the scrubber there."""
        await self.place.fill(str(seconds))

    async def media_time(self) -> float:
        """Where the clip is, in seconds."""
        return float(await self.page.evaluate("document.getElementById('media').currentTime"))


Visit = Callable[..., Awaitable[Visitor]]


@asynccontextmanager
async def visits(browser: Browser) -> AsyncIterator[Visit]:
    """What opens a page for somebody new. Whatever the test was about, nobody may have met a fault."""
    visitors: list[Visitor] = []

    async def open_page(url: str, path: str = "/", **options: Any) -> Visitor:
        options = {"viewport": {"width": 1200, "height": 800}, **options}
        context = await browser.new_context(**options)
        visitor = Visitor(await context.new_page(), url)
        visitors.append(visitor)
        await visitor.page.goto(url + path)
        return visitor

    yield open_page
    for visitor in visitors:
        await visitor.page.context.close()
    assert [fault for visitor in visitors for fault in visitor.faults] == []


async def post(url: str, video: str, *texts: str) -> None:
    """Post as a program does."""
    async with HubbubClient(url, token=token("grace")) as client:
        for text in texts:
            await client.post(video, text)


async def recorded(url: str, video: str, *, ago: float, **told: Any) -> dict[str, Any]:
    """A video that began ``ago`` seconds before its comments ``one`` and ``two``, and has ended."""
    async with HubbubClient(url, token=MODERATOR) as host:
        await host.put_video(video, started_at=now_ms() - round(ago * 1000), **told)
        await host.post(video, "one")
        await asyncio.sleep(1.1)  # so that a second of the scrubber lies between
        await host.post(video, "two")
        return await host.end_video(video)
