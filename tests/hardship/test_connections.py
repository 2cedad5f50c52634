"""Clients that open connections and do little with them: silent, slow, idle, many at once, deaf."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import apsw
import pytest
import trustme
from prometheus_client.parser import text_string_to_metric_families

from hubbub.http.connections import Patience
from hubbub.limiters.base import parse_limit
from hubbub.testing.crowd import whole_history
from hubbub.testing.raw import Connection, Stream, request_bytes
from hubbub.testing.refusals import check_problem
from hubbub.testing.server import Running, running_server, token

COMMENTS = "/v1/videos/v/comments"
TOKEN = token("ada", lifetime=86_400)
BODY = b'{"text":"x"}'
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


def metric(server: Running, name: str, **labels: str) -> float:
    """A metric's value, 0 before it was ever counted."""
    text = server.services.metrics.render().decode()
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return sum(sample.value for sample in samples if sample.name == name and sample.labels == labels)


async def until(condition: Any) -> None:
    """Wait for it, 10 s at most."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def connected(server: Running, count: int) -> AsyncIterator[list[Connection]]:
    """So many connections, closed at the end."""
    found = [await Connection.open(server.url) for _ in range(count)]
    try:
        yield found
    finally:
        await asyncio.gather(*(connection.close() for connection in found))


async def drip(connection: Connection, data: bytes) -> None:
    """A byte every tenth of a second, for as long as the server takes any."""
    for byte in data * 1_000:
        connection.writer.write(bytes([byte]))
        await asyncio.sleep(0.1)


def posting(body: bytes) -> bytes:
    """A post's bytes."""
    return request_bytes("POST", COMMENTS, headers=[("Authorization", f"Bearer {TOKEN}")], body=body)


SLOW = {
    "line": (b"GET /healthz?a=", b"a", "slow_head"),
    "headers": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nName: ", b"a", "slow_head"),
    "body": (posting(b" " * 9_000)[:-9_000], b" ", "slow_body"),
}


async def test_whoever_sends_a_byte_now_and_then_is_told_to_hurry_and_dropped(tmp_path: Path) -> None:
    """A request's line, headers or body that come too slowly are answered 408 and counted, whatever still comes; the
    connection is closed, nothing is stored, and others are served meanwhile."""
    async with asyncio.timeout(20), running_server(tmp_path) as server:
        server.server.connections.patience = Patience(head=0.6, body=0.6)
        async with connected(server, len(SLOW) + 1) as (bystander, *slow):
            async with asyncio.TaskGroup() as tasks:
                dripping = []
                for connection, (first, more, _) in zip(slow, SLOW.values(), strict=True):
                    await connection.send(first)
                    dripping.append(tasks.create_task(drip(connection, more)))
                while metric(server, "hubbub_requests_dropped_total", reason="slow_body") < 1:
                    assert (await bystander.request("GET", "/healthz")).status == 200
                    await asyncio.sleep(0.05)
                for connection in slow:
                    check_problem(await connection.answer(), 408, "slow_request")
                    assert await connection.ended()
                for task in dripping:
                    task.cancel()
            assert metric(server, "hubbub_requests_dropped_total", reason="slow_head") == 2
        assert await whole_history(server.url, "v") == []


async def test_whoever_says_nothing_is_dropped(tmp_path: Path) -> None:
    """A connection on which nothing came is closed without a word and counted, one that was used once when it has been
    idle long enough."""
    async with asyncio.timeout(20), running_server(tmp_path) as server:
        server.server.connections.patience = Patience(head=0.3, idle=0.3)
        async with connected(server, 21) as (used, *silent):
            assert (await used.request("GET", "/healthz")).status == 200
            for connection in silent:
                assert await connection.ended()
            assert await used.ended()
            assert metric(server, "hubbub_requests_dropped_total", reason="silent") == 20
            assert metric(server, "hubbub_connections", state="waiting") == 0


async def test_an_idle_connection_makes_place_for_a_new_one(tmp_path: Path) -> None:
    """At the bound the connection that has been idle the longest is closed, so that a newcomer is served at once."""
    async with (
        asyncio.timeout(20),
        running_server(tmp_path, max_connections=10) as server,
        connected(server, 10) as idle,
    ):
        for connection in idle[1:] + idle[:1]:
            assert (await connection.request("GET", "/healthz")).status == 200
        assert metric(server, "hubbub_connections", state="idle") == 10
        async with await Connection.open(server.url) as newcomer:
            assert (await newcomer.request("GET", "/healthz")).status == 200
            assert await idle[1].ended()
            assert (await idle[0].request("GET", "/healthz")).status == 200
        assert metric(server, "hubbub_connections_evicted_total", state="idle") == 1
        assert metric(server, "hubbub_connections_refused_total", reason="full") == 0


async def test_half_open_connections_do_not_keep_others_out(tmp_path: Path) -> None:
    """Whoever takes up every place and keeps us waiting (nothing said, half a head, half a body) is dropped for a
    newcomer after a second, long before its time would be over."""
    halves = [b"", b"GET / HT", posting(BODY)[:-3]]
    async with asyncio.timeout(20), running_server(tmp_path, max_connections=10) as server:
        async with connected(server, 14) as crowd:
            for number, connection in enumerate(crowd):
                with contextlib.suppress(OSError):
                    await connection.send(halves[number % 3])
            for _ in range(5):
                async with asyncio.timeout(5), await Connection.open(server.url) as newcomer:
                    posted = await newcomer.request("POST", COMMENTS, token=TOKEN, body=BODY)
                    assert posted.status == 201
        assert metric(server, "hubbub_connections_evicted_total", state="waiting") > 0
        assert len(await whole_history(server.url, "v")) == 5


async def test_at_the_bound_newcomers_are_refused_unasked(tmp_path: Path) -> None:
    """While all places are busy, a newcomer is answered 503 with Retry-After and closed before it has said anything,
    and counted; those inside get their answers."""
    async with asyncio.timeout(20), running_server(tmp_path, max_connections=10) as server:
        lock = apsw.Connection(str(tmp_path / "hubbub.db"))
        lock.execute("BEGIN IMMEDIATE")
        async with connected(server, 10) as busy:
            for connection in busy:
                await connection.send(posting(BODY))
            await until(lambda: metric(server, "hubbub_connections", state="busy") == 10)
            async with connected(server, 40) as newcomers:
                for connection in newcomers:
                    answer = await connection.answer()
                    check_problem(answer, 503, "too_many_connections")
                    assert int(answer.header("retry-after") or 0) >= 1
                    assert answer.header("connection") == "close"
                    assert await connection.ended()
            assert metric(server, "hubbub_connections_refused_total", reason="full") == 40
            lock.execute("ROLLBACK")
            assert {(await connection.answer()).status for connection in busy} == {201}
        lock.close()
        async with await Connection.open(server.url) as later:
            assert (await later.request("GET", "/healthz")).status == 200


@pytest.mark.parametrize("proxy", [False, True])
async def test_one_address_has_a_bound_and_trusted_proxies_have_none(tmp_path: Path, *, proxy: bool) -> None:
    """More connections than one address may have are refused; viewers are not among them, and a trusted proxy brings
    as many as come."""
    settings: dict[str, Any] = {"max_connections_per_address": 5, "trusted_proxies": LOOPBACK if proxy else ()}
    async with (
        asyncio.timeout(20),
        running_server(tmp_path, **settings) as server,
        contextlib.AsyncExitStack() as stack,
    ):
        for _ in range(8):
            stream = await stack.enter_async_context(Stream.open(server.url, "v"))
            assert (await stream.until("welcome"))[-1].name == "welcome"
        async with connected(server, 8) as crowd:
            for connection in crowd[:5]:
                assert (await connection.request("GET", "/healthz")).status == 200
            for connection in crowd[5:]:
                if proxy:
                    assert (await connection.request("GET", "/healthz")).status == 200
                else:
                    check_problem(await connection.answer(), 503, "too_many_connections")
            assert metric(server, "hubbub_connections_refused_total", reason="address") == (0 if proxy else 3)
            await crowd[0].close()
            await until(lambda: metric(server, "hubbub_connections", state="idle") == (7 if proxy else 4))
            async with await Connection.open(server.url) as again:
                assert (await again.request("GET", "/healthz")).status == 200


@pytest.mark.slow
async def test_an_answer_that_nobody_reads_is_given_up(tmp_path: Path) -> None:
    """Whoever asks for a long page and reads nothing of it is dropped when no byte of it has gone for a while, also if
    the answer was the connection's last; one that reads slowly gets it whole."""
    async with asyncio.timeout(40), running_server(tmp_path) as server, await Connection.open(server.url) as poster:
        text = "\U0001f30d" * 500
        for _ in range(200):
            answer = await poster.request("POST", COMMENTS, token=TOKEN, body=b'{"text":"%b"}' % text.encode())
            assert answer.status == 201
        server.server.connections.patience = Patience(answer=1.0)
        with contextlib.ExitStack() as stack:
            deaf = []
            for close in ("", "Connection: close\r\n", "", ""):
                client = stack.enter_context(socket.socket())
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(client, ("127.0.0.1", int(server.url.rpartition(":")[2])))
                await loop.sock_sendall(client, f"GET {COMMENTS}?limit=200 HTTP/1.1\r\nHost: x\r\n{close}\r\n".encode())
                deaf.append(client)
            *deaf, slow = deaf
            received, whole = b"", 0
            while not whole or len(received) < whole:
                received += await loop.sock_recv(slow, 65_536)
                await asyncio.sleep(0.05)
                if b"\r\n\r\n" in received and not whole:
                    head = received.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                    whole = len(head) + int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
            assert whole > 400_000
            await until(lambda: metric(server, "hubbub_requests_dropped_total", reason="unread") == 3)
        await until(lambda: metric(server, "hubbub_connections", state="busy") == 0)


async def test_a_crowd_beyond_the_bound_of_viewers_costs_those_inside_nothing(tmp_path: Path) -> None:
    """More streams than there are seats, in all or for one address, are answered 200, told to come back, and ended;
    those inside get every comment."""
    async with (
        asyncio.timeout(30),
        running_server(tmp_path, max_viewers=20, max_connections=50) as server,
        contextlib.AsyncExitStack() as stack,
    ):
        inside = [await stack.enter_async_context(Stream.open(server.url, "v")) for _ in range(20)]
        for stream in inside:
            await stream.until("welcome")
        poster = await stack.enter_async_context(await Connection.open(server.url))

        async def turned_away() -> None:
            async with Stream.open(server.url, "v") as stream:
                assert stream.status == 200
                assert [event.name async for event in stream] == ["reconnect"]
                assert stream.ended
                assert 10_000 <= (stream.decoder.retry_ms or 0) <= 30_000

        async with asyncio.TaskGroup() as tasks:
            for _ in range(200):
                tasks.create_task(turned_away())
            for number in range(20):
                body = b'{"text":"%d"}' % number
                assert (await poster.request("POST", COMMENTS, token=TOKEN, body=body)).status == 201
        for stream in inside:
            seen = [(await stream.until("comment"))[-1].json()["text"] for _ in range(20)]
            assert seen == [str(number) for number in range(20)]
        assert metric(server, "hubbub_turned_away_total", reason="full") == 200
        assert metric(server, "hubbub_viewers") == 20


async def test_a_flood_of_posts_over_many_connections_is_held_to_the_limit(tmp_path: Path) -> None:
    """However many connections an address posts over, it gets as many comments in as its limit allows; the rest are
    429 with Retry-After, and whoever watches has those that got in."""
    async with (
        asyncio.timeout(30),
        running_server(tmp_path, address_limit=parse_limit("50/10s"), max_connections=50) as server,
        Stream.open(server.url, "v") as stream,
    ):
        await stream.until("welcome")
        statuses: list[int] = []

        async def post(connection: Connection) -> None:
            for _ in range(10):
                answer = await connection.request("POST", COMMENTS, token=TOKEN, body=BODY)
                statuses.append(answer.status)
                assert answer.status == 201 or int(answer.header("retry-after") or 0) >= 1

        async with connected(server, 45) as flood, asyncio.TaskGroup() as tasks:
            for connection in flood:
                tasks.create_task(post(connection))
        assert set(statuses) == {201, 429}
        accepted = statuses.count(201)
        assert 50 <= accepted <= 100
        assert metric(server, "hubbub_posts_total", outcome="address_rate") == 450 - accepted
        for _ in range(accepted):
            await stream.until("comment")


@pytest.mark.slow
async def test_tls_that_never_begins_takes_no_place_for_long(tmp_path: Path) -> None:
    """A connection without a handshake is dropped as a silent one is; a viewer over TLS counts as a viewer until it
    goes, whatever it sent after its request."""
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    both = str(tmp_path / "both.pem")
    async with (
        asyncio.timeout(20),
        running_server(tmp_path, max_connections=10, tls_cert=both, tls_key=both) as server,
        connected(server, 30) as crowd,
    ):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        port = int(server.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(request_bytes("GET", COMMENTS + "/stream") + request_bytes("GET", "/healthz"))
        assert b"event: welcome" in await reader.readuntil(b"\n\n")
        assert metric(server, "hubbub_connections_evicted_total", state="waiting") > 0
        server.server.connections.patience = Patience(head=0.3)
        await asyncio.gather(*(connection.close() for connection in crowd))
        await until(
            lambda: sum(metric(server, "hubbub_connections", state=s) for s in ("idle", "waiting", "busy")) == 0
        )
        assert metric(server, "hubbub_viewers") == 1
        writer.close()
        await until(lambda: metric(server, "hubbub_viewers") == 0)
