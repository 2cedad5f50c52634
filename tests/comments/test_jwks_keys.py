from __future__ import annotations

import asyncio
import gzip
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hubbub.comments.jwks_keys import LIFETIME, MAX_AGE, REFETCH_AFTER, RETRY_AFTER, JwksKeys
from hubbub.comments.jwks_reader import MAX_BYTES
from hubbub.errors import ConfigError, KeysUnavailable, Unauthenticated
from hubbub.testing.clock import FakeClock
from hubbub.testing.issuer import KeyServer, SigningKey, ec_key, key_set


@pytest.fixture
async def server(ec: SigningKey) -> AsyncIterator[KeyServer]:
    """A key server that publishes one key."""
    async with KeyServer(key_set(ec)) as serving:
        yield serving


@asynccontextmanager
async def keys_of(url: str, clock: Callable[[], float]) -> AsyncIterator[JwksKeys]:
    keys = JwksKeys(url, clock=clock)
    try:
        yield keys
    finally:
        await keys.close()


async def unavailable(keys: JwksKeys, kid: str = "ec") -> KeysUnavailable:
    with pytest.raises(KeysUnavailable) as caught:
        await keys.find("ES256", kid)
    assert "HUBBUB_JWKS_URL" in caught.value.detail
    assert "127.0.0.1" not in caught.value.detail
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= 1
    return caught.value


async def unknown(keys: JwksKeys, kid: str | None) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await keys.find("ES256", kid)
    assert caught.value.code == "unknown_key"


class TestFetching:
    """When the set is fetched, and how often."""

    async def test_fetches_once_and_remembers(self, server: KeyServer, clock: FakeClock) -> None:
        """Until its lifetime is over a key set is not asked for again."""
        async with keys_of(server.url, clock) as keys:
            assert server.requests == 0
            first = await keys.find("ES256", "ec")
            clock.advance(LIFETIME - 1)
            assert await keys.find("ES256", "ec") is first
            assert server.requests == 1

    async def test_many_at_once_wait_for_one_fetch(self, server: KeyServer, clock: FakeClock) -> None:
        """A hundred requests at the start make one fetch, and one that is cancelled takes it from nobody."""
        async with keys_of(server.url, clock) as keys:
            finding = [asyncio.create_task(keys.find("ES256", "ec")) for _ in range(100)]
            await asyncio.sleep(0)
            finding[0].cancel()
            found = await asyncio.gather(*finding[1:])
            assert len(set(map(id, found))) == 1
            assert server.requests == 1

    async def test_finds_a_key_that_was_added(self, server: KeyServer, clock: FakeClock, ec: SigningKey) -> None:
        """A token signed with a new key verifies as soon as 30 seconds have passed since the last fetch."""
        async with keys_of(server.url, clock) as keys:
            await keys.find("ES256", "ec")
            server.document = key_set(ec, ec_key("new"))
            await unknown(keys, "new")
            clock.advance(REFETCH_AFTER)
            await keys.find("ES256", "new")
            assert server.requests == 2

    async def test_a_key_taken_out_stops_to_count(self, server: KeyServer, clock: FakeClock) -> None:
        """Once its lifetime is over the set is fetched before it is used again."""
        async with keys_of(server.url, clock) as keys:
            await keys.find("ES256", "ec")
            server.document = key_set(ec_key("new"))
            clock.advance(LIFETIME)
            await unknown(keys, "ec")
            await keys.find("ES256", "new")

    async def test_a_set_emptied_lets_nobody_in(self, server: KeyServer, clock: FakeClock) -> None:
        """An issuer that withdraws every key has withdrawn every key."""
        async with keys_of(server.url, clock) as keys:
            await keys.find("ES256", "ec")
            server.document = b'{"keys":[]}'
            clock.advance(LIFETIME)
            await unknown(keys, "ec")

    async def test_attack_made_up_key_ids(self, server: KeyServer, clock: FakeClock) -> None:
        """A flood of tokens with key ids of their own makes one fetch in 30 seconds, and the good key serves on."""
        async with keys_of(server.url, clock) as keys:
            await keys.find("ES256", "ec")
            for second in range(60):
                await asyncio.gather(*(unknown(keys, f"{second}-{number}") for number in range(5)))
                await keys.find("ES256", "ec")
                clock.advance(1)
            assert server.requests == 2

    async def test_a_token_without_an_id_fits_a_single_key(
        self, server: KeyServer, clock: FakeClock, ec: SigningKey
    ) -> None:
        """With one key of the algorithm no id is needed; with two it is."""
        async with keys_of(server.url, clock) as keys:
            await keys.find("ES256", None)
            server.document = key_set(ec, ec_key("new"))
            clock.advance(LIFETIME)
            await unknown(keys, None)


class TestFailing:
    """What happens while the set can't be had."""

    async def test_a_server_that_is_down_is_said(self, server: KeyServer, clock: FakeClock) -> None:
        """With no set ever had, the answer is 503; five seconds later it is tried again."""
        await server.stop()
        async with keys_of(server.url, clock) as keys:
            fault = await unavailable(keys)
            assert fault.retry_after == RETRY_AFTER
            await server.start()
            await unavailable(keys)
            assert server.requests == 0
            clock.advance(RETRY_AFTER)
            await keys.find("ES256", "ec")

    async def test_known_keys_serve_for_an_hour(self, server: KeyServer, clock: FakeClock) -> None:
        """While the server is down its last word counts, but not for ever."""
        async with keys_of(server.url, clock) as keys:
            await keys.find("ES256", "ec")
            server.status = "500 Oops"
            clock.advance(MAX_AGE - 1)
            await keys.find("ES256", "ec")
            clock.advance(1)
            await unavailable(keys)
            server.status = "200 OK"
            clock.advance(RETRY_AFTER)
            await keys.find("ES256", "ec")

    async def test_after_a_failure_nobody_waits_for_the_next_attempt(self, server: KeyServer, clock: FakeClock) -> None:
        """Known keys are answered from at once while a server that hangs is tried again in the background."""
        asked = asyncio.Event()

        async def hang(_: asyncio.StreamWriter) -> None:
            asked.set()
            await asyncio.Event().wait()

        async with keys_of(server.url, clock) as keys:
            await keys.find("ES256", "ec")
            server.status = "500 Oops"
            clock.advance(LIFETIME)
            await keys.find("ES256", "ec")
            server.status, server.body = "200 OK", hang
            clock.advance(REFETCH_AFTER)
            async with asyncio.timeout(1):
                await keys.find("ES256", "ec")
                await asked.wait()
                await keys.find("ES256", "ec")

    async def test_an_unknown_key_can_not_be_denied_by_an_old_set(self, server: KeyServer, clock: FakeClock) -> None:
        """While the server is down, a key id we don't know may be new: try again later, not "wrong"."""
        async with keys_of(server.url, clock) as keys:
            await keys.find("ES256", "ec")
            await server.stop()
            clock.advance(REFETCH_AFTER)
            await unavailable(keys, "new")
            await keys.find("ES256", "ec")
            await server.start()

    @pytest.mark.parametrize(
        ("status", "said"),
        [
            ("404 Not Found", "404"),
            ("204 No Content", "204"),
            ("500 Oops", "500"),
            ("302 Found", "redirects are not followed"),
        ],
    )
    async def test_any_answer_but_200_is_a_failure(
        self, server: KeyServer, clock: FakeClock, status: str, said: str
    ) -> None:
        """The status is part of what is said."""
        server.status = status
        server.headers = {"location": "/elsewhere"}
        async with keys_of(server.url, clock) as keys:
            assert said in (await unavailable(keys)).detail

    async def test_attack_redirect(self, server: KeyServer, clock: FakeClock) -> None:
        """A redirect, as an open one on the issuer's host could be made to give, leads nowhere."""
        async with KeyServer(key_set(ec_key("theirs"))) as theirs, keys_of(server.url, clock) as keys:
            server.status = "307 Temporary Redirect"
            server.headers = {"location": theirs.url}
            await unavailable(keys, "theirs")
            assert theirs.requests == 0

    async def test_attack_endless_document(self, server: KeyServer, clock: FakeClock) -> None:
        """Reading stops at the bound, however much is sent."""
        sent = 0

        async def pour(writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            while True:
                writer.write(b" " * 65_536)
                await writer.drain()
                sent += 65_536

        server.body = pour
        async with keys_of(server.url, clock) as keys:
            assert f"more than {MAX_BYTES} bytes" in (await unavailable(keys)).detail
        assert sent < 100 * MAX_BYTES

    async def test_attack_compressed_bomb(self, server: KeyServer, clock: FakeClock) -> None:
        """Compression is neither asked for nor undone."""
        server.document = gzip.compress(b" " * 10_000_000)
        server.headers = {"content-encoding": "gzip"}
        async with keys_of(server.url, clock) as keys:
            assert "not a JSON Web Key Set" in (await unavailable(keys)).detail

    async def test_attack_dripping_document(
        self, server: KeyServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The time for a fetch is for the whole of it, so a byte now and then does not keep it alive."""
        monkeypatch.setattr("hubbub.comments.jwks_reader.TIMEOUT", 0.3)

        async def drip(writer: asyncio.StreamWriter) -> None:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.02)

        server.body = drip
        async with keys_of(server.url, clock) as keys, asyncio.timeout(5):
            assert "longer than 0.3 seconds" in (await unavailable(keys)).detail

    @pytest.mark.parametrize(
        "document", [b"", b"<html>", b'{"keys":5}', b"[" * 100_000, b'{"keys":[' + b"{}," * 200 + b"{}]}"]
    )
    async def test_a_document_that_is_no_key_set_is_a_failure(
        self, server: KeyServer, clock: FakeClock, document: bytes
    ) -> None:
        """Whatever the server sends, the answer is 503."""
        server.document = document
        async with keys_of(server.url, clock) as keys:
            await unavailable(keys)

    async def test_a_server_that_does_not_speak_http_is_a_failure(self, clock: FakeClock) -> None:
        """Bytes that are no HTTP are one more way to be down."""

        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"220 mail.example ESMTP\r\n")
            writer.close()

        other = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = other.sockets[0].getsockname()[1]
        async with other, keys_of(f"http://127.0.0.1:{port}/", clock) as keys:
            await unavailable(keys)

    async def test_closing_in_the_middle_of_a_fetch_ends_it(self, server: KeyServer, clock: FakeClock) -> None:
        """Nobody is left waiting when the service stops."""

        asked = asyncio.Event()

        async def hang(_: asyncio.StreamWriter) -> None:
            asked.set()
            await asyncio.Event().wait()

        server.body = hang
        keys = JwksKeys(server.url, clock=clock)
        finding = asyncio.create_task(unavailable(keys))
        await asked.wait()
        async with asyncio.timeout(1):
            await keys.close()
            await finding
            await keys.close()


class TestFile:
    """Key sets in a file."""

    async def test_is_read_and_read_again(self, tmp_path: Path, clock: FakeClock, ec: SigningKey) -> None:
        """A file that was replaced counts like a set fetched anew."""
        file = tmp_path / "key set.json"
        file.write_bytes(key_set(ec))
        async with keys_of(file.as_uri(), clock) as keys:
            await keys.find("ES256", "ec")
            file.write_bytes(key_set(ec_key("new")))
            clock.advance(LIFETIME)
            await keys.find("ES256", "new")
            await unknown(keys, "ec")

    async def test_that_is_missing_is_said(self, tmp_path: Path, clock: FakeClock) -> None:
        """The answer tells that there is none, and not where it should be."""
        async with keys_of((tmp_path / "none.json").as_uri(), clock) as keys:
            fault = await unavailable(keys)
        assert "No such file" in fault.detail
        assert str(tmp_path) not in fault.detail

    async def test_that_is_too_large_is_said(self, tmp_path: Path, clock: FakeClock) -> None:
        """Reading stops at the bound."""
        file = tmp_path / "big.json"
        file.write_bytes(b" " * (MAX_BYTES + 1))
        async with keys_of(file.as_uri(), clock) as keys:
            assert f"more than {MAX_BYTES} bytes" in (await unavailable(keys)).detail

    async def test_that_is_a_pipe_holds_nothing_up(self, tmp_path: Path, clock: FakeClock) -> None:
        """Only a regular file is read."""
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        async with keys_of(pipe.as_uri(), clock) as keys, asyncio.timeout(5):
            assert "not a file" in (await unavailable(keys)).detail


@pytest.mark.parametrize(
    "url",
    [
        "",
        "jwks.json",
        "/etc/jwks.json",
        "ftp://id.example/jwks.json",
        "http://id.example/jwks.json",
        "http://127.0.0.1.example/jwks.json",
        "http://localhost.example/jwks.json",
        "https://",
        "https://[::1",
        "https://id.example:port/",
        "file://host/etc/jwks.json",
        "file:jwks.json",
        "data:application/json,{}",
    ],
)
def test_a_url_that_can_not_be_one_is_refused_at_the_start(url: str) -> None:
    """The setting is named, and what it may be."""
    with pytest.raises(ConfigError) as caught:
        JwksKeys(url)
    assert caught.value.setting == "HUBBUB_JWKS_URL"


@pytest.mark.parametrize(
    "url", ["https://id.example/jwks.json", "http://localhost:8080/jwks", "http://[::1]/jwks", "file:///etc/jwks.json"]
)
async def test_urls_that_can_be_one_are_taken(url: str) -> None:
    """HTTPS anywhere, HTTP on this machine, and files."""
    await JwksKeys(url).close()
