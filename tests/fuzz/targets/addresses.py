"""``X-Forwarded-For``: hearsay counts for nothing, and whom a request counts for is always an address."""

from __future__ import annotations

import ipaddress

from tests.fuzz.oracles import fields

from hubbub.http.requests import Addresses

PROXIES = [ipaddress.ip_network(text) for text in ("10.0.0.0/8", "fd00::/8", "127.0.0.1/32")]
SEEDS = [
    b"10.0.0.1\0 203.0.113.7",
    b"10.0.0.1\0evil, 203.0.113.7, 10.0.0.2",
    b"::ffff:10.0.0.1\0::ffff:203.0.113.7",
    b"fd00::1\x002001:db8::1",
    b"203.0.113.9\x001.2.3.4",
    b"10.0.0.1\0a\0fe80::1%eth0",
    b"\x0010.0.0.1",
    b"10.0.0.1\0010.1.1.1,1.2.3.4:80,[::1]",
]


def check(data: bytes) -> None:
    """The first field is the peer, the others are values of the header."""
    peer, *values = fields(data)
    client = (peer.decode("latin-1"), 1)
    headers = [(b"x-forwarded-for", value) for value in values]
    scope = {"client": client, "headers": headers}
    addresses = Addresses(PROXIES)
    found = addresses.of(scope)
    assert found == addresses.of(scope)
    assert addresses.client_of(client[0]) in (None, found)
    if addresses.client_of(client[0]) is not None:  # no proxy of ours: the header is what anybody may write
        assert found == addresses.of({"client": client, "headers": []})
        return
    network = ipaddress.ip_network(found)
    assert network.prefixlen == (32 if network.version == 4 else 64)
    last = values[-1].rpartition(b",")[2].strip().decode("latin-1") if values else ""
    try:
        hop = ipaddress.ip_address(last)
    except ValueError:
        return
    if not any(hop in proxy for proxy in PROXIES) and not (hop.version == 6 and hop.ipv4_mapped):
        assert hop in network or "%" in last
        forged = {"client": client, "headers": [(b"x-forwarded-for", b"1.1.1.1, 10.0.0.1"), *headers]}
        assert addresses.of(forged) == found, "what stands left of the last stranger is hearsay"
