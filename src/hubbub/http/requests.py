"""What endpoints read from a request: the body, the query, the client's address, the token."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.types import Scope

from hubbub.comments.identity import Authenticator, Identity, bearer_token
from hubbub.errors import Malformed, TooLarge, Unauthenticated

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAX_FORWARDED = 20
"""Hops of X-Forwarded-For that are looked at, from the right."""


def header_values(scope: Scope, name: bytes) -> list[bytes]:
    """Every value of a header (lower-case name), in the order sent."""
    return [value for key, value in scope["headers"] if key == name]


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body. Raises `TooLarge` as soon as it is known to exceed ``limit`` bytes."""
    too_large = TooLarge(f"The body may be at most {limit} bytes; send a shorter one.", limit=limit)
    declared = request.headers.get("content-length")
    if declared is not None and declared.isdigit() and (len(declared) > 15 or int(declared) > limit):
        raise too_large
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > limit:
                raise too_large
    except ClientDisconnect:
        raise Malformed("The connection ended before the body did.", code="incomplete_body") from None
    return body


class Query:
    """A query string, strictly: each parameter at most once, and only those an endpoint names."""

    def __init__(self, scope: Scope, *names: str) -> None:
        try:
            pairs = parse_qsl(
                scope["query_string"].decode("ascii"),
                keep_blank_values=True,
                strict_parsing=False,
                errors="strict",
                max_num_fields=20,
            )
        except ValueError:  # includes UnicodeDecodeError
            raise Malformed("The query string is not percent-encoded UTF-8.", code="bad_query") from None
        self._values: dict[str, str] = {}
        for name, value in pairs:
            if name not in names:
                known = ", ".join(names) or "none"
                raise Malformed(
                    f"There is no such query parameter here; known: {known}.", code="bad_query", field=name[:40]
                )
            if name in self._values:
                raise Malformed(f"The query parameter {name} is given more than once.", code="bad_query", field=name)
            self._values[name] = value

    def text(self, name: str) -> str | None:
        """The value, or None."""
        return self._values.get(name)

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self._values.get(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and low <= int(value) <= high):
            raise Malformed(f"{name} must be a whole number from {low} to {high}.", code="bad_query", field=name)
        return int(value)

    def choice(self, name: str, default: str, *others: str) -> str:
        """One of a few words."""
        value = self._values.get(name, default)
        if value != default and value not in others:
            raise Malformed(f"{name} must be one of: {', '.join((default, *others))}.", code="bad_query", field=name)
        return value


class Addresses:
    """Whose address a request counts for. ``X-Forwarded-For`` speaks only behind the proxies that are trusted."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)

    def of(self, scope: Scope) -> str:
        """The client's address; an IPv6 one as its /64, since a single household has that many."""
        client = scope.get("client")
        peer = client[0] if client else "unknown"
        try:
            address = _address(peer)
        except ValueError:  # a socket of the file system, or a name
            return peer
        if self._is_trusted(address):
            address = self._forwarded(scope, address)
        return _household(address)

    def client_of(self, peer: str) -> str | None:
        """Whom a connection counts for, before anything came on it. None: a trusted proxy, which brings many."""
        try:
            address = _address(peer)
        except ValueError:
            return peer
        return None if self._is_trusted(address) else _household(address)

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)

    def _forwarded(self, scope: Scope, peer: Address) -> Address:
        """The rightmost hop that is not a trusted proxy: anything left of it is hearsay."""
        hops = b",".join(header_values(scope, b"x-forwarded-for")).decode("latin-1").split(",")[-_MAX_FORWARDED:]
        for hop in reversed(hops):
            try:
                peer = _address(hop.strip())
            except ValueError:
                break
            if not self._is_trusted(peer):
                break
        return peer


def _address(text: str) -> Address:
    """The address, an IPv4 one as such also where it is written in IPv6 (``::ffff:192.0.2.7``): a listener for both
    sees all of IPv4 so. Raises `ValueError`.
    """
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _household(address: Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False))


class Callers:
    """Who sent a request."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def known(self, scope: Scope) -> Identity:
        """The caller by its Authorization header. Raises `Unauthenticated`, `KeysUnavailable`."""
        token = bearer_token(header_values(scope, b"authorization"))
        if token is None:
            raise Unauthenticated("Send a token: Authorization: Bearer <token>.", code="no_token")
        return await self._authenticator.authenticate(token)

    async def perhaps(self, scope: Scope, query_token: str | None = None) -> Identity | None:
        """The caller if it says who it is, in the header or (to watch) in the query. What it says must verify."""
        token = bearer_token(header_values(scope, b"authorization")) or query_token
        return None if token is None else await self._authenticator.authenticate(token)
