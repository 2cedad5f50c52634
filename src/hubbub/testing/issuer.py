"""An issuer of tokens for tests: private keys, what it signs with them, and its key set over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True)
class SigningKey:
    """A key pair with its id, and the algorithm it signs with."""

    alg: str
    kid: str
    private: PrivateKey

    def jwk(self, **members: Any) -> dict[str, Any]:
        """The public half as a key set lists it; ``members`` add to it, or replace."""
        return {**_as_jwk(self.private.public_key()), "kid": self.kid, "use": "sig", "alg": self.alg, **members}

    def private_jwk(self) -> dict[str, Any]:
        """The whole pair, as no issuer should publish it."""
        return {**_as_jwk(self.private), "kid": self.kid, "use": "sig", "alg": self.alg, "key_ops": ["sign", "verify"]}

    def sign(self, claims: Mapping[str, Any], *, with_kid: bool = True, header: Mapping[str, Any] | None = None) -> str:
        """A token that says ``claims``; ``header`` adds to its header, or replaces."""
        headers = {**({"kid": self.kid} if with_kid else {}), **(header or {})}
        return jwt.encode(dict(claims), self.private, algorithm=self.alg, headers=headers)


def rsa_key(kid: str, bits: int = 2048) -> SigningKey:
    """A new RS256 pair; takes some tenths of a second."""
    return SigningKey("RS256", kid, rsa.generate_private_key(65537, bits))


def ec_key(kid: str) -> SigningKey:
    """A new ES256 pair."""
    return SigningKey("ES256", kid, ec.generate_private_key(ec.SECP256R1()))


def ed_key(kid: str) -> SigningKey:
    """A new EdDSA (Ed25519) pair."""
    return SigningKey("EdDSA", kid, ed25519.Ed25519PrivateKey.generate())


def _as_jwk(key: Any) -> dict[str, Any]:
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return RSAAlgorithm.to_jwk(key, as_dict=True)
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return ECAlgorithm.to_jwk(key, as_dict=True)
    return OKPAlgorithm.to_jwk(key, as_dict=True)


def key_set(*keys: SigningKey | dict[str, Any]) -> bytes:
    """A key set document."""
    return json.dumps({"keys": [key.jwk() if isinstance(key, SigningKey) else key for key in keys]}).encode()


class KeyServer:
    """Serves ``document`` over HTTP on a free loopback port, counting ``requests``.

    ``status`` and ``headers`` change the answer; ``body`` replaces the writing of the document. For ``async with``.
    """

    def __init__(self, document: bytes = b'{"keys":[]}') -> None:
        self.document = document
        self.status = "200 OK"
        self.headers: dict[str, str] = {}
        self.body: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None
        self.requests = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._answering: set[asyncio.Task[Any]] = set()

    @property
    def url(self) -> str:
        """Where the document is."""
        return f"http://127.0.0.1:{self.port}/jwks.json"

    async def start(self) -> None:
        """Listen; again on the same port after `stop`."""
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut what is being answered."""
        assert self._server is not None
        self._server.close()
        for task in self._answering:
            task.cancel()
        if self._answering:
            await asyncio.wait(self._answering)
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.requests += 1
            headers = {"connection": "close", **self.headers}
            if self.body is None:
                headers.setdefault("content-length", str(len(self.document)))
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            writer.write(f"HTTP/1.1 {self.status}\r\n{lines}\r\n".encode())
            if self.body is None:
                writer.write(self.document)
            else:
                await self.body(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the reader has gone, or `stop` was called
        finally:
            self._answering.discard(task)
            writer.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
