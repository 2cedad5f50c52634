"""From the text of a setting to its value. Each parser raises `ValueError` with a sentence that says what would be
right.

Parsers get text whatever the source: a command line and an environment have nothing else, and one way to read a value
is one way to get it wrong.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

T = TypeVar("T")
W = TypeVar("W", bound=str)
Parser = Callable[[str], T]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MIN_SECRET = 32
"""Bytes of an HS256 secret: as many as the digest has (RFC 7518, section 3.2)."""

_SECONDS = {"ms": 0.001, "s": 1.0, "": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,6})?|\.\d{1,6})\s*(ms|s|min|h|d|)", re.ASCII)
_BYTES = {"": 1, "b": 1, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
_SIZE = re.compile(r"(\d{1,12})\s*(b|kib|mib|gib|)", re.ASCII | re.IGNORECASE)


def text(value: str) -> str:
    """Any text of one line."""
    stripped = value.strip()
    if not stripped or not stripped.isprintable():
        raise ValueError(f"{_quoted(value)} is not one line of readable text.")
    return stripped


def optional(parse: Parser[T], nothing: str) -> Parser[T | None]:
    """What ``parse`` takes, or the word ``nothing`` (or no text at all) for None."""

    def parse_optional(value: str) -> T | None:
        return None if value.strip().lower() in ("", nothing) else parse(value)

    return parse_optional


def boolean(value: str) -> bool:
    """``true`` or ``false``, and the usual other words for them."""
    word = value.strip().lower()
    if word in ("true", "yes", "on", "1"):
        return True
    if word in ("false", "no", "off", "0"):
        return False
    raise ValueError(f"{_quoted(value)} is neither true nor false.")


def choice(*words: W) -> Parser[W]:
    """One of ``words``."""

    def parse_choice(value: str) -> W:
        for word in words:
            if value.strip().lower() == word:
                return word
        raise ValueError(f"{_quoted(value)} is not one of {', '.join(words)}.")

    return parse_choice


def integer(low: int, high: int) -> Parser[int]:
    """A whole number from ``low`` to ``high``; underscores may part its digits."""

    def parse_integer(value: str) -> int:
        digits = value.strip()
        if not re.fullmatch(r"-?\d[\d_]{0,18}", digits, re.ASCII) or not low <= int(digits) <= high:
            raise ValueError(f"{_quoted(value)} is not a whole number from {low} to {high}.")
        return int(digits)

    return parse_integer


def port(value: str) -> int:
    """A TCP port; 0 lets the system choose."""
    if value.startswith("tcp://"):
        raise ValueError(
            f"{_quoted(value)} is what Kubernetes sets for a Service named hubbub: give the Service another name, "
            "or the Pod `enableServiceLinks: false`."
        )
    return integer(0, 65_535)(value)


def seconds(low: float, high: float) -> Parser[float]:
    """A time in seconds from ``low`` to ``high``, written ``20ms``, ``1.5s``, ``15``, ``2min``, ``1h`` or ``1d``."""

    def parse_seconds(value: str) -> float:
        match = _DURATION.fullmatch(value.strip().lower())
        if match is None:
            raise ValueError(f"{_quoted(value)} is not a time; write it like 20ms, 1.5s, 2min or 1h.")
        amount = float(match[1]) * _SECONDS[match[2]]
        if not low <= amount <= high:
            raise ValueError(f"{_quoted(value)} is not a time from {low:g} to {high:g} seconds.")
        return amount

    return parse_seconds


def size(low: int, high: int) -> Parser[int]:
    """A number of bytes from ``low`` to ``high``, written ``65536``, ``64KiB`` or ``4MiB``."""

    def parse_size(value: str) -> int:
        match = _SIZE.fullmatch(value.strip())
        if match is None:
            raise ValueError(f"{_quoted(value)} is not a size; write it like 65536, 64KiB or 4MiB.")
        amount = int(match[1]) * _BYTES[match[2].lower()]
        if not low <= amount <= high:
            raise ValueError(f"{_quoted(value)} is not a size from {low} to {high} bytes.")
        return amount

    return parse_size


def secret(value: str) -> str:
    """A secret to sign tokens with, taken as it stands. Its text never gets into an error."""
    length = len(value.encode("utf-8", "surrogateescape"))  # an environment may hold any bytes
    if length < MIN_SECRET:
        raise ValueError(
            f"it has {length} bytes and needs at least {MIN_SECRET}, best random ones; "
            "make one with: openssl rand -base64 32."
        )
    return value


def url(value: str) -> str:
    """A URL with a scheme. Which schemes there are is known to whoever opens it."""
    address = text(value)
    if not re.match(r"[a-z][a-z0-9+.-]*://", address):
        raise ValueError(f"{_quoted(value)} is not a URL.")
    return address


def key_prefix(value: str) -> str:
    """What names in an engine begin with. Without braces: in Redis they would choose where a key is."""
    if not re.fullmatch(r"[A-Za-z0-9_.:-]{1,64}", value.strip(), re.ASCII):
        raise ValueError(f"{_quoted(value)} is not 1 to 64 letters, digits or _ . : -.")
    return value.strip()


def networks(value: str) -> tuple[Network, ...]:
    """IP addresses and networks, between commas."""
    found = []
    for part in _parts(value):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError:
            raise ValueError(
                f"{_quoted(part)} is not an IP address or network; write them like 10.0.0.7, 10.0.0.0/8 or fd00::/8."
            ) from None
    return tuple(found)


def origins(value: str) -> tuple[str, ...]:
    """Web origins (RFC 6454), between commas; ``*`` stands for every origin."""
    return tuple(_origin(part) for part in _parts(value))


def _origin(value: str) -> str:
    if value == "*":
        return value
    wrong = ValueError(f"{_quoted(value)} is not a web origin; write it like https://example.org (no path), or *.")
    try:
        parts = urlsplit(value)
        number = parts.port
    except ValueError:
        raise wrong from None
    extra = parts.path or parts.query or parts.fragment or parts.username is not None
    if parts.scheme not in ("http", "https") or not parts.hostname or extra or not value.isascii():
        raise wrong
    # As browsers write it, since it is compared as text: lower case, and without the scheme's own port.
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if number in (None, usual) else f":{number}")


def _parts(value: str) -> list[str]:
    stripped = value.strip()
    if stripped.lower() in ("", "none"):
        return []
    return [part for part in (part.strip() for part in stripped.split(",")) if part]


def _quoted(value: str) -> str:
    """``value`` as an error shows it: on one line, and not for pages."""
    return repr(value if len(value) <= 80 else value[:79] + "…")
