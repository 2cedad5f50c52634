"""Reading requests: addresses behind proxies, strict queries, bounded bodies."""

from __future__ import annotations

import contextlib
import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.errors import Malformed, TooLarge
from hubbub.http.requests import Addresses, Query, read_body

PROXIES = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


def scope(client: str = "192.0.2.1", *, query: bytes = b"", forwarded: tuple[str, ...] = ()) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"type": "http", "client": (client, 1), "headers": headers, "query_string": query}


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", ("203.0.113.9",), "192.0.2.1"),  # not a trusted proxy: its word counts for nothing
        ("10.0.0.1", ("203.0.113.9",), "203.0.113.9"),
        ("10.0.0.1", ("1.1.1.1, 203.0.113.9",), "203.0.113.9"),  # what the client itself wrote stands left
        ("10.0.0.1", ("1.1.1.1, 203.0.113.9, 10.0.0.2",), "203.0.113.9"),
        ("10.0.0.1", ("1.1.1.1", "203.0.113.9"), "203.0.113.9"),  # a header given twice is one list
        ("10.0.0.1", ("10.0.0.7",), "10.0.0.7"),  # a client within the trusted network
        ("10.0.0.1", ("nonsense",), "10.0.0.1"),
        ("10.0.0.1", ("203.0.113.9, nonsense",), "10.0.0.1"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("fd00::1", ("2001:db8:1:2:3:4:5:6",), "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", (), "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", (), "192.0.2.7"),
        ("::ffff:192.0.2.7", ("203.0.113.9",), "192.0.2.7"),
        (
            "::ffff:10.0.0.1",
            ("203.0.113.9",),
            "203.0.113.9",
        ),  # a trusted proxy, as a listener for IPv4 and IPv6 sees it
        ("10.0.0.1", ("203.0.113.9, ::ffff:10.0.0.2",), "203.0.113.9"),
        ("::ffff:10.0.0.1", ("1.1.1.1, ::ffff:203.0.113.9",), "203.0.113.9"),
        ("::ffff:10.0.0.1", ("nonsense",), "10.0.0.1"),
        ("fe80::1%eth0", (), "fe80::/64"),
        ("2001:db8::1", ("203.0.113.9",), "2001:db8::/64"),
        ("unix", ("203.0.113.9",), "unix"),
    ],
)
def test_whose_address_counts(peer: str, forwarded: tuple[str, ...], expected: str) -> None:
    """The last hop that is not a trusted proxy; an IPv6 household is one address."""
    assert Addresses(PROXIES).of(scope(peer, forwarded=forwarded)) == expected


def test_forwarded_headers_mean_nothing_without_trusted_proxies() -> None:
    """The default: only the socket's own peer counts."""
    assert Addresses([]).of(scope("10.0.0.1", forwarded=("203.0.113.9",))) == "10.0.0.1"


def test_a_long_forwarding_list_is_read_from_its_end_only() -> None:
    """A stranger's ten thousand hops cost no more than twenty."""
    forwarded = ", ".join(["10.0.0.2"] * 10_000)
    assert Addresses(PROXIES).of(scope("10.0.0.1", forwarded=(f"203.0.113.9, {forwarded}",))) == "10.0.0.2"


@given(st.binary(max_size=60))
def test_any_query_is_read_or_refused(raw: bytes) -> None:
    """Nothing a client can write raises anything else."""
    with contextlib.suppress(Malformed):
        assert 1 <= Query(scope(query=raw), "limit", "cursor").number("limit", 5, 1, 10) <= 10


@pytest.mark.parametrize(
    "query",
    [b"limit=0", b"limit=11", b"limit=", b"limit=1.0", b"limit=+1", b"limit=%D9%A1", b"limit=1&limit=2", b"limti=1",
     b"limit=%ff", b"limit=9" + b"9" * 5000, b"&".join(b"limit=1" for _ in range(50))],
)  # fmt: skip
def test_bad_queries(query: bytes) -> None:
    """Out of range, no number, twice, unknown, not UTF-8, far too many: each a clear refusal."""
    with pytest.raises(Malformed):
        Query(scope(query=query), "limit").number("limit", 5, 1, 10)


async def test_a_body_is_bounded_before_it_is_read() -> None:
    """A declared length is believed when it is too large; an undeclared one is counted as it comes."""
    parts = [b"x" * 60, b"x" * 60]
    asked = 0

    async def receive() -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {"type": "http.request", "body": parts[asked - 1], "more_body": asked < len(parts)}

    declared = {"type": "http", "headers": [(b"content-length", b"1000000000000000000000000")], "method": "POST"}
    with pytest.raises(TooLarge):
        await read_body(declared, receive, 100)
    assert asked == 0
    with pytest.raises(TooLarge):
        await read_body({**declared, "headers": []}, receive, 100)
    asked = 0
    assert await read_body({**declared, "headers": []}, receive, 120) == b"x" * 120
