"""What every proxy with the configuration that we ship does. Each proxy's test module runs it against the real one."""

from __future__ import annotations

import asyncio
import json
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.deploy.deployment import Deployment, deployed, until, watching
from tests.deploy.proxies import Proxy

from hubbub.client import HubbubClient
from hubbub.testing.crowd import Follower, eventually, running, whole_history
from hubbub.testing.raw import Answer, Connection, Stream, request_bytes
from hubbub.testing.server import running_server, token

VIDEOS = [f"video-{number}" for number in range(200)]
TOKEN = token("ada", ("read", "post", "moderate"))
STREAM, POLL = "/v1/videos/v/comments/stream", "/v1/videos/v/comments/poll"


async def asked(url: str, method: str, target: str, *, token: str | None = TOKEN, body: bytes | None = None) -> Answer:
    """A request on a connection of its own."""
    async with await Connection.open(url) as connection:
        return await connection.request(method, target, token=token, body=body)


async def say(url: str, video_id: str, text: str) -> str:
    """Post a comment; its id."""
    answer = await asked(url, "POST", f"/v1/videos/{video_id}/comments", body=json.dumps({"text": text}).encode())
    assert answer.status == 201, answer
    id: str = answer.json()["id"]
    return id


class RoutingContract:
    """``kind`` is the proxy."""

    kind: type[Proxy]

    async def test_the_proxy_finds_no_fault_with_the_configuration(self, tmp_path: Path) -> None:
        """As it is shipped, but for the certificate and the ports."""
        await self.kind(tmp_path / "proxy", ["http://127.0.0.1:1"], ["http://127.0.0.1:2"]).check()

    # --- placing ------------------------------------------------------------------------------------------------------

    async def test_all_who_watch_a_video_meet_on_one_gateway(self, tmp_path: Path) -> None:
        """By stream and by poll, and none of them where only posts go."""
        async with deployed(self.kind, tmp_path) as deployment, watching(deployment.proxy.url, "v", 15) as streams:
            assert sorted(deployment.watching("v")) == [0, 0, 15]
            place = (await asked(deployment.proxy.url, "GET", POLL)).json()["position"]
            polling = asyncio.create_task(asked(deployment.proxy.url, "GET", f"{POLL}?wait=50&after={place}"))
            await until(lambda: sorted(deployment.watching("v")) == [0, 0, 16])
            assert not any(api.services.hub.viewer_count() for api in deployment.apis)
            await say(deployment.gateways[deployment.gateway_of("v")].url, "v", "Hello!")
            assert [event["event"] for event in (await polling).json()["events"]] == ["comment"]
            for stream in streams:
                await stream.until("comment")

    async def test_videos_are_spread_and_a_gateway_that_goes_moves_only_its_share(self, tmp_path: Path) -> None:
        """Each gateway has about as many videos as another. When one is taken away its videos are spread over the rest,
        whose own stay where they are; when it is back, so is everything."""
        async with deployed(self.kind, tmp_path, gateways=4, apis=1) as deployment:
            before = await deployment.places(VIDEOS)
            shares = Counter(before.values())
            assert all(20 <= shares[number] <= 85 for number in range(4)), shares

            urls = [gateway.url for gateway in deployment.gateways]
            apis = [api.url for api in deployment.apis]
            gone = before[VIDEOS[0]]
            await deployment.proxy.move([url for number, url in enumerate(urls) if number != gone], apis)
            after = await self._in_force(deployment, lambda places: gone not in places.values())
            moved = [video for video in VIDEOS if before[video] != gone and before[video] != after[video]]
            assert len(moved) <= self.kind.moved_at_most * (200 - shares[gone]), moved
            heirs = Counter(after[video] for video in VIDEOS if before[video] == gone)
            assert len(heirs) == 3 and max(heirs.values()) <= 0.8 * shares[gone], heirs

            await deployment.proxy.move(urls, apis)
            await self._in_force(deployment, lambda places: places == before)

    async def _in_force(self, deployment: Deployment, holds: Callable[[dict[str, int]], bool]) -> dict[str, int]:
        """Where the videos are once a change is in force: each of a proxy's workers learns of it by itself."""
        for _ in range(20):
            if holds(places := await deployment.places(VIDEOS)):
                return places
        raise AssertionError(places)

    async def test_a_big_video_is_spread_by_its_shards(self, tmp_path: Path) -> None:
        """Who has a shard goes where the others of that shard are; of many shards each gateway has some. Our client
        takes one by itself once the video has several."""
        async with deployed(self.kind, tmp_path) as deployment, AsyncExitStack() as stack:
            url = deployment.proxy.url
            places = set()
            for shard in range(24):
                async with watching(url, "big", 2, f"shard={shard}&backlog=0"):
                    [place] = [number for number, count in enumerate(deployment.watching("big")) if count]
                    places.add(place)
                await until(lambda: not any(deployment.watching("big")))
            assert places == {0, 1, 2}

            for api in deployment.apis:  # which have no store in common here
                async with HubbubClient(api.url, token=TOKEN) as moderator:
                    await moderator.put_video("big", shards=1000)
            client = await stack.enter_async_context(HubbubClient(url))
            for _ in range(24):
                events = await stack.enter_async_context(aclosing(client.watch("big")))
                assert (await anext(events)).name == "welcome"
            counts = deployment.watching("big")
            assert sum(counts) == 24 and all(counts), counts

    async def test_posts_go_to_any_api_process_and_to_no_gateway(self, tmp_path: Path) -> None:
        """Each has some of them."""
        async with deployed(self.kind, tmp_path) as deployment:
            for number in range(30):
                await say(deployment.proxy.url, "v", str(number))
            kept = [len(await whole_history(server.url, "v")) for server in (*deployment.apis, *deployment.gateways)]
            assert sum(kept[:2]) == 30 and min(kept[:2]) >= 5 and not any(kept[2:]), kept

    # --- when a gateway can't -----------------------------------------------------------------------------------------

    @pytest.mark.parametrize("why", ["draining", "full", "gone"])
    async def test_who_is_turned_away_comes_in_elsewhere_at_once(self, tmp_path: Path, why: str) -> None:
        """By the same request: nobody is told to come back while another gateway has room."""
        async with deployed(self.kind, tmp_path, apis=1, max_viewers=3) as deployment, AsyncExitStack() as stack:
            url = deployment.proxy.url
            await stack.enter_async_context(watching(url, "v", 3))
            first = deployment.gateway_of("v")
            if why == "draining":
                deployment.gateways[first].services.hub.draining = True
            elif why == "gone":
                deployment.gateways[first].server.should_exit = True
                await until(lambda: deployment.gateways[first].services.hub.viewer_count() == 0)
                await self._refuses(deployment.gateways[first].url)
            await stack.enter_async_context(watching(url, "v", 3))
            counts = deployment.watching("v")
            assert counts[first] == (0 if why == "gone" else 3)
            assert sum(counts) == counts[first] + 3
            polled = await asked(url, "GET", POLL + "?wait=0")
            assert polled.status == 200
            deployment.gateways[first].services.hub.draining = False

    async def _refuses(self, url: str) -> None:
        async with asyncio.timeout(30):
            while True:
                try:
                    _, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
                except ConnectionRefusedError:
                    return
                writer.close()
                await asyncio.sleep(0.02)

    async def test_where_no_gateway_has_room_viewers_are_told_when_to_come_back(self, tmp_path: Path) -> None:
        """By the gateway's own words and never by a status, to the place where they were; polls by `503`."""
        async with deployed(self.kind, tmp_path, apis=1, max_viewers=2) as deployment, AsyncExitStack() as stack:
            url = deployment.proxy.url
            for number in range(6):
                await stack.enter_async_context(watching(url, f"{number}", 1))
            async with Stream.open(url, "v", last_event_id="abc.5.1795229942830") as stream:
                assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
                [event] = [event async for event in stream]
                assert (event.name, event.json(), event.id) == ("reconnect", {"reason": "full"}, "abc.5.1795229942830")
                assert stream.ended and 10_000 <= (stream.decoder.retry_ms or 0) <= 30_000
            polled = await asked(url, "GET", POLL)
            assert (polled.status, polled.header("content-type")) == (503, "application/problem+json")
            assert polled.json()["code"] == "no_seat" and int(polled.header("retry-after") or 0) >= 10

    async def test_where_no_process_answers_the_proxy_says_so_as_we_would(self, tmp_path: Path) -> None:
        """A browser is told to come back, to its place or as the newcomer it was; others get a problem document."""
        nobody = ["http://127.0.0.1:1", "http://127.0.0.1:2"]
        async with asyncio.timeout(60), self.kind(tmp_path / "proxy", nobody, nobody) as proxy:
            for place in ("abc.5.1795229942830", None):
                async with await Connection.open(proxy.url) as connection:
                    headers = [("Last-Event-ID", place)] if place else []
                    answer = await connection.request("GET", STREAM + "?batch=1", headers=headers)
                assert answer.status == 200
                assert answer.header("content-type") == "text/event-stream; charset=utf-8"
                assert answer.header("cache-control") == "no-store, no-transform"
                lines = answer.body.decode().split("\n")
                assert lines[-2:] == ["", ""] and "event: reconnect" in lines
                assert 'data: {"reason":"unavailable"}' in lines
                [retry] = [int(line[7:]) for line in lines if line.startswith("retry: ")]
                assert 5_000 <= retry <= 20_000
                ids = [line[3:].strip() for line in lines if line.startswith("id:")]
                assert [id for id in ids if id] == ([place] if place else [])
            polled = await asked(proxy.url, "GET", POLL)
            assert (polled.status, polled.header("content-type")) == (503, "application/problem+json")
            assert polled.json()["code"] == "unavailable" and int(polled.header("retry-after") or 0) >= 1
            assert (await asked(proxy.url, "POST", "/v1/videos/v/comments", body=b"{}")).status in (502, 503)

    async def test_a_drain_lets_viewers_go_on_elsewhere_and_none_of_them_misses_a_comment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Servers with one database: a gateway is told to stop, its viewers come in at the other one by the same
        address, each once, and have what was said here, there and in between."""
        # One such server is all that an in-process broker allows, since another's viewers are not told what is posted
        # here. In this test they come after it was, and read it from the log.
        monkeypatch.setattr("hubbub.wiring._lock_path", lambda store: None)
        settings = {"drain_window": 2.0, "drain_delay": 0.5, "trusted_proxies": (ip_network("127.0.0.1/32"),)}
        async with asyncio.timeout(120), AsyncExitStack() as stack:
            both = [await stack.enter_async_context(running_server(tmp_path, **settings)) for _ in range(2)]
            urls = [server.url for server in both]
            proxy = await stack.enter_async_context(self.kind(tmp_path / "proxy", urls, urls))
            followers = [Follower(proxy.url, "v", batch=number % 2 == 0) for number in range(10)]
            watchers = await stack.enter_async_context(running(*(follower.run() for follower in followers)))
            await eventually(lambda: all(follower.connections for follower in followers), watchers)
            both.sort(key=lambda server: server.services.hub.watching("v"))
            staying, leaving = both
            assert (staying.services.hub.watching("v"), leaving.services.hub.watching("v")) == (0, 10)
            ids = [await say(leaving.url, "v", f"before {number}") for number in range(10)]
            await eventually(lambda: all(follower.seen == ids for follower in followers), watchers)

            leaving.server.should_exit = True
            ids += [await say(leaving.url, "v", f"meanwhile {number}") for number in range(5)]
            await eventually(lambda: all(follower.connections >= 2 for follower in followers), watchers)
            ids += [await say(staying.url, "v", f"after {number}") for number in range(10)]
            await eventually(lambda: all(len(follower.seen) >= len(ids) for follower in followers), watchers)
            assert all(follower.seen == ids for follower in followers)
            assert [follower.names["reconnect"] for follower in followers] == [1] * 10
            assert not any("reset" in follower.names for follower in followers)
            assert staying.services.hub.watching("v") == 10

    # --- streams ------------------------------------------------------------------------------------------------------

    async def test_an_event_goes_on_as_it_comes(self, tmp_path: Path) -> None:
        """One small event, and nothing after it that could push it out."""
        async with (
            deployed(self.kind, tmp_path, apis=1, heartbeat=120.0) as deployment,
            watching(deployment.proxy.url, "v", 1, "backlog=0") as [stream],
        ):
            gateway = deployment.gateways[deployment.gateway_of("v")]
            for number in range(20):
                await say(gateway.url, "v", f"{number}")
                async with asyncio.timeout(20):
                    assert (await stream.until("comment"))[-1].json()["text"] == f"{number}"

    async def test_who_does_not_read_is_behind_at_the_gateway_and_not_in_the_proxy(self, tmp_path: Path) -> None:
        """The proxy takes in no more than a moment of a stream that its viewer leaves lying; what it does not take, the
        gateway sees. So a viewer who reads on is given what the gateway has, or `reset`, and no memory fills up."""
        async with deployed(self.kind, tmp_path, apis=1, gateways=1) as deployment:
            [gateway] = deployment.gateways
            address = urlsplit(deployment.proxy.url)
            with socket.socket() as asleep:
                asleep.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                asleep.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(asleep, (address.hostname, address.port))
                await loop.sock_sendall(asleep, request_bytes("GET", STREAM + "?backlog=0", host=address.netloc))
                await until(lambda: gateway.services.hub.viewer_count() == 1)
                text, sent = "\U0001f600" * 500, 0
                async with await Connection.open(gateway.url) as poster:
                    body = json.dumps({"text": text}, ensure_ascii=False).encode()
                    while not self._lagging(gateway.services.metrics.render().decode()):
                        answer = await poster.request("POST", "/v1/videos/v/comments", token=TOKEN, body=body)
                        assert answer.status == 201
                        sent += len(body)
                        assert sent < 3_000_000, "the proxy has swallowed it all"

    def _lagging(self, metrics: str) -> bool:
        return "\nhubbub_viewers_lagging 1.0" in metrics

    async def test_streams_come_over_http_2(self, tmp_path: Path) -> None:
        """Several on one connection, over TLS, with a post beside them."""
        async with deployed(self.kind, tmp_path, apis=1) as deployment, AsyncExitStack() as stack:
            proxy = deployment.proxy
            client = await stack.enter_async_context(httpx.AsyncClient(http2=True, http1=False, verify=proxy.tls))
            lines = []
            for video in ("a", "b", "c"):
                url = f"{proxy.tls_url}/v1/videos/{video}/comments/stream"
                response = await stack.enter_async_context(client.stream("GET", url))
                assert (response.status_code, response.http_version) == (200, "HTTP/2")
                assert "content-encoding" not in response.headers
                lines.append(response.aiter_lines())
                assert await anext(lines[-1]) == "event: welcome"
            posted = await client.post(
                f"{proxy.tls_url}/v1/videos/a/comments",
                json={"text": "Hello!"},
                headers={"Authorization": f"Bearer {TOKEN}"},
            )
            assert posted.status_code == 201
            for video, read in zip(("a", "b", "c"), lines, strict=True):
                await say(deployment.gateways[deployment.gateway_of(video)].url, video, f"to {video}")
                while "Hello" not in (line := await anext(read)) and f"to {video}" not in line:
                    pass
                assert f'"to {video}"' in line

    # --- what strangers send, and what is written down ----------------------------------------------------------------

    async def test_tokens_stay_out_of_the_logs(self, tmp_path: Path) -> None:
        """Of the access log, under whatever name a server would read, and of what the proxy says of gateways that are
        away."""
        secret = "top." + TOKEN.replace(".", "-")
        queries = [
            f"?access_token={secret}",
            f"?backlog=1&access%5Ftoken={secret}",
            f"?%61ccess_token={secret}&backlog=0",
        ]
        async with deployed(self.kind, tmp_path, apis=1) as deployment:
            for query in queries:
                assert (await asked(deployment.proxy.url, "GET", STREAM + query, token=None)).status == 401
                assert (await asked(deployment.proxy.url, "GET", POLL + query, token=None)).status == 401
            for gateway in deployment.gateways:
                gateway.server.should_exit = True
                await self._refuses(gateway.url)
            for query in queries:
                assert (await asked(deployment.proxy.url, "GET", STREAM + query, token=None)).status == 200
                assert (await asked(deployment.proxy.url, "GET", POLL + query, token=None)).status == 503
            await until(lambda: deployment.proxy.logs().count(STREAM) >= 6 <= deployment.proxy.logs().count(POLL))
            assert secret not in deployment.proxy.logs()
            assert "access" not in deployment.proxy.logs().replace("access.log", "")

    async def test_a_large_body_is_refused_with_a_problem_document(self, tmp_path: Path) -> None:
        """Just above Hubbub's bound, and far above it."""
        async with deployed(self.kind, tmp_path, gateways=1, apis=1) as deployment:
            for size in (17_000, 1_000_000):
                refused = await asked(deployment.proxy.url, "POST", "/v1/videos/v/comments", body=b" " * size)
                assert (refused.status, refused.header("content-type")) == (413, "application/problem+json")
                assert (refused.json()["code"], refused.json()["limit"]) == ("too_large", 16384)

    async def test_limits_go_by_the_viewers_own_address(self, tmp_path: Path) -> None:
        """Not by the proxy's, nor by what somebody says of themselves; and whoever is beyond their own bound makes no
        gateway look broken."""
        async with deployed(self.kind, tmp_path, gateways=2, apis=1, max_viewers_per_address=1) as deployment:
            address = urlsplit(deployment.proxy.url)

            async def comes_in(local: str, stack: AsyncExitStack, *headers: tuple[str, str]) -> bool:
                reader, writer = await asyncio.open_connection(address.hostname, address.port, local_addr=(local, 0))
                stack.callback(writer.close)
                writer.write(request_bytes("GET", STREAM, host=address.netloc, headers=headers))
                head = await reader.readuntil(b"data: ")
                assert head.startswith(b"HTTP/1.1 200 ")
                return b"event: welcome" in head

            async with AsyncExitStack() as stack:
                assert await comes_in("127.0.0.2", stack)
                for _ in range(10):
                    assert not await comes_in("127.0.0.2", stack, ("X-Forwarded-For", "192.0.2.7"))
                assert await comes_in("127.0.0.3", stack)
                assert sorted(deployment.watching("v")) == [0, 2]

    async def test_metrics_are_not_for_the_public(self, tmp_path: Path) -> None:
        """While what says how to use the service is."""
        async with deployed(self.kind, tmp_path, gateways=1, apis=1) as deployment:
            assert (await asked(deployment.proxy.url, "GET", "/metrics")).status == 404
            assert (await asked(deployment.proxy.url, "GET", "/openapi.json")).status == 200
