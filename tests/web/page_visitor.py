"""Somebody on one of the service's own pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Locator, Page


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
