"""Reading a key set document from where ``HUBBUB_JWKS_URL`` says, within bounds on time, size and trust."""

from __future__ import annotations

import asyncio
import ipaddress
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import url2pathname

import httpx

from hubbub.errors import ConfigError

TIMEOUT = 5.0
"""Seconds for a whole document, however slowly the bytes come."""

MAX_BYTES = 256 * 1024
"""Bytes of a document; reading stops there."""


class Unreadable(Exception):
    """Why there is no document, as the end of a sentence that strangers may read: it names no address and no path."""


class Reader(Protocol):
    """Reads the document anew."""

    async def read(self) -> bytes:
        """The whole document. Raises `Unreadable`."""

    async def close(self) -> None:
        """Let go of connections. Idempotent."""


def reader_for(url: str) -> Reader:
    """The reader of a ``file:///path``, an ``https://…``, or an ``http://…`` on this machine. Raises `ConfigError`."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise ConfigError("HUBBUB_JWKS_URL", "it is not a URL; use https://… or file:///…") from None
    if parts.scheme == "file":
        if host not in ("", "localhost") or not parts.path.startswith("/"):
            raise ConfigError("HUBBUB_JWKS_URL", "a file is named by its full path: file:///etc/hubbub/jwks.json")
        return FileReader(Path(url2pathname(parts.path)))
    loopback = _is_loopback(host)
    if not host or parts.scheme not in ("https", "http") or (parts.scheme == "http" and not loopback):
        raise ConfigError(
            "HUBBUB_JWKS_URL",
            "use https://… or file:///…; http:// on this machine only, for who alters keys on their way can sign in.",
        )
    return HttpReader(url, use_proxies=not loopback)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class FileReader:
    """Reads a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> bytes:
        """See `Reader.read`."""
        try:
            document = await asyncio.to_thread(self._read)
        except OSError as error:
            raise Unreadable(f"the file can't be read ({error.strerror})") from error
        return _bounded(document)

    def _read(self) -> bytes:
        if self._path.exists() and not self._path.is_file():  # a pipe would keep its reader for good
            raise Unreadable("it is not a file")
        with self._path.open("rb") as file:
            return file.read(MAX_BYTES + 1)

    async def close(self) -> None:
        """Nothing to let go of."""


class HttpReader:
    """Fetches over HTTP. A redirect is an error: the operator has vouched for one address only."""

    def __init__(self, url: str, *, use_proxies: bool) -> None:
        self._url = url
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=use_proxies,
            timeout=TIMEOUT,
            limits=httpx.Limits(max_keepalive_connections=0),
            # Compressed bytes could grow beyond any bound when unpacked.
            headers={"accept": "application/jwk-set+json, application/json", "accept-encoding": "identity"},
        )

    async def read(self) -> bytes:
        """See `Reader.read`."""
        document = b""
        try:
            async with asyncio.timeout(TIMEOUT), self._client.stream("GET", self._url) as response:
                if response.status_code != 200:
                    hint = ", and redirects are not followed" if response.is_redirect else ""
                    raise Unreadable(f"it answered {response.status_code}{hint}")
                async for part in response.aiter_raw():
                    document += part
                    if len(document) > MAX_BYTES:
                        break
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Unreadable(f"it took longer than {TIMEOUT:g} seconds") from error
        except httpx.HTTPError as error:
            raise Unreadable(f"the connection failed ({type(error).__name__})") from error
        return _bounded(document)

    async def close(self) -> None:
        """See `Reader.close`."""
        await self._client.aclose()


def _bounded(document: bytes) -> bytes:
    if len(document) > MAX_BYTES:
        raise Unreadable(f"it has more than {MAX_BYTES} bytes")
    return document
