"""Where Redis is, by a URL.

    redis://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT] …][/DB]   one server; of several hosts, whichever is the master
    redis+cluster://…                                            a Cluster; the hosts are where to ask for the others
    rediss://…  rediss+cluster://…                               the same over TLS; ?ca=FILE trusts that CA alone

User and password are percent-decoded. IPv6 addresses stand in brackets.
"""

from __future__ import annotations

import re
import ssl
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from hubbub.redis.errors import Misconfigured

SCHEMES = frozenset({"redis", "rediss", "redis+cluster", "rediss+cluster"})
PORT = 6379

# Not by `urllib.parse.urlsplit`: newer Pythons refuse a bracket that is not the whole of the host.
_URL = re.compile(r"(?P<scheme>[A-Za-z0-9.+-]*)://(?P<netloc>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:\[\]/?#@,]+)(?::(\d{1,5}))?")


class Host(NamedTuple):
    """A node's place."""

    name: str
    port: int

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


class Address(NamedTuple):
    """Everything that a URL says. ``context`` None: without TLS."""

    hosts: tuple[Host, ...]
    cluster: bool
    context: ssl.SSLContext | None
    user: str | None
    password: str | None
    db: int

    @classmethod
    def of(cls, url: str) -> Address:
        """Read a URL. Raises `Misconfigured`."""
        parts = _URL.match(url)
        scheme = parts["scheme"].lower() if parts else url.partition(":")[0]
        if parts is None or scheme not in SCHEMES:
            raise Misconfigured(f"{scheme}:// is no scheme of Redis; use one of {', '.join(sorted(SCHEMES))}.")
        login, _, places = parts["netloc"].rpartition("@")
        user, _, password = login.partition(":")
        cluster = scheme.endswith("+cluster")
        db = _database(parts["path"])
        if cluster and db:
            raise Misconfigured("a Redis Cluster has no numbered databases; leave /DB out of the URL.")
        options = dict(parse_qsl(parts["query"] or "", keep_blank_values=True))
        tls = scheme.startswith("rediss")
        context = _context(options.pop("ca", None)) if tls else None
        if options:
            raise Misconfigured(
                f"the URL's option {next(iter(options))!r} is not known here; ?ca=FILE is, with rediss://."
            )
        if login and not password:
            raise Misconfigured("the URL has a user and no password; write USER:PASSWORD@, or :PASSWORD@.")
        return cls(
            hosts=tuple(_host(place) for place in places.split(",")),
            cluster=cluster,
            context=context,
            user=unquote(user) or None,
            password=unquote(password) or None,
            db=db,
        )


def _host(place: str) -> Host:
    match = _HOST.fullmatch(place)
    port = int(match[2] or PORT) if match else 0
    if match is None or not 0 < port < 65_536:
        raise Misconfigured(f"{place!r} is not HOST or HOST:PORT; write it like redis://10.0.0.7:6379.")
    return Host(match[1].strip("[]"), port)


def _database(path: str) -> int:
    if path in ("", "/"):
        return 0
    if not re.fullmatch(r"/\d{1,5}", path, re.ASCII):
        raise Misconfigured(f"{path!r} is not the number of a database; write it like redis://127.0.0.1/0.")
    return int(path[1:])


def _context(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(f"the certificates in {ca} can't be read: {error}.") from None
