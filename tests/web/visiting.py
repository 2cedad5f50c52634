"""Visitors of pages with the component, as the tests of pages share them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Browser, BrowserContext, Locator, Page, Route

from hubbub.testing.server import token

COMMENTS = "/v1/videos/demo/comments"
# As strict as a page can be: what the component needs is its script and the service.
POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="color-scheme" content="light dark"><meta name="viewport" content="width=device-width, initial-scale=1">
<script type="module" src="/client/v1/hubbub-comments.js"></script></head>
<body><main><h1>A page</h1><hubbub-comments video="demo" {attributes}></hubbub-comments></main></body></html>"""


class Visitor:
    """Somebody on a page with the component."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self._console(message.type, message.text))
        self.element = page.locator("hubbub-comments")

    def _console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
            self.faults.append(text)

    @property
    def said(self) -> Locator:
        """The comments' texts, in the order of the page."""
        return self.page.get_by_role("log").locator(".text")

    @property
    def state(self) -> Locator:
        """What the component says of its connection."""
        return self.element.locator(".state")

    @property
    def box(self) -> Locator:
        """What one writes in."""
        return self.page.get_by_role("textbox", name="Say something")

    async def say(self, text: str) -> None:
        """Write a comment as a person does."""
        await self.box.fill(text)
        await self.page.get_by_role("button", name="Send").click()

    async def offered(self, text: str) -> list[str]:
        """What may be done to the comment."""
        await self.row(text).hover()
        return await self.element.get_by_role("toolbar").get_by_role("button").all_text_contents()

    def row(self, text: str) -> Locator:
        """The comment with this text."""
        return self.page.get_by_role("log").get_by_role("listitem").filter(has_text=re.compile(f"{re.escape(text)}$"))


Visit = Callable[..., Awaitable[Visitor]]


@asynccontextmanager
async def visits(browser: Browser, *, streams: bool = True) -> AsyncIterator[Visit]:
    """What opens a page with the component for somebody new, or in a tab of ``context``; nobody may have met a fault.

    ``attributes`` are the component's, ``script`` runs before the page's own. With ``clock`` the test moves the page's
    clock; ``expose`` gives the page functions of the test's. Without ``streams``, none gets through. A ``url`` with a
    path is that of a page which somebody else serves.
    """
    visitors: list[Visitor] = []

    async def open_page(
        url: str,
        attributes: str = "",
        *,
        context: BrowserContext | None = None,
        script: str = "",
        clock: bool = False,
        expose: dict[str, Callable[..., Any]] | None = None,
        **options: Any,
    ) -> Visitor:
        options = {"viewport": {"width": 420, "height": 700}, **options}
        context = context or await browser.new_context(**options)
        page = await context.new_page()
        visitor = Visitor(page)
        visitors.append(visitor)
        if clock:
            await page.clock.install()
        for name, function in (expose or {}).items():
            await page.expose_function(name, function)
        if script:
            await page.add_init_script(script)

        async def serve(route: Route) -> None:
            headers = {"content-security-policy": POLICY}
            body = PAGE.format(attributes=attributes)
            await route.fulfill(body=body, content_type="text/html", headers=headers)

        await page.route("**/a-page", serve)
        if not streams:
            await page.route(re.compile("/comments/stream"), lambda route: route.abort())
        await page.goto(url if urlsplit(url).path else url + "/a-page")
        return visitor

    yield open_page
    for visitor in visitors:
        await visitor.page.context.close()
    faults = [fault for visitor in visitors for fault in visitor.faults]
    assert faults == [], faults


def signed_in(user: str, *scopes: str) -> str:
    """The attribute of somebody who is."""
    return f'token="{token(user, scopes or ("read", "post"))}"'


async def post(url: str, *texts: str, user: str = "grace", **claims: Any) -> list[str]:
    """Post as a program does; the comments' ids."""
    headers = {"Authorization": f"Bearer {token(user, **claims)}"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        answers = [await client.post(COMMENTS, json={"text": text}) for text in texts]
    return [answer.raise_for_status().json()["id"] for answer in answers]


async def viewers(url: str) -> int:
    """How many streams the server has."""
    async with httpx.AsyncClient(base_url=url) as client:
        text = (await client.get("/metrics")).text
    match = re.search(r"^hubbub_viewers (\d+)", text, re.MULTILINE)
    assert match
    return int(match[1])
