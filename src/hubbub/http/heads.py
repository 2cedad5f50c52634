"""What a request's head must be besides what the parser sees to, so that nobody can take it for another.

Two servers in a row that read a head differently can be made to see different requests (request smuggling). So where
RFC 9112 leaves a choice, it is the strict one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hubbub.errors import Malformed, Refusal

MAX_HEADERS = 100
"""Header fields of a request. Browsers and proxies send some twenty."""

_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64} ")


class SlowRequest(Refusal):
    """A request that did not come whole in time (RFC 9110, section 15.5.9)."""

    status, title, default_code = 408, "Too slow", "slow_request"


class HeadTooLarge(Refusal):
    """A request's line and headers are over the bound (RFC 6585, section 5)."""

    status, title, default_code = 431, "Head too large", "head_too_large"


class NotImplementedHere(Refusal):
    """A method or a transfer coding that nothing here knows (RFC 9110, section 15.6.2)."""

    status, title, default_code = 501, "Not implemented", "not_implemented"


class WrongVersion(Refusal):
    """A version of HTTP that is not spoken here (RFC 9110, section 15.6.6)."""

    status, title, default_code = 505, "Not this HTTP version", "http_version"


def check_head(
    method: bytes, target: bytes, version: str, headers: Sequence[tuple[bytes, bytes]], *, upgrade: bool
) -> None:
    """Raise the `Refusal` of a head that must not be served; names in ``headers`` are in lower case. ``upgrade``: the
    parser takes what follows for another protocol's bytes.
    """
    if version not in ("1.1", "1.0"):
        raise WrongVersion(f"HTTP/{version} is not spoken here; use HTTP/1.1.")
    if method == b"CONNECT":
        raise NotImplementedHere("This is no proxy; CONNECT leads nowhere.")
    if len(headers) > MAX_HEADERS:
        raise HeadTooLarge(f"The request has {len(headers)} headers; send at most {MAX_HEADERS}.")
    hosts: list[bytes] = []
    codings: list[bytes] = []
    for name, value in headers:
        if name == b"host":
            hosts.append(value)
        elif name == b"transfer-encoding":
            codings.append(value.strip().lower())
    if len(hosts) > 1 or (not hosts and version == "1.1") or not all(map(_HOST.fullmatch, hosts)):
        raise bad_http()  # RFC 9112, section 3.2
    if b"#" in target or (target == b"*" and method != b"OPTIONS"):
        raise bad_http()
    if codings and (version == "1.0" or len(codings) > 1):
        raise bad_http()  # RFC 9112, section 6.1
    if codings and codings[0] != b"chunked":
        if not re.fullmatch(rb"[a-z-]+[ \t]*,[ \t]*chunked", codings[0]):
            raise bad_http()
        raise NotImplementedHere("Send the body as it is, or in chunks; other transfer codings are not understood.")
    if upgrade and (codings or any(name == b"content-length" and value.strip() != b"0" for name, value in headers)):
        raise bad_http()  # its body could not be told from the other protocol's bytes


def bad_http() -> Refusal:
    """What is no HTTP."""
    return Malformed("This is not a well-formed HTTP/1.1 request.", code="bad_http")


def unknown_method(data: bytes) -> Refusal:
    """What a request beginning with ``data`` is told whose method the parser does not know."""
    found = _METHOD.match(data.lstrip(b"\r\n"))
    if found is None:
        return bad_http()
    return NotImplementedHere("Nothing here knows this method; methods are written in capitals.")
