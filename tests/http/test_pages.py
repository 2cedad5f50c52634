"""The pages as they are sent: their policy, what strangers' texts come to in them, and ranges of media."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from hubbub.client import HubbubClient
from hubbub.http.pages import media_source
from hubbub.model import Video
from hubbub.testing.server import SECRET, Running, running_server, token

MODERATOR = token("mod", ("moderate",))
CLIP = Path(__file__).parents[2] / "src/hubbub/web/demo.webm"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    """A server for others."""
    async with running_server(tmp_path) as running:
        yield running


async def get(server: Running, path: str, **headers: str) -> httpx.Response:
    """What a browser is sent."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        return await client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


def policy(answer: httpx.Response) -> dict[str, str]:
    """The Content-Security-Policy, directive by directive."""
    parts = answer.headers["content-security-policy"].split(";")
    return {name: value for name, _, value in (part.strip().partition(" ") for part in parts)}


class Found(HTMLParser):
    """The elements of a page, as a browser finds them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, list[str | None]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value)


@pytest.mark.parametrize(
    "path", ["/", "/watch/launch", "/watch/a%20b", "/web/watch.js", "/web/pages.css", "/web/demo.webm"]
)
async def test_pages_are_closed_in_themselves(server: Running, path: str) -> None:
    """No script or style within, nothing from other hosts, not in a frame of others, no address given away."""
    answer = await get(server, path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    if not answer.headers["content-type"].startswith("text/html"):
        return
    allowed = policy(answer)
    assert allowed["default-src"] == allowed["base-uri"] == allowed["frame-ancestors"] == "'none'"
    assert allowed["script-src"] == allowed["style-src"] == allowed["connect-src"] == "'self'"
    assert "unsafe" not in str(allowed)
    assert "//" not in str(allowed)
    found = Found(answer.text)
    assert "style" not in found.tags
    assert not [name for name in found.attributes if name == "style" or name.startswith("on")]
    assert all(link and link.startswith("/") for name in ("src", "href") for link in found.attributes.get(name, []))
    assert len(re.findall(r"<script(?! type=\"module\" src=)", answer.text)) == 0
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://cdn.example.org/launch.m3u8?a=b;c#d", "https://cdn.example.org"),
        ("http://cdn.example.org:8080", "http://cdn.example.org:8080"),
        ("/media/launch.webm", "'self'"),
        (None, None),
        ("//evil.example/x", None),
        ("/\\evil.example/x", None),
        ("javascript:alert(1)", None),
        ("data:video/webm,x", None),
        ("https://evil.example;script-src*", None),  # all of these are of letters that a media URL may have
        ("https://evil.example,*/x", None),
        ("https://a'unsafe-inline'/x", None),
        ("https://user@evil.example/x", None),
        ("https://evil.example:99999999/x", None),
        ("https://*.example.org/x", None),
        ("https://evil.example./x", None),
    ],
)
async def test_a_page_may_load_the_media_of_its_own_video_only(url: str | None, source: str | None) -> None:
    """By an origin checked letter by letter: a policy is a language that a URL must not speak."""
    assert media_source(url) == source


async def test_a_video_with_media_elsewhere_names_that_host_on_its_own_page(server: Running) -> None:
    """And on no other; media that a store has from somewhere and that can't be allowed are not in the page at all."""
    async with HubbubClient(server.url, token=MODERATOR) as host:
        await host.put_video("far", media_url="https://cdn.example.org/a.m3u8")
    await server.services.store.keep_video(Video("odd", media_url="https://evil.example;script-src%20*/x"), was=None)
    far, odd, other = [await get(server, f"/watch/{video}") for video in ("far", "odd", "other")]
    assert policy(far)["media-src"] == "https://cdn.example.org"
    assert Found(far.text).attributes["data-media"] == ["https://cdn.example.org/a.m3u8"]
    for answer in (odd, other, await get(server, "/")):
        assert policy(answer)["media-src"] == "'none'"
        assert "https:" not in answer.text
    assert policy(odd).keys() == policy(other).keys()


@pytest.mark.parametrize(
    "title", ["</title><script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "$media ${dev}"]
)
async def test_a_title_is_text(server: Running, title: str) -> None:
    """It makes no element and no attribute, nor is it taken for a place in the page."""
    async with HubbubClient(server.url, token=MODERATOR) as host:
        await host.put_video("v", title=title)
    plain, titled = await get(server, "/watch/other"), await get(server, "/watch/v")
    assert Found(titled.text).tags == Found(plain.text).tags
    assert Found(titled.text).attributes.keys() == Found(plain.text).attributes.keys()
    assert ("$" in title) == ("$media" in titled.text)


async def test_what_can_not_be_shown_is_said_in_words(server: Running) -> None:
    """A person gets a page, with the status that says so to programs."""
    answer = await get(server, "/watch/a%3Cscript%3Eb")
    assert answer.status_code == 400
    assert "Bad video id" in answer.text
    assert "<script>b" not in answer.text


async def test_where_watching_needs_a_token_pages_give_nothing_away(tmp_path: Path) -> None:
    """Neither a title nor where the media is; a link may bring a token, for the videos that it covers."""
    async with running_server(tmp_path, watch="token", videos="registered") as server:
        async with HubbubClient(server.url, token=MODERATOR) as host:
            await host.put_video("v", title="A secret", media_url="https://cdn.example.org/a.webm")
        for path in ("/", "/watch/v", "/watch/nothing"):
            closed = await get(server, path)
            assert closed.status_code == 401
            assert "signed in" in closed.text
            assert "secret" not in closed.text
            assert "example.org" not in str(closed.headers)
        ada, eve = token("ada"), token("eve", videos=["w"])
        assert "A secret" in (await get(server, f"/watch/v?access_token={ada}&utm=x")).text
        assert (await get(server, f"/?access_token={ada}")).status_code == 200
        for path, status in ((f"/watch/v?access_token={eve}", 403), (f"/watch/nothing?access_token={ada}", 404)):
            assert (await get(server, path)).status_code == status


async def test_a_developers_tools_are_on_a_development_servers_pages_only(server: Running, tmp_path: Path) -> None:
    """By one word in the page, which its style and scripts go by."""
    assert Found((await get(server, "/watch/v")).text).attributes["class"][0] == "watch "
    (tmp_path / "dev").mkdir()
    async with running_server(tmp_path / "dev", dev=True, jwt_secret=SECRET) as development:
        assert Found((await get(development, "/watch/v")).text).attributes["class"][0] == "watch dev"


async def test_pages_can_be_left_away(tmp_path: Path) -> None:
    """``HUBBUB_PAGES=false``: the calls and the client alone."""
    async with running_server(tmp_path, pages=False) as server:
        for path, status in (
            ("/", 404),
            ("/watch/v", 404),
            ("/web/watch.js", 404),
            ("/docs", 200),
            ("/v1/videos", 200),
        ):
            assert (await get(server, path)).status_code == status


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, -1),
        ("bytes=0-9", 0, 9),
        ("bytes=100-199", 100, 199),
        ("bytes=-5", -5, -1),
        ("bytes=9-99999999", 9, -1),
    ],
)
async def test_media_are_sent_in_ranges(server: Running, asked: str, first: int, last: int) -> None:
    """What a browser needs to seek (RFC 9110, section 14)."""
    whole = CLIP.read_bytes()
    first, last = first % len(whole), last % len(whole)
    answer = await get(server, "/web/demo.webm", range=asked)
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
    assert answer.headers["content-type"] == "video/webm"
    assert answer.content == whole[first : last + 1]


@pytest.mark.parametrize(
    "asked", ["bytes=9-3", "bytes=0-1,5-9", "bytes=", "bytes=a-b", "lines=0-1", "bytes=-", "bytes=1 - 2"]
)
async def test_a_range_that_is_none_is_passed_over(server: Running, asked: str) -> None:
    """The whole is right for everybody."""
    answer = await get(server, "/web/demo.webm", range=asked)
    assert (answer.status_code, answer.headers["accept-ranges"]) == (200, "bytes")
    assert answer.content == CLIP.read_bytes()


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=99999999-999999999", "bytes=-0"])
async def test_a_range_beyond_the_end_is_refused_with_the_size(server: Running, asked: str) -> None:
    """So that the browser knows."""
    answer = await get(server, "/web/demo.webm", range=asked)
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{CLIP.stat().st_size}")


async def test_a_range_of_another_version_is_not_given(server: Running) -> None:
    """``If-Range``: the part only if it is of the file that the browser has. What it has whole is not sent again."""
    tag = (await get(server, "/web/demo.webm")).headers["etag"]
    assert (await get(server, "/web/demo.webm", range="bytes=0-9", if_range=tag)).status_code == 206
    assert (await get(server, "/web/demo.webm", range="bytes=0-9", if_range='"other"')).status_code == 200
    for name in ("demo.webm", "watch.js"):
        tag = (await get(server, f"/web/{name}")).headers["etag"]
        assert (await get(server, f"/web/{name}", if_none_match=tag)).status_code == 304


@pytest.mark.parametrize("path", ["/web/demo.webm", "/web/pages.css"])
async def test_what_a_browser_has_is_not_sent_again_however_it_says_so(server: Running, path: str) -> None:
    """By the tag alone, among others, as a weak one, or by ``*`` (RFC 9110, section 13.1.2)."""
    tag = (await get(server, path)).headers["etag"].removeprefix("W/")
    for known in (tag, f"W/{tag}", f'"other", W/{tag}', "*"):
        assert (await get(server, path, **{"if-none-match": known})).status_code == 304, known
    assert (await get(server, path, **{"if-none-match": '"other"'})).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("br, x-gzip;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("gzip; Q=0.000, br", None),
        ("identity", None),
    ],
)
async def test_text_is_zipped_for_whoever_takes_that(server: Running, accepted: str, coding: str | None) -> None:
    """A weight of zero is a refusal (RFC 9110, section 12.4.2)."""
    answer = await get(server, "/web/pages.css", **{"accept-encoding": accepted})
    assert answer.headers.get("content-encoding") == coding


async def test_a_range_is_for_get_alone(server: Running) -> None:
    """RFC 9110, section 14.2."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        answer = await client.head("/web/demo.webm", headers={"range": "bytes=0-1"})
    assert (answer.status_code, answer.headers["content-length"]) == (200, str(CLIP.stat().st_size))
