"""``<hubbub-comments>`` in a real browser, on pages of its own, against the real server.

All of it twice: as it is, and with streams blocked, so by long poll.
"""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, Route, expect
from tests.web.visiting import COMMENTS, Visit, post, signed_in, viewers

from hubbub.limiters.base import Limit
from hubbub.testing.server import Running, ServerProcess, running_server, token

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]


async def test_what_one_posts_another_sees_and_the_poster_at_once(server: Running, visit: Visit) -> None:
    """A comment is shown to its poster before the server has it, once, and to everybody else when it has."""
    ada, grace = await visit(server.url, signed_in("ada")), await visit(server.url, signed_in("grace"))
    await expect(ada.element.get_by_text("No comments yet.")).to_be_visible()
    await expect(grace.state).to_have_text("Live")
    held: list[Route] = []

    async def hold(route: Route) -> None:
        if route.request.method == "POST":
            held.append(route)
        else:
            await route.continue_()

    await ada.page.route(f"**{COMMENTS}", hold)
    await ada.say("first of\nall 👋")
    await expect(ada.said).to_have_text(["first of\nall 👋"])
    await expect(ada.box).to_have_value("")
    await expect(ada.page.locator(".sending")).to_have_count(1)
    await held[0].continue_()

    await expect(grace.said).to_have_text(["first of\nall 👋"])
    await expect(ada.page.locator(".sending")).to_have_count(0)
    await expect(ada.said).to_have_text(["first of\nall 👋"])
    await expect(grace.page.get_by_role("log").locator(".author")).to_have_text("Ada")


async def test_who_reads_further_up_stays_there_and_loads_what_is_earlier(server: Running, visit: Visit) -> None:
    """The place is kept while comments come, what is new is counted, and scrolling up leads to the very first."""
    await post(server.url, *map(str, range(450)))
    visitor = await visit(server.url)
    await expect(visitor.said.last).to_have_text("449")
    await expect(visitor.said.last).to_be_in_viewport()
    log = visitor.page.get_by_role("log")
    await log.hover()
    for _ in range(120):
        await visitor.page.mouse.wheel(0, -2_000)
        if await visitor.said.first.text_content() == "0":
            break
        await visitor.page.wait_for_timeout(30)
    await expect(visitor.said.first).to_have_text("0")
    texts = await visitor.said.all_text_contents()
    assert texts == [str(number) for number in range(450)]
    await expect(visitor.page.get_by_role("button", name="Earlier comments")).to_be_hidden()

    await log.evaluate("(log) => { log.scrollTop = 3000 }")
    await visitor.page.wait_for_timeout(50)
    await post(server.url, "450", "451")
    newer = visitor.page.get_by_role("button", name="2 new")
    await expect(newer).to_be_visible()
    assert await log.evaluate("(log) => log.scrollTop") == 3000
    await newer.click()
    await expect(visitor.said.last).to_have_text("451")
    await expect(visitor.said.last).to_be_in_viewport()
    await expect(newer).to_be_hidden()
    await expect(visitor.said).to_have_count(200)


async def test_earlier_comments_are_offered_where_there_may_be_some(server: Running, visit: Visit) -> None:
    """A first picture of a hundred may not be all; one of fewer is, and so is what was said since."""
    visitor = await visit(server.url)
    earlier = visitor.page.get_by_role("button", name="Earlier comments")
    await post(server.url, *map(str, range(99)))
    await expect(visitor.said).to_have_count(99)
    await expect(earlier).to_be_hidden()
    await visitor.page.reload()
    await expect(visitor.said).to_have_count(99)
    await expect(earlier).to_be_hidden()
    await post(server.url, "99", "100")
    await visitor.page.reload()
    await expect(visitor.said).to_have_count(100)
    await expect(earlier).to_be_attached()
    await expect(earlier).not_to_have_attribute("hidden", "")


async def test_earlier_comments_come_in_above_without_moving_what_is_read(server: Running, visit: Visit) -> None:
    """When a page of them arrives, or a comment above is deleted, the line one is reading stays where it is."""
    ids = await post(server.url, *map(str, range(300)))
    visitor = await visit(server.url)
    await expect(visitor.said.last).to_have_text("299")
    log = visitor.page.get_by_role("log")
    place = "(log) => log.querySelector('[data-id=\"%s\"]').getBoundingClientRect().top"
    await log.evaluate("(log) => { log.scrollTop = 60 }")
    await expect(visitor.said.first).not_to_have_text("200")
    # Only after the first page is here is the place to be compared: scrolling itself moves it.
    await log.evaluate("(log) => { log.scrollTop = log.scrollHeight / 2 }")
    await visitor.page.wait_for_timeout(200)
    reading = await log.evaluate(
        """(log) => [...log.querySelectorAll("li")].find((row) => row.getBoundingClientRect().top > 100).dataset.id"""
    )
    before = await log.evaluate(place % reading)
    headers = {"Authorization": f"Bearer {token('mod', ('moderate',))}"}
    async with httpx.AsyncClient(base_url=server.url + COMMENTS, headers=headers) as moderator:
        above = ids[ids.index(reading) - 5]
        (await moderator.delete(f"/{above}")).raise_for_status()
        await expect(log.locator(f'[data-id="{above}"]')).to_have_count(0)
        await visitor.page.wait_for_timeout(50)
        assert abs(await log.evaluate(place % reading) - before) < 1
        (await moderator.post(f"/{ids[ids.index(reading) - 4]}/hide")).raise_for_status()
        (await moderator.post(f"/{ids[ids.index(reading) - 4]}/restore")).raise_for_status()
        await visitor.page.wait_for_timeout(200)
        assert abs(await log.evaluate(place % reading) - before) < 1


async def test_a_restarted_server_is_joined_again_and_what_was_posted_meanwhile_arrives(
    tmp_path: Path, visit: Visit
) -> None:
    """After ``kill -9`` nothing is missed or doubled, and a comment sent into the gap is delivered by itself."""
    process = ServerProcess(tmp_path, HUBBUB_RETRY_MIN="50ms", HUBBUB_RETRY_MAX="100ms")
    async with process:
        ada, grace = await visit(process.url, signed_in("ada")), await visit(process.url, signed_in("grace"))
        await ada.say("before")
        await expect(grace.said).to_have_text(["before"])
        await process.kill()
        await expect(grace.state).to_have_text("Connection lost. Trying again…")
        await ada.say("into the gap")
        await expect(ada.page.locator(".sending")).to_have_count(1)
        await process.start()
        await post(process.url, "after")
        for visitor in (ada, grace):
            await expect(visitor.said).to_have_count(3, timeout=20_000)
            assert sorted(await visitor.said.all_text_contents()) == ["after", "before", "into the gap"]
            await expect(visitor.state).to_have_text("Live")


async def test_seven_tabs_share_one_stream(server: Running, visit: Visit, browser: Browser) -> None:
    """Over HTTP/1.1 a browser has six connections: the seventh tab lives too, and survives the one that led."""
    context = await browser.new_context()
    tabs = [await visit(server.url, context=context) for _ in range(7)]
    for tab in tabs:
        await expect(tab.state).to_have_text("Live")
    await post(server.url, "one")
    for tab in tabs:
        await expect(tab.said).to_have_text(["one"])
    assert await viewers(server.url) <= 1

    await tabs.pop(0).page.close()
    await post(server.url, "two")
    for tab in tabs:
        await expect(tab.said).to_have_text(["one", "two"])
    assert await viewers(server.url) <= 1
    late = await visit(server.url, context=context)
    await expect(late.said).to_have_text(["one", "two"])


async def test_refusals_are_said_in_words_and_nothing_written_is_lost(tmp_path: Path, visit: Visit) -> None:
    """The text is back in the box, with what to do about it."""
    async with running_server(tmp_path, post_limit=Limit(1, 60)) as server:
        visitor = await visit(server.url, signed_in("ada"))
        await visitor.say("one")
        await expect(visitor.page.locator(".sending")).to_have_count(0)
        await visitor.say("two")
        await expect(visitor.element.get_by_text("That was fast")).to_be_visible()
        await visitor.page.get_by_role("button", name="Discard").click()
        await expect(visitor.said).to_have_text(["one"])

        await visitor.box.fill("x" * 520)
        await expect(visitor.element.get_by_text("20 too many")).to_be_visible()
        await visitor.page.get_by_role("button", name="Send").click()
        await expect(visitor.box).to_have_value("x" * 520)
        await visitor.box.fill("x" * 470)
        await expect(visitor.element.get_by_text("30 left")).to_be_visible()


async def test_everybody_is_offered_just_what_they_may_do(server: Running, visit: Visit) -> None:
    """Authors delete their own, moderators pin, hide and delete, readers mute; a pin stands on top for everybody."""
    await post(server.url, "by grace")
    ada = await visit(server.url, signed_in("ada"))
    mod = await visit(server.url, signed_in("mod", "read", "post", "moderate"))
    nobody = await visit(server.url)
    await ada.say("by ada")
    for visitor in (ada, mod, nobody):
        await expect(visitor.said).to_have_text(["by grace", "by ada"])
    assert await ada.offered("by ada") == ["Delete"]
    assert await ada.offered("by grace") == ["Mute Grace"]
    assert await nobody.offered("by grace") == ["Mute Grace"]
    assert await mod.offered("by grace") == ["Pin", "Hide for everybody", "Delete", "Mute Grace"]
    await expect(nobody.element.get_by_text("Sign in to comment.")).to_be_visible()

    await mod.element.get_by_role("button", name="Pin").click()
    for visitor in (ada, mod, nobody):
        await expect(visitor.element.get_by_role("region", name="Pinned").locator(".text")).to_have_text("by grace")
    await mod.offered("by ada")
    await mod.element.get_by_role("button", name="Hide for everybody").click()
    for visitor in (ada, mod, nobody):
        await expect(visitor.said).to_have_text(["by grace"])

    await nobody.offered("by grace")
    await nobody.element.get_by_role("button", name="Mute Grace").click()
    await expect(nobody.said).to_have_count(0)
    await nobody.page.reload()
    await expect(nobody.state).to_have_text("Live")
    await expect(nobody.said).to_have_count(0)


async def test_what_one_does_to_a_comment_is_said_in_words(server: Running, visit: Visit) -> None:
    """Where a screen reader hears it, too: done, or why not; muting somebody can be undone."""
    ids = await post(server.url, *(f"comment {number}" for number in range(6)))
    who = ("mod", "read", "moderate")  # there is no box to complain in
    mod = await visit(server.url, signed_in(*who) + " report")
    await expect(mod.said).to_have_count(6)
    told = mod.element.get_by_role("status").filter(has=mod.page.locator(".state"))
    # A site's own: Hubbub itself takes no reports.
    await mod.page.route(f"**{COMMENTS}/{ids[0]}/report", lambda route: route.fulfill(status=204))
    deeds = {"Report": "Reported. Thank you.", "Hide for everybody": "Hidden for everybody.", "Pin": "Pinned."}
    for number, (deed, words) in enumerate({**deeds, "Delete": "Deleted."}.items()):
        await mod.offered(f"comment {number}")
        await mod.element.get_by_role("button", name=deed, exact=True).click()
        await expect(told).to_contain_text(words)
    pinned = mod.element.get_by_role("region", name="Pinned").get_by_role("listitem")
    await pinned.hover()
    await mod.element.get_by_role("button", name="Unpin").click()
    await expect(told).to_contain_text("Unpinned.")

    refusals = {
        4: "This page has asked for something odd. Load it again.",
        5: "The server can’t be reached. Are you online?",
    }
    await mod.page.route(f"**{COMMENTS}/{ids[5]}/report", lambda route: route.abort())
    for number, words in refusals.items():
        await mod.offered(f"comment {number}")
        await mod.element.get_by_role("button", name="Report").click()
        await expect(told).to_contain_text(words)
    await mod.offered("comment 0")
    await mod.element.get_by_role("button", name="Pin", exact=True).click()
    await expect(pinned).to_have_count(1)
    await mod.offered("comment 2")
    await mod.element.get_by_role("button", name="Mute Grace").click()
    await expect(told).to_contain_text("Grace is muted.")
    await expect(mod.said).to_have_count(0)
    await expect(pinned).to_have_count(0)
    await mod.element.get_by_role("button", name="Undo").click()
    await expect(pinned).to_have_count(1)
    await expect(mod.said).to_have_text(["comment 0", "comment 2", "comment 4", "comment 5"])


async def test_live_comments_wait_for_the_players_latency(server: Running, visit: Visit) -> None:
    """What is said now is shown when this viewer's player has come to that moment; one's own comment at once."""
    visitor = await visit(server.url, signed_in("ada") + ' latency="2"')
    await expect(visitor.state).to_have_text("Live")
    await post(server.url, "goal!")
    await visitor.say("mine")
    await expect(visitor.said).to_have_text(["mine"])
    await visitor.page.wait_for_timeout(800)
    await expect(visitor.said).to_have_text(["mine"])
    await expect(visitor.said).to_have_count(2, timeout=4_000)


async def test_a_recording_is_replayed_by_the_players_clock(server: Running, visit: Visit) -> None:
    """``mode=auto`` replays what has ended: what stood there after a seek, and each comment at its time."""
    headers = {"Authorization": f"Bearer {token('mod', ('read', 'post', 'moderate'))}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as host:
        (await host.post("/v1/videos/demo/start")).raise_for_status()
        await post(server.url, "one")
        await post(server.url, "two")
        (await host.post("/v1/videos/demo/end")).raise_for_status()
        replay = (await host.get("/v1/videos/demo/replay", params={"start": 0})).json()
    first, second = (comment["offset"] for comment in replay["comments"])
    visitor = await visit(server.url)
    await expect(visitor.state).to_have_text("Ended")
    await visitor.page.evaluate(
        """async () => {
            const { PlayerClock } = await import("/client/v1/hubbub-comments.js");
            const element = document.querySelector("hubbub-comments");
            window.player = element.clock = new PlayerClock();
            element.setAttribute("mode", "auto");
        }"""
    )
    await expect(visitor.state).to_have_text("Replay")
    await expect(visitor.said).to_have_count(0)
    await visitor.page.evaluate(f"player.currentTime = {(first + second) / 2}")
    await expect(visitor.said).to_have_text(["one"])
    await visitor.page.evaluate("player.play()")
    await expect(visitor.said).to_have_text(["one", "two"])
    await visitor.page.evaluate("player.currentTime = 0, player.pause()")
    await expect(visitor.said).to_have_count(0)


async def test_a_page_shows_comments_in_its_own_way_and_words(server: Running, visit: Visit) -> None:
    """Strings and the look of a text are the page's to choose; events tell it what happens."""
    visitor = await visit(server.url, signed_in("ada"))
    await expect(visitor.state).to_have_text("Live")
    await visitor.page.evaluate(
        """() => {
            const element = document.querySelector("hubbub-comments");
            element.strings = { send: "Senden", live: "Läuft" };
            const made = () => document.createElement("em");
            element.renderComment = ({ text }) => Object.assign(made(), { textContent: text + "!" });
            window.heard = [];
            for (const type of ["comment", "post", "state"]) document.addEventListener(type, () => heard.push(type));
        }"""
    )
    await visitor.box.fill("Hallo")
    await visitor.page.get_by_role("button", name="Senden").click()
    await expect(visitor.page.get_by_role("log").locator("em")).to_have_text(["Hallo!"])
    await expect(visitor.state).to_have_text("Läuft")
    heard: list[str] = []
    while not {"post", "comment"} <= set(heard):
        heard = await visitor.page.evaluate("heard")
