"""Reading the URL, and a client for it."""

from __future__ import annotations

import os
import re
from contextlib import AsyncExitStack
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.loaders import Loader

from hubbub.errors import ConfigError

_EXAMPLE = "dynamodb://hubbub?region=eu-west-1"
_TABLE = re.compile(r"[A-Za-z0-9_.-]{3,255}")

_LONGEST_CONNECT = 3.0
"""Seconds for a connection: longer ones are lost ones, and another try may go through."""


class Place(NamedTuple):
    """What ``dynamodb://TABLE?region=…`` says.

    ``ttl``: days that comments and changes are kept (None: for ever). ``shards``: partitions over which a video's
    comments of one hour are spread. ``connections``: the most that are open at once; requests beyond wait for one.
    """

    table: str
    region: str | None = None
    endpoint: str | None = None
    ttl: int | None = None
    shards: int = 4
    connections: int = 64

    def __str__(self) -> str:
        """Where it is, for people."""
        if self.endpoint:
            return self.endpoint
        return f"region {self.region}" if self.region else "the region of this process"


def place_of(url: str) -> Place:
    """The place that a URL names. Raises `ConfigError`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _wrong(url, "it is no URL") from None
    table = parts.netloc
    if "@" in table:
        raise _wrong(
            url.replace(table, "…"), "credentials don't belong there: give them as AWS_ACCESS_KEY_ID and so on"
        )
    if parts.scheme != "dynamodb" or parts.path not in ("", "/") or parts.fragment or not _TABLE.fullmatch(table):
        raise _wrong(url, "it names no table (3 to 255 of A-Z a-z 0-9 . _ -)")
    options: dict[str, Any] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in _OPTIONS:
            raise _wrong(url, f"there is no {name}=; there are {', '.join(sorted(_OPTIONS))}")
        if name in options:
            raise _wrong(url, f"it says {name}= twice")
        options[name] = _option(url, name, value)
    return Place(table, **options)


async def connect(place: Place, *, patience: float, stack: AsyncExitStack) -> Any:
    """A client, closed with ``stack``. ``patience``: seconds that a request may wait for bytes.

    Raises `ConfigError` and botocore's errors. Credentials are found the usual ways (environment, profiles, roles) at
    the first request.
    """
    config = AioConfig(
        connect_timeout=min(patience, _LONGEST_CONNECT),
        read_timeout=patience,
        max_pool_connections=place.connections,
        retries={"total_max_attempts": 1, "mode": "standard"},  # `hubbub.stores.dynamodb.requests` tries again
        tcp_keepalive=True,
        # Items are checked by the service; this checks every key and value of every request besides.
        parameter_validation=False,
    )
    session = get_session()
    session.register_component("data_loader", _models())
    # What Lambda and ECS set, and other SDKs read; this one knows AWS_DEFAULT_REGION and profiles only.
    region = place.region or os.environ.get("AWS_REGION") or None
    client = session.create_client("dynamodb", region_name=region, endpoint_url=place.endpoint, config=config)
    try:
        return await stack.enter_async_context(client)
    except ValueError as error:
        raise ConfigError("HUBBUB_STORE", f"the endpoint {place.endpoint} can't be used: {error}.") from None


@cache
def _models() -> Loader:
    """The service's own description, which takes as long to parse as all else that a client needs."""
    loader: Loader = get_session().get_component("data_loader")
    return loader


def _option(url: str, name: str, value: str) -> Any:
    kind = _OPTIONS[name]
    if isinstance(kind, re.Pattern):
        if kind.fullmatch(value) and _is_addressable(value):
            return value
        raise _wrong(url, f"{name}= can't be {value!r}")
    least, most = kind
    if value.isascii() and value.isdigit() and least <= int(value[:12]) <= most:
        return int(value)
    raise _wrong(url, f"{name}= is a whole number from {least} to {most}")


def _is_addressable(value: str) -> bool:
    """Whether the port is one, of what has a port: the driver finds out at its first request only."""
    try:
        return urlsplit(value).port != 0
    except ValueError:
        return False


_OPTIONS: dict[str, re.Pattern[str] | tuple[int, int]] = {
    "region": re.compile(r"[a-z0-9-]{2,40}"),
    "endpoint": re.compile(r"https?://[^\s/?#@]+/?"),
    "ttl": (1, 36_500),
    "shards": (1, 64),
    "connections": (1, 10_000),
}


def _wrong(url: str, problem: str) -> ConfigError:
    return ConfigError("HUBBUB_STORE", f"{url!r} can't be used: {problem}. Write it like {_EXAMPLE}.")
