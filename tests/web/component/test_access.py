"""``<hubbub-comments>`` for those who use it by keyboard or screen reader; and what axe-core says of it.

All of it twice: as it is, and with streams blocked, so by long poll.
"""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.async_api import expect
from tests.web.axe import violations
from tests.web.test_hostile_text import HOSTILE
from tests.web.visiting import COMMENTS, Visit, post, signed_in

from hubbub.testing.server import Running, token

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def test_it_is_used_by_keyboard_alone(server: Running, visit: Visit) -> None:
    """Tab leads through the parts, arrows through the comments, Tab to what may be done to one, Escape back."""
    await post(server.url, "one", "two")
    visitor = await visit(server.url, signed_in("ada"))
    await expect(visitor.said).to_have_text(["one", "two"])
    await expect(visitor.box).to_be_visible()
    keyboard = visitor.page.keyboard
    focused = """(({ shadowRoot: { activeElement } }) => activeElement.role || activeElement.tagName)(
        document.querySelector("hubbub-comments"))"""
    await keyboard.press("Tab")
    assert await visitor.page.evaluate(focused) == "log"
    await keyboard.press("Tab")
    if await visitor.page.evaluate(focused) == "BUTTON":  # earlier comments
        await keyboard.press("Tab")
    assert await visitor.page.evaluate(focused) == "TEXTAREA"
    await keyboard.type("three")
    await keyboard.press("Shift+Enter")
    await keyboard.type("lines")
    await keyboard.press("Enter")
    await expect(visitor.said).to_have_text(["one", "two", "three\nlines"])
    await expect(visitor.page.locator(".sending")).to_have_count(0)

    await visitor.page.get_by_role("log").focus()
    await keyboard.press("ArrowUp")
    await expect(visitor.page.get_by_role("listitem").last).to_be_focused()
    await keyboard.press("ArrowUp")
    await keyboard.press("ArrowDown")
    await keyboard.press("Tab")
    await expect(visitor.page.get_by_role("button", name="Delete")).to_be_focused()
    await keyboard.press("Escape")
    await expect(visitor.page.get_by_role("log")).to_be_focused()
    await keyboard.press("ArrowUp")
    await keyboard.press("Tab")
    await keyboard.press("Enter")
    await expect(visitor.said).to_have_text(["one", "two"])
    await expect(visitor.page.get_by_role("log")).to_be_focused()


async def test_a_screen_reader_hears_what_is_said_and_of_much_only_how_much(server: Running, visit: Visit) -> None:
    """What was said before is not read out; a few comments are, one by one; a crowd is a number."""
    await post(server.url, "from before")
    visitor = await visit(server.url)
    await expect(visitor.said).to_have_text(["from before"])
    spoken = visitor.element.locator("[aria-live=polite]")
    await expect(spoken).to_have_text("")
    await post(server.url, "now")
    await expect(spoken).to_have_text("Grace: now ")
    await post(server.url, *map(str, range(50)))
    await expect(spoken).to_have_text(re.compile(r"^\d\d new comments$"), timeout=15_000)
    assert await visitor.page.get_by_role("log").get_attribute("aria-live") == "off"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing(server: Running, visit: Visit, scheme: Any) -> None:
    """No violation of WCAG 2.2 A and AA that a program can find, in either scheme, with pins, tools and complaints."""
    (first, *_) = await post(server.url, "one", "two", *HOSTILE.values(), roles=["host"])
    headers = {"Authorization": f"Bearer {token('mod', ('moderate',))}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as moderator:
        (await moderator.put(f"{COMMENTS}/{first}/pin")).raise_for_status()
    visitor = await visit(server.url, signed_in("mod", "read", "post", "moderate"), color_scheme=scheme)
    await expect(visitor.said.last).to_have_text(HOSTILE["emoji"])
    await visitor.box.fill("x" * 510)
    await visitor.page.get_by_role("log").get_by_role("listitem").last.hover()
    assert await violations(visitor.page) == []
