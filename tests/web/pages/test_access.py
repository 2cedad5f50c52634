"""The pages on a phone, by keyboard alone, and what axe-core says of them."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from tests.web.axe import violations
from tests.web.pages.visitor import MODERATOR, Visit, post, recorded

from hubbub.client import HubbubClient
from hubbub.ids import now_ms
from hubbub.testing.server import Running

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

PHONE = {"width": 390, "height": 844}


@pytest.mark.parametrize("path", ["/", "/watch/long", "/watch/now"])
async def test_on_a_phone_comments_stand_below_and_nothing_scrolls_sideways(
    server: Running, visit: Visit, path: str
) -> None:
    """At 390 pixels: media on top, comments beneath it, the box within reach, whatever was written."""
    await recorded(server.url, "long", ago=130, title="W" * 200, media_url="/web/demo.webm")
    async with HubbubClient(server.url, token=MODERATOR) as host:
        await host.put_video("now", title="word " * 39, media_url="/web/demo.webm", started_at=now_ms())
    await post(server.url, "now", "x" * 500, *map(str, range(12)))
    visitor = await visit(server.url, path, viewport=PHONE, has_touch=True)
    if path != "/":
        await expect(visitor.state).to_have_text("Live" if path.endswith("now") else "Replay")
        boxes = [await visitor.page.locator(f"#{part}").bounding_box() for part in ("stage", "about", "comments")]
        edges = [(box["y"], box["y"] + box["height"]) for box in boxes if box]
        assert edges[0][1] <= edges[1][0]
        assert edges[1][1] <= edges[2][0]
        assert edges[2][1] <= PHONE["height"]
        assert edges[2][1] - edges[2][0] > 300
        assert await visitor.page.evaluate("document.documentElement.scrollHeight") <= PHONE["height"]
        for summary in ("Development", "From a terminal"):
            await visitor.page.get_by_text(summary).click()
    else:
        await expect(visitor.page.get_by_role("region", name="Live").get_by_role("link")).to_be_visible()
    beyond_the_edge = await visitor.page.evaluate(
        """[...document.querySelectorAll("body :not(pre *)")]
            .filter((element) => element.getBoundingClientRect().right > innerWidth)
            .map((element) => element.outerHTML.slice(0, 80))"""
    )
    assert beyond_the_edge == []
    assert await visitor.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_the_pages_are_used_by_keyboard_alone(server: Running, visit: Visit) -> None:
    """From the list to the video with Tab and Enter; the scrubber by arrows; the box, where Enter sends."""
    await recorded(server.url, "long", ago=100)
    visitor = await visit(server.url)
    keyboard = visitor.page.keyboard
    await expect(visitor.page.get_by_role("region", name="To watch again").get_by_role("link")).to_be_visible()

    async def tab_to(selector: str) -> None:
        for _ in range(40):
            await keyboard.press("Tab")
            if await visitor.page.evaluate(f"document.activeElement.matches({selector!r})"):
                return
        pytest.fail(f"Tab does not lead to {selector}")

    await tab_to(".card")
    await keyboard.press("Enter")
    await expect(visitor.state).to_have_text("Replay")
    await tab_to("#play")
    await tab_to("#place")
    await keyboard.press("End")
    await expect(visitor.said).to_have_text(["one", "two"])
    for _ in range(5):  # a second each; how long it took to end the video is the machine's affair
        await keyboard.press("ArrowLeft")
        if await visitor.said.all_text_contents() == ["one"]:
            break
    await expect(visitor.said).to_have_text(["one"])
    await tab_to("#turn")
    await keyboard.press("Enter")
    await expect(visitor.state).to_have_text("Live")
    await expect(visitor.box).to_be_visible()
    for _ in range(40):
        await keyboard.press("Tab")
        if await visitor.box.evaluate("box => box.matches(':focus')"):
            break
    await keyboard.type("by hand")
    await keyboard.press("Enter")
    await expect(visitor.said).to_have_text(["one", "two", "by hand"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_pages_have_no_fault_that_axe_finds(server: Running, visit: Visit, scheme: str) -> None:
    """Contrast, names, roles and the like, by axe-core: of the list, a live video and a replay."""
    await recorded(server.url, "long", ago=130, title="A recording", media_url="/web/demo.webm")
    async with HubbubClient(server.url, token=MODERATOR) as host:
        await host.start_video("now")
        await host.put_video("soon", started_at=now_ms() + 60_000)
    await post(server.url, "now", "hello", "🔥")
    for path, sign in (("/", ".card"), ("/watch/now", "#turn"), ("/watch/long", "#controls")):
        visitor = await visit(server.url, path, color_scheme=scheme)
        await expect(visitor.page.locator(sign).first).to_be_visible()
        if path == "/watch/now":
            await expect(visitor.said).to_have_text(["hello", "🔥"])
        assert await violations(visitor.page) == [], path
