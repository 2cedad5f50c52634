"""The development page in a real browser, against the real server."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, expect

from hubbub.testing.server import Running, ServerProcess, running_server, token

# One loop for the module, so that its tests can share one browser.
pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

COMMENTS = "/v1/videos/demo/comments"
MARKUP = [
    "<img src=x onerror=console.error(1)>",
    "<script>console.error(2)</script>",
    "\"'><svg/onload=console.error(3)>",
    "</p><iframe srcdoc='<script>parent.console.error(4)</script>'></iframe>",
    "&lt;b&gt; {{constructor.constructor('console.error(5)')()}}",
]
NASTY = {
    "a long word": "a" * 500,
    "a long address": ("https://example.org/" + "path/" * 96)[:500],
    "combining marks": "Z" + "\u0301\u0316\u0489" * 166,
    "right to left": "هذا تعليق طويل يلتف من اليمين إلى اليسار " * 10,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈🔥" * 30,
    "lines": "\n".join("123456789"),
}


class Visitor:
    """Somebody with a browser of their own.

    ``faults`` is what no visit may cause; ``failed`` what the console said of answers that were no success, or of none.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.faults: list[str] = []
        self.failed: list[str] = []
        self._host = urlsplit(url).netloc
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda request: self._request(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            (self.failed if message.text.startswith("Failed to load resource") else self.faults).append(message.text)

    def _request(self, url: str) -> None:
        if urlsplit(url).scheme != "data" and urlsplit(url).netloc != self._host:
            self.faults.append(f"a request to {url}")

    @property
    def said(self) -> Locator:
        """The comments' texts, in the order of the page."""
        return self.page.get_by_role("log").locator(".said")

    @property
    def state(self) -> Locator:
        """What the page says of its connection."""
        return self.page.locator("#state")

    async def say(self, text: str, *, name: str = "") -> None:
        """Write a comment as a person does; returns when it has been sent off, not when it is there."""
        if name:
            await self.page.get_by_label("Posting as").fill(name)
        await self.page.get_by_label("Your comment").fill(text)
        await self.page.get_by_role("button", name="Send").click()


Visit = Callable[..., Awaitable[Visitor]]


@pytest_asyncio.fixture(loop_scope="module")
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """Opens the page for somebody new. Whatever the test was about, nobody may have met a fault."""
    visitors: list[Visitor] = []

    async def open_page(url: str, *, query: str = "", width: int = 1000, height: int = 700) -> Visitor:
        context = await browser.new_context(viewport={"width": width, "height": height})
        visitor = Visitor(await context.new_page(), url)
        visitors.append(visitor)
        await visitor.page.goto(url + "/" + query)
        return visitor

    yield open_page
    for visitor in visitors:
        await visitor.page.context.close()
    assert [fault for visitor in visitors for fault in visitor.faults] == []


@pytest_asyncio.fixture(loop_scope="module")
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A development server without limits."""
    async with running_server(tmp_path, dev=True) as running:
        yield running


def development_process(directory: Path) -> ServerProcess:
    """A development server that can be killed, whose viewers come back at once."""
    return ServerProcess(directory, HUBBUB_DEV="true", HUBBUB_RETRY_MIN="50ms", HUBBUB_RETRY_MAX="100ms")


async def post(url: str, *texts: str, **claims: Any) -> list[str]:
    """Post as a program does, with further ``claims`` in its token; the comments' ids."""
    headers = {"Authorization": f"Bearer {token('grace', **claims)}"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        answers = [await client.post(COMMENTS, json={"text": text}) for text in texts]
    return [answer.raise_for_status().json()["id"] for answer in answers]


async def test_what_one_visitor_posts_another_sees(server: Running, visit: Visit) -> None:
    """A comment appears on every open page, under the name its guest chose, and the poster's box is empty again."""
    ada, grace = await visit(server.url), await visit(server.url)
    await expect(ada.page.get_by_text("Be the first")).to_be_visible()

    await ada.say("first of\nall 👋", name="Ada")

    for visitor in (ada, grace):
        await expect(visitor.said).to_have_text(["first of\nall 👋"])
        await expect(visitor.page.get_by_role("log").locator(".name")).to_have_text("Ada")
        await expect(visitor.page.get_by_text("Be the first")).to_be_hidden()
    await expect(ada.page.get_by_label("Your comment")).to_have_value("")
    assert ada.failed == grace.failed == []


async def test_only_its_guest_can_remove_a_comment_and_it_goes_everywhere(server: Running, visit: Visit) -> None:
    """One's own comment has a button that deletes it from every page; those of others have none."""
    ada, grace = await visit(server.url), await visit(server.url)
    await grace.say("stays")
    await expect(ada.said).to_have_text(["stays"])
    await ada.say("goes")
    await expect(grace.said).to_have_text(["stays", "goes"])

    await expect(ada.page.get_by_role("button", name="Remove “stays”")).to_be_hidden()
    await ada.page.get_by_role("button", name="Remove “goes”").click()

    for visitor in (ada, grace):
        await expect(visitor.said).to_have_text(["stays"])
    assert ada.failed == grace.failed == []


async def test_markup_in_a_comment_or_a_name_is_shown_as_it_was_written(server: Running, visit: Visit) -> None:
    """Whatever people write is text: it makes no element, runs no script, loads nothing."""
    writer = await visit(server.url)
    await expect(writer.state).to_contain_text("Live")
    for payload in MARKUP:
        await writer.say(payload, name=payload[:40])
        await expect(writer.said.last).to_have_text(payload)
    reader = await visit(server.url)

    for visitor in (writer, reader):
        await expect(visitor.said).to_have_text(MARKUP)
        await expect(visitor.page.get_by_role("log").locator(".name")).to_have_text([text[:40] for text in MARKUP])
        await expect(visitor.page.locator("#log :is(img, script, svg, iframe)")).to_have_count(0)
        assert visitor.failed == []


async def test_a_restarted_server_is_joined_again_without_loss_or_double(tmp_path: Path, visit: Visit) -> None:
    """After ``kill -9`` and a restart the page goes on: what was said meanwhile comes, and everything is there once."""
    async with development_process(tmp_path) as server:
        ada = await visit(server.url)
        await ada.say("before")
        await expect(ada.said).to_have_text(["before"])

        await server.kill()
        await expect(ada.state).to_have_text("Connection lost; trying again")
        await ada.say("too early")
        await expect(ada.page.get_by_role("alert")).to_contain_text("can’t be reached")
        await server.start()
        await post(server.url, "meanwhile")
        await expect(ada.said).to_have_text(["before", "meanwhile"])

        await ada.page.get_by_role("button", name="Send").click()
        await expect(ada.said).to_have_text(["before", "meanwhile", "too early"])
        await expect(ada.page.get_by_role("alert")).to_be_hidden()
        await expect(ada.state).to_contain_text("Live")


async def test_a_page_that_missed_too_much_begins_anew(tmp_path: Path, visit: Visit) -> None:
    """Where the server can't prove what was missed, the page drops what it shows and takes the newest comments."""
    async with development_process(tmp_path) as server:
        ada = await visit(server.url)
        await ada.say("in a database that is lost")
        await expect(ada.said).to_have_count(1)

        await ada.page.context.set_offline(True)
        await server.kill()
        for name in ("hubbub.db", "hubbub.db-wal", "hubbub.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        await server.start()
        await post(server.url, *map(str, range(1_001)))
        await ada.page.context.set_offline(False)

        await expect(ada.said).to_have_text([str(number) for number in range(901, 1_001)])


@pytest.mark.parametrize("width", [360, 1000])
async def test_nothing_scrolls_sideways(server: Running, visit: Visit, width: int) -> None:
    """From a phone's width up the page is as wide as the window, whatever people write in it and in their names."""
    await post(server.url, *NASTY.values(), name="N" + "\u0301" * 20 + "ame" * 14, roles=["m" * 32, "w" * 32])
    visitor = await visit(server.url, width=width, height=640)
    await expect(visitor.said).to_have_text([text.strip() for text in NASTY.values()])
    await visitor.page.get_by_text("From a terminal").click()

    beyond_the_edge = await visitor.page.evaluate(
        """[...document.querySelectorAll("body *")]
            .filter((element) => element.getBoundingClientRect().right > innerWidth)
            .map((element) => element.outerHTML.slice(0, 80))"""
    )

    assert beyond_the_edge == []
    assert await visitor.page.evaluate("document.documentElement.scrollWidth") == width
    assert await visitor.page.evaluate("log.scrollWidth === log.clientWidth")


async def test_who_reads_further_up_is_left_there_and_told_what_is_new(server: Running, visit: Visit) -> None:
    """The newest comment is followed until one scrolls up; then the place is kept, and a button leads to the new."""
    await post(server.url, *map(str, range(40)))
    visitor = await visit(server.url)
    await expect(visitor.said.last).to_be_in_viewport()
    await visitor.page.evaluate(
        "log.scrollTop = 100; new Promise((done) => requestAnimationFrame(() => setTimeout(done)))"
    )

    await post(server.url, "40", "41")

    newer = visitor.page.get_by_role("button", name="2 new")
    await expect(newer).to_be_visible()
    assert await visitor.page.evaluate("log.scrollTop") == 100
    await newer.click()
    await expect(visitor.said.last).to_be_in_viewport()
    await expect(visitor.page.locator("#newer")).to_be_hidden()
    await post(server.url, "42")
    await visitor.page.get_by_text("From a terminal").click()  # which takes room from the comments
    await expect(visitor.said.last).to_have_text("42")
    await expect(visitor.said.last).to_be_in_viewport(ratio=1)


async def test_the_page_keeps_the_newest_200_comments(server: Running, visit: Visit) -> None:
    """An evening's comments don't pile up in the browser: the oldest rows go."""
    visitor = await visit(server.url)
    await expect(visitor.state).to_contain_text("Live")

    await post(server.url, *map(str, range(230)))

    await expect(visitor.said).to_have_text([str(number) for number in range(30, 230)])


async def test_what_moderators_do_is_seen_at_once(server: Running, visit: Visit) -> None:
    """A hidden comment leaves; restored, it stands in its old place; pins stand above all, for a newcomer too."""
    _, second, third = await post(server.url, "one", "two", "three")
    visitor = await visit(server.url)
    await expect(visitor.said).to_have_text(["one", "two", "three"])
    headers = {"Authorization": f"Bearer {token('mod', ('read', 'moderate'))}"}
    async with httpx.AsyncClient(base_url=server.url + COMMENTS, headers=headers) as moderator:
        (await moderator.post(f"/{second}/hide")).raise_for_status()
        await expect(visitor.said).to_have_text(["one", "three"])
        (await moderator.post(f"/{second}/restore")).raise_for_status()
        await expect(visitor.said).to_have_text(["one", "two", "three"])

        (await moderator.put(f"/{third}/pin")).raise_for_status()
        newcomer = await visit(server.url)
        for each in (visitor, newcomer):
            await expect(each.page.get_by_role("region", name="Pinned").locator(".said")).to_have_text(["three"])
        (await moderator.delete(f"/{third}/pin")).raise_for_status()
        for each in (visitor, newcomer):
            await expect(each.page.get_by_role("region", name="Pinned")).to_be_hidden()


async def test_a_refused_comment_stays_in_the_box_with_the_reason_above(server: Running, visit: Visit) -> None:
    """The server's own sentence says what to change, and nothing that was written is lost."""
    visitor = await visit(server.url)

    await visitor.say("x" * 501)

    await expect(visitor.page.get_by_role("alert")).to_contain_text("has 501 characters; at most 500 are allowed")
    await expect(visitor.page.get_by_label("Your comment")).to_have_value("x" * 501)
    await visitor.say("shorter")
    await expect(visitor.said).to_have_text(["shorter"])
    await expect(visitor.page.get_by_role("alert")).to_be_hidden()


async def test_a_token_that_is_not_taken_any_more_is_replaced(server: Running, visit: Visit) -> None:
    """A guest of another server, or of yesterday, posts all the same: the page gets a new token and tries once more."""
    visitor = await visit(server.url)
    await visitor.say("one", name="Ada")
    await expect(visitor.said).to_have_text(["one"])
    staling = "localStorage['hubbub-guest'] = localStorage['hubbub-guest'].replace(/eyJ[^\"]+/, 'stale')"
    await visitor.page.evaluate(staling)
    await visitor.page.reload()
    await expect(visitor.page.get_by_label("Posting as")).to_have_value("Ada")

    await visitor.say("two")

    await expect(visitor.said).to_have_text(["one", "two"])
    assert ["401" in words for words in visitor.failed] == [True]


async def test_the_video_is_chosen_by_the_address_and_on_the_page(server: Running, visit: Visit) -> None:
    """``?video=`` picks the video, the field leads to another."""
    visitor = await visit(server.url, query="?video=other")
    await visitor.say("on the other video")
    await expect(visitor.said).to_have_text(["on the other video"])

    field = visitor.page.get_by_label("Video", exact=True)
    await expect(field).to_have_value("other")
    await field.fill("demo")
    await field.press("Enter")
    await expect(visitor.page).to_have_url(server.url + "/?video=demo")
    await expect(visitor.state).to_contain_text("Live")
    await expect(visitor.said).to_have_count(0)


@pytest.mark.parametrize("video", ["'; echo smuggled; '", '"><script>alert(1)</script>', "a/b", "v" * 129])
async def test_an_impossible_video_is_explained_in_words(server: Running, visit: Visit, video: str) -> None:
    """What can't be a video's id is never asked for, nor put into a line for somebody's shell."""
    visitor = await visit(server.url, query="?" + urlencode({"video": video}))

    await expect(visitor.state).to_have_text("A video’s id is 1 to 128 of A-Z a-z 0-9 . _ -")
    await expect(visitor.page.get_by_label("Your comment")).to_be_hidden()
    assert await visitor.page.locator("code").all_text_contents() == ["", ""]
    assert visitor.failed == []


async def test_the_lines_for_a_terminal_post_and_watch(server: Running, visit: Visit) -> None:
    """The two curl lines work as they stand, with nothing but a shell."""
    visitor = await visit(server.url)
    await visitor.page.get_by_text("From a terminal").click()

    posting = await shell(await visitor.page.locator("#curl-post").inner_text())
    await expect(visitor.said).to_have_text(["Hello!"])
    watching = await shell(await visitor.page.locator("#curl-watch").inner_text() + " --max-time 1")

    assert '"text":"Hello!"' in posting
    assert "event: welcome" in watching
    assert '"text":"Hello!"' in watching


async def shell(line: str) -> str:
    """What a line prints when it is pasted into a terminal."""
    process = await asyncio.create_subprocess_exec("sh", "-c", line, stdout=PIPE, stderr=DEVNULL)
    output, _ = await process.communicate()
    return output.decode()


async def test_the_page_is_used_by_keyboard_alone(server: Running, visit: Visit) -> None:
    """Everything is reached with Tab in reading order; Enter sends, Shift + Enter starts a line."""
    visitor = await visit(server.url)
    await expect(visitor.state).to_contain_text("Live")
    reached = []
    for _ in range(6):
        await visitor.page.keyboard.press("Tab")
        reached.append(await visitor.page.evaluate("document.activeElement.id || document.activeElement.tagName"))
    assert reached == ["video", "log", "text", "send", "name", "SUMMARY"]

    await visitor.page.get_by_label("Your comment").focus()
    await visitor.page.keyboard.type("two")
    await visitor.page.keyboard.press("Shift+Enter")
    await visitor.page.keyboard.type("lines")
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.said).to_have_count(1)
    assert await visitor.said.text_content() == "two\nlines"
    assert await visitor.page.evaluate("document.activeElement.id") == "text"


async def test_old_comments_are_not_read_out_and_new_ones_are(server: Running, visit: Visit) -> None:
    """A screen reader hears what is said from now on, not the hundred comments from before."""
    await post(server.url, "from before")
    visitor = await visit(server.url)
    log = visitor.page.get_by_role("log", name="Comments")
    await expect(visitor.said).to_have_text(["from before"])
    assert await log.get_attribute("aria-live") == "off"
    await expect(log).to_have_attribute("aria-live", "polite")
