"""The pages in a real browser, against the real server, as people use them."""

from __future__ import annotations

import asyncio
import json
import re
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, expect
from tests.web.pages.visitor import MODERATOR, Visit, post, recorded

from hubbub.client import HubbubClient
from hubbub.ids import now_ms
from hubbub.testing.server import Running, running_server, token

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

PATIENT = 20_000  # ms, for what the machine's load may delay
MARKUP = "<img src=x onerror=console.error(1)>\"'></h1><script>console.error(2)</script>"


async def test_a_newcomer_presses_the_button_and_sees_a_living_stream(server: Running, visit: Visit) -> None:
    """One button starts the demo and leads to it: comments move, the clip plays. What one posts there, a second window
    sees. Ended by one click, it is a replay that can be scrubbed.
    """
    ada = await visit(server.url)
    await expect(ada.page.get_by_text("Nothing is on yet")).to_be_visible()
    await ada.page.get_by_role("button", name="Start the demo").click()
    await expect(ada.page).to_have_url(server.url + "/watch/demo")
    await expect(ada.state).to_have_text("Live")
    await expect(ada.page.locator("#demo")).to_be_hidden()
    await expect(ada.page.get_by_role("heading", level=1)).to_have_text("Northern lights over the ridge")
    await expect(ada.said.nth(3)).to_be_visible(timeout=PATIENT)
    await expect(ada.page.get_by_role("region", name="Pinned").locator(".text")).to_have_count(1)
    before = await ada.media_time()
    await ada.page.wait_for_function("start => document.getElementById('media').currentTime !== start", arg=before)

    await ada.page.get_by_label("Name").fill("Ada")
    await ada.say("hello from a newcomer")
    grace = await visit(server.url)
    await expect(grace.page.get_by_role("button", name="Watch the demo")).to_be_visible()
    await grace.page.get_by_role("region", name="Live").get_by_role("link").click()
    mine = grace.page.get_by_role("log").get_by_role("listitem").filter(has_text="hello from a newcomer")
    await expect(mine.locator(".author")).to_have_text("Ada")
    await expect(grace.page.locator("#viewers")).to_have_text("2 watching")

    await ada.page.get_by_role("button", name="End the video").click()
    for visitor in (ada, grace):
        await expect(visitor.state).to_have_text("Replay", timeout=PATIENT)
        await expect(visitor.box).to_be_hidden()
    times = grace.page.get_by_role("log").locator("time")
    await expect(times.first).to_have_text(re.compile(r"^\d+:\d\d$"))
    shown = await times.all_text_contents()
    assert all(re.fullmatch(r"\d+:\d\d", time) for time in shown), shown  # the video's, of what came live as well
    await grace.page.evaluate("document.getElementById('media').currentTime = 0")
    await expect(grace.said).to_have_count(0)
    assert grace.ranges


async def test_a_replay_longer_than_its_clip_has_a_scrubber_of_its_own(server: Running, visit: Visit) -> None:
    """Comments come at their second, both ways; the clip goes along, round and round, as it did when it was live."""
    video = await recorded(server.url, "long", ago=130, media_url="/web/demo.webm")
    length = int((video["ended_at"] - video["started_at"]) / 1000)
    visitor = await visit(server.url, "/watch/long")
    await expect(visitor.state).to_have_text("Replay")
    await expect(visitor.page.locator("#time")).to_have_text(f"0:00 / 2:{length - 120:02d}")
    await expect(visitor.said).to_have_count(0)

    await visitor.seek(131)
    await expect(visitor.said).to_have_text(["one"])
    await visitor.page.wait_for_function("Math.abs(document.getElementById('media').currentTime - 11) < 0.2")
    await visitor.seek(100)
    await expect(visitor.said).to_have_count(0)
    assert await visitor.place.get_attribute("aria-valuetext") == f"1:40 of 2:{length - 120:02d}"

    await visitor.seek(129)
    await visitor.page.get_by_role("button", name="Play").click()
    await expect(visitor.said).to_have_text(["one", "two"], timeout=PATIENT)
    await expect(visitor.page.get_by_role("button", name="Play")).to_be_visible(timeout=PATIENT)  # at its end
    assert visitor.ranges
    await visitor.page.get_by_role("button", name="Play").click()  # it begins anew
    await expect(visitor.said).to_have_count(0)


async def test_a_video_without_media_is_watched_and_scrubbed_all_the_same(server: Running, visit: Visit) -> None:
    """Upcoming, live with a running clock, and by the scrubber when it has ended; one click each in development."""
    visitor = await visit(server.url, "/watch/radio")
    still = visitor.page.locator("#still")
    await expect(visitor.state).to_have_text("Not started")
    await expect(still).to_have_text("It has not begun yet.")
    await visitor.page.get_by_role("button", name="Start the video").click()
    await expect(visitor.state).to_have_text("Live")
    await expect(still).to_have_text("0:01")
    await visitor.say("first")
    await expect(visitor.said).to_have_text(["first"])
    await expect(still).to_have_text("0:03")

    await visitor.page.get_by_role("button", name="End the video").click()
    await expect(visitor.state).to_have_text("Replay")
    await expect(visitor.said).to_have_text(["first"])  # where it ended
    await visitor.seek(0)
    await expect(visitor.said).to_have_count(0)
    await expect(still).to_have_text("0:00")
    await visitor.page.get_by_role("button", name="Play").click()
    await expect(visitor.said).to_have_text(["first"], timeout=PATIENT)

    await visitor.page.get_by_role("button", name="Go on live").click()
    await expect(visitor.state).to_have_text("Live")
    await visitor.say("we are back")
    await expect(visitor.said).to_have_text(["first", "we are back"])


async def test_media_that_can_not_be_played_leave_a_clock(server: Running, visit: Visit) -> None:
    """A stream that this browser does not understand, or that is gone, costs nobody the comments."""
    await recorded(server.url, "gone", ago=30, media_url="/nothing-here.webm")
    visitor = await visit(server.url, "/watch/gone")
    await expect(visitor.page.locator("#still")).to_have_text("0:00")
    await visitor.seek(40)
    await expect(visitor.said).to_have_text(["one", "two"])


async def test_media_that_are_told_later_are_shown_without_a_reload_by_hand(server: Running, visit: Visit) -> None:
    """The page is loaded anew by itself, since its policy names the media's host."""
    async with HubbubClient(server.url, token=MODERATOR) as host:
        await host.start_video("later")
        visitor = await visit(server.url, "/watch/later")
        await expect(visitor.state).to_have_text("Live")
        await expect(visitor.page.locator("#media")).to_be_hidden()
        await host.put_video("later", media_url="/web/demo.webm")
    await expect(visitor.page.locator("#media")).to_be_visible(timeout=PATIENT)


async def test_more_videos_than_a_page_shows_are_said_to_be_there(server: Running, visit: Visit) -> None:
    """With the address that lists them all."""
    async with HubbubClient(server.url, token=MODERATOR) as host:
        for number in range(25):
            await host.put_video(f"video-{number}")
    visitor = await visit(server.url)
    region = visitor.page.get_by_role("region", name="Not started yet")
    await expect(region.get_by_role("link")).to_have_count(24)
    await expect(region).to_contain_text("/v1/videos?state=upcoming")


async def test_what_is_on_changes_while_one_looks(server: Running, visit: Visit) -> None:
    """Live, upcoming (the next first), and what can be watched again; with who watches, without a reload."""
    visitor = await visit(server.url)
    await expect(visitor.page.get_by_text("Nothing is on yet")).to_be_visible()
    async with HubbubClient(server.url, token=MODERATOR) as host:
        await host.put_video("later", title="Later", started_at=now_ms() + 9_000_000)
        await host.put_video("soon", title="Soon", started_at=now_ms() + 3_000_000)
        await host.put_video("now", title=MARKUP, started_at=now_ms() - 60_000)
        await host.put_video("past", title="Past", started_at=now_ms() - 60_000)
        await host.end_video("past")

    def cards(state: str) -> Locator:
        return visitor.page.get_by_role("region", name=state).get_by_role("link")

    await expect(cards("Live").locator(".name")).to_have_text([MARKUP], timeout=PATIENT)
    await expect(cards("Not started yet").locator(".name")).to_have_text(["Soon", "Later"])
    await expect(cards("To watch again").locator(".badge")).to_have_text(["1:00"])
    await expect(visitor.page.get_by_text("Nothing is on yet")).to_be_hidden()
    await expect(visitor.page.locator("main :is(img, script)")).to_have_count(0)
    async with HubbubClient(server.url) as viewer:
        watching = viewer.watch("now")
        await anext(watching)
        await expect(cards("Live").locator(".facts")).to_have_text("1 watching", timeout=PATIENT)
        await watching.aclose()

    await cards("Live").click()
    await expect(visitor.page.get_by_role("heading", level=1)).to_have_text(MARKUP)
    await expect(visitor.page.locator("#about :is(img:not([alt='']), script)")).to_have_count(0)
    await visitor.page.get_by_role("link", name="Hubbub").click()
    await expect(visitor.page).to_have_url(server.url + "/")


async def test_any_id_is_a_video_in_development(server: Running, visit: Visit) -> None:
    """The field leads to its page and nothing that can't be one; whoever talks there is on the list."""
    visitor = await visit(server.url)
    field = visitor.page.get_by_label("Any id is a video")
    await field.fill("'; echo smuggled; '")
    await field.press("Enter")
    await expect(visitor.page).to_have_url(server.url + "/")
    assert "smuggled" not in "".join(await visitor.page.locator("code").all_text_contents())
    await field.fill("my-stream")
    await field.press("Enter")
    await expect(visitor.page).to_have_url(server.url + "/watch/my-stream")
    await visitor.say("hello")
    await expect(visitor.said).to_have_text(["hello"])
    await visitor.page.goto(server.url)
    not_started = visitor.page.get_by_role("region", name="Not started yet")
    await expect(not_started.locator(".name")).to_have_text(["my-stream"])


async def test_a_guest_who_moderates_is_offered_a_moderators_tools(server: Running, visit: Visit) -> None:
    """By ticking a box; what they hide is gone for everybody."""
    await post(server.url, "v", "stays", "goes")
    visitor, other = await visit(server.url, "/watch/v"), await visit(server.url, "/watch/v")
    row = visitor.page.get_by_role("log").get_by_role("listitem").filter(has_text="goes")
    await visitor.page.get_by_label("Moderator").check()
    await expect(visitor.said).to_have_count(2)
    await visitor.page.reload()
    await expect(visitor.page.get_by_label("Moderator")).to_be_checked()
    await row.hover()
    await visitor.page.get_by_role("button", name="Hide for everybody").click()
    for each in (visitor, other):
        await expect(each.said).to_have_text(["stays"])


async def test_a_guest_of_another_server_is_given_a_new_token(server: Running, visit: Visit) -> None:
    """A token kept from yesterday, or from a database that is no more, keeps nobody from posting."""
    visitor = await visit(server.url, "/watch/v")
    await expect(visitor.box).to_be_visible()
    stale = token("old", lifetime=-5)
    await visitor.page.evaluate(
        "kept => (localStorage['hubbub-guest'] = kept)", json.dumps({"name": "Ada", "token": stale})
    )
    for path in ("/", "/watch/v"):
        await visitor.page.goto(server.url + path)
    await expect(visitor.page.get_by_label("Name")).to_have_value("Ada")
    await visitor.say("still here")
    await expect(visitor.said).to_have_text(["still here"])


async def test_the_lines_for_a_terminal_post_and_watch(server: Running, visit: Visit) -> None:
    """The two curl lines work as they stand, with nothing but a shell; so do the two lines of HTML."""
    visitor = await visit(server.url, "/watch/v")
    for summary in ("From a terminal", "Put these comments on your own page"):
        await visitor.page.get_by_text(summary).click()
    posting = await shell(await visitor.page.locator("#curl-post").inner_text())
    await expect(visitor.said).to_have_text(["Hello!"])
    watching = await shell(await visitor.page.locator("#curl-watch").inner_text() + " --max-time 1")
    assert '"text":"Hello!"' in posting
    assert "event: welcome" in watching
    assert '"text":"Hello!"' in watching

    lines = await visitor.page.locator("#embed").inner_text()
    assert lines.count("\n") == 1

    async def serve(route: Any) -> None:
        await route.fulfill(body=f"<!doctype html><title>A page</title>{lines}", content_type="text/html")

    await visitor.page.route("**/a-page", serve)
    await visitor.page.goto(server.url + "/a-page")
    await expect(visitor.said).to_have_text(["Hello!"])


async def shell(line: str) -> str:
    """What a line prints when it is pasted into a terminal."""
    process = await asyncio.create_subprocess_exec("sh", "-c", line, stdout=PIPE, stderr=DEVNULL)
    output, _ = await process.communicate()
    return output.decode()


async def test_for_others_a_page_shows_and_says_where_to_comment(tmp_path: Path, visit: Visit) -> None:
    """In production there are no guests and no tools; a link's token lets one watch, whatever else it would allow."""
    async with running_server(tmp_path, watch="token") as server:
        await recorded(server.url, "v", ago=2)
        async with HubbubClient(server.url, token=MODERATOR) as host:
            await host.start_video("v")
        link = f"?access_token={token('ada')}"
        visitor = await visit(server.url, "/" + link)
        await expect(visitor.page.get_by_role("button")).to_have_count(0)
        await visitor.page.get_by_role("region", name="Live").get_by_role("link").click()
        await expect(visitor.said).to_have_text(["one", "two"])
        await expect(visitor.box).to_be_hidden()
        closed = await visit(server.url, "/watch/v")
        await expect(closed.page.get_by_text("whom its site has signed in")).to_be_visible()
    (tmp_path / "public").mkdir()
    async with running_server(tmp_path / "public") as server:
        await post(server.url, "v", "hello")
        visitor = await visit(server.url, "/watch/v")
        await expect(visitor.said).to_have_text(["hello"])
        await expect(visitor.page.get_by_text("sign in on the site that this video belongs to")).to_be_visible()
        await expect(visitor.box).to_be_hidden()
        await expect(visitor.page.get_by_text("Development")).to_be_hidden()
