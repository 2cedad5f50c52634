"""An element that is given another video, or that goes from live to the recording: nothing stays of what was shown."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest
from playwright.async_api import Route, expect
from tests.web.visiting import COMMENTS, Visit, post, signed_in

from hubbub.testing.server import Running, token

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

MODERATOR = {"Authorization": f"Bearer {token('mod', ('read', 'post', 'moderate'))}"}


async def test_what_is_still_on_its_way_is_not_shown_among_another_videos_comments(
    server: Running, visit: Visit
) -> None:
    """It is kept where it was written, and shown there."""
    ada = await visit(server.url, signed_in("ada"))
    held: asyncio.Queue[Route] = asyncio.Queue()

    async def hold(route: Route) -> None:
        await (held.put(route) if route.request.method == "POST" else route.continue_())

    await ada.page.route(re.compile("/comments$"), hold)
    await expect(ada.state).to_have_text("Live")
    await ada.say("said in demo")
    route = await held.get()
    await expect(ada.said).to_have_text(["said in demo"])
    await ada.element.evaluate("element => element.setAttribute('video', 'other')")
    await expect(ada.state).to_have_text("Live")
    await expect(ada.said).to_have_count(0)
    async with ada.page.expect_response(re.compile("/comments$")):
        await route.continue_()
    await ada.page.unroute_all()
    await ada.say("said in other")
    await expect(ada.said).to_have_text(["said in other"])
    await ada.element.evaluate("element => element.setAttribute('video', 'demo')")
    await expect(ada.said).to_have_text(["said in demo"])


async def test_pins_and_comments_of_the_video_before_are_gone(server: Running, visit: Visit) -> None:
    """Also where the next one is refused, or there is none."""
    [id] = await post(server.url, "pinned in demo")
    async with httpx.AsyncClient(base_url=server.url, headers=MODERATOR) as moderator:
        (await moderator.put(f"{COMMENTS}/{id}/pin")).raise_for_status()
    visitor = await visit(server.url)
    pinned = visitor.element.get_by_role("region", name="Pinned")
    for video in ("bad id!", None):
        await visitor.element.evaluate("element => element.setAttribute('video', 'demo')")
        await expect(visitor.said).to_have_text(["pinned in demo"])
        await expect(pinned).to_be_visible()
        await visitor.element.evaluate(
            "(element, video) => (video ? element.setAttribute('video', video) : element.removeAttribute('video'))",
            video,
        )
        await expect(visitor.said).to_have_count(0)
        await expect(pinned).to_be_hidden()
