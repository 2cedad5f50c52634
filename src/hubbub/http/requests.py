"""What endpoints read from a request: the body, the query, the client's address, the token."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from hubbub.comments.identity import Authenticator, Identity, bearer_token
from hubbub.errors import Malformed, TooLarge, Unauthenticated

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", re.ASCII)

_MAX_FORWARDED = 20
"""Hops of X-Forwarded-For that are looked at, from the right."""


_MAX_KNOWN = 10_000
"""Peers whose address need not be read again."""


def header_values(scope: Scope, name: bytes) -> list[bytes]:
    """Every value of a header (lower-case name), in the order sent."""
    return [value for key, value in scope["headers"] if key == name]


def is_known(scope: Scope, tag: str) -> bool:
    """Whether a request's ``If-None-Match`` names the ETag ``tag`` or is ``*`` (RFC 9110, section 13.1.2: weak
    comparison).
    """
    known = b",".join(header_values(scope, b"if-none-match")).decode("latin-1")
    tag = tag.removeprefix("W/")
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in known.split(","))


def takes_gzip(scope: Scope) -> bool:
    """Whether an answer may be zipped (RFC 9110, section 12.5.3): gzip is named, and not with a weight of zero."""
    for one in b",".join(header_values(scope, b"accept-encoding")).lower().split(b","):
        coding, _, weight = one.partition(b";")
        if coding.strip() in (b"gzip", b"x-gzip"):
            return re.fullmatch(rb"\s*q\s*=\s*0(\.0*)?\s*", weight) is None
    return False


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises `TooLarge` as soon as it is known to exceed ``limit`` bytes."""
    for declared in header_values(scope, b"content-length"):
        if declared.isdigit() and (len(declared) > 15 or int(declared) > limit):
            raise _too_large(limit)
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Malformed("The connection ended before the body did.", code="incomplete_body")
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return body


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body may be at most {limit} bytes; send a shorter one.", limit=limit)


class Query:
    """A query string, strictly: each parameter at most once, and only those an endpoint names."""

    def __init__(self, scope: Scope, *names: str) -> None:
        self._values: dict[str, str] = {}
        if not scope["query_string"]:
            return
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

    def seconds(self, name: str, default: float, low: float, high: float) -> float:
        """A number from ``low`` to ``high``, as JSON writes it."""
        value = self._values.get(name)
        if value is None:
            return default
        if not (_NUMBER.fullmatch(value) and low <= float(value) <= high):
            raise Malformed(f"{name} must be a number from {low} to {high}.", code="bad_query", field=name)
        return float(value)

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
        self._known = lru_cache(_MAX_KNOWN)(self._peer)

    def of(self, scope: Scope) -> str:
        """The client's address; an IPv6 one as its /64, since a single household has that many."""
        client = scope.get("client")
        proxy, household = self._known(client[0] if client else "unknown")
        return household if proxy is None else _household(self._forwarded(scope, proxy))

    def _peer(self, peer: str) -> tuple[Address | None, str]:
        """A trusted proxy's address, or None, and whom the peer itself counts for."""
        try:
            address = _address(peer)
        except ValueError:  # a socket of the file system, or a name
            return None, peer
        return address if self._is_trusted(address) else None, _household(address)

    def client_of(self, peer: str) -> str | None:
        """Whom a connection counts for, before anything came on it. None: a trusted proxy, which brings many."""
        proxy, household = self._known(peer)
        return household if proxy is None else None

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
