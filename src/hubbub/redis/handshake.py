"""Making a connection that can be used: TCP, TLS, RESP3, who we are, which server that is, and our scripts known."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Sequence
from typing import Any

from hubbub.redis.address import Address, Host
from hubbub.redis.errors import Away, Misconfigured, code_of, explain
from hubbub.redis.link import Link, is_error
from hubbub.redis.script import Script

CONNECT_WITHIN = 2.0
"""Seconds for all of it."""

OLDEST = 7
"""The major version from which on there are sharded channels."""


async def connect(host: Host, address: Address, scripts: Sequence[Script] = (), *, master: bool = True) -> Link:
    """A connection, unless told otherwise to a master only. Raises `Away`, `Misconfigured`."""
    where = str(host)
    link = Link(where)
    try:
        async with asyncio.timeout(CONNECT_WITHIN):
            await _connected(link, host, address.context)
            await _introduced(link, address, scripts, master=master)
    except BaseException as error:
        link.drop(Away(f"Redis at {where} was not needed any more"))
        if isinstance(error, TimeoutError):
            raise Away(f"Redis at {where} does not answer") from None
        raise
    return link


async def _connected(link: Link, host: Host, context: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    try:
        await loop.create_connection(lambda: link, host.name, host.port, ssl=context)
    except ssl.SSLCertVerificationError as error:
        raise Misconfigured(
            f"the certificate of Redis at {host} is not to be trusted ({error.verify_message}); name its CA by ?ca=FILE"
        ) from None
    except socket.gaierror as error:
        raise Away(f"the address of {host} can't be found: {error.strerror}") from None
    except (OSError, ssl.SSLError) as error:
        raise Away(f"Redis at {host} can't be reached: {error.strerror or error}") from None


async def _introduced(link: Link, address: Address, scripts: Sequence[Script], *, master: bool) -> None:
    login = ["AUTH", address.user or "default", address.password] if address.password else []
    asked = [["HELLO", "3", *login, "SETNAME", "hubbub"], ["INFO", "server"], ["INFO", "replication"]]
    if address.db:
        asked.append(["SELECT", str(address.db)])
    hello, server, replication, *others = await _all(link, asked)
    if is_error(hello):
        if code_of(hello) in ("ERR", "NOPROTO"):
            raise Misconfigured(f"Redis at {link.where} is older than {OLDEST}, the oldest that will do ({hello})")
        raise explain(hello, link.where)
    for reply in (server, replication, *others):
        if is_error(reply):
            raise explain(reply, link.where)
    said = facts(server)
    if int(said.get("redis_version", "0").partition(".")[0]) < OLDEST:
        version = said.get("redis_version", "of no known version")
        raise Misconfigured(f"Redis at {link.where} is {version}, and {OLDEST}.0 is the oldest that will do")
    mode = said.get("redis_mode") or said.get("server_mode")  # Valkey has the second name
    if (mode == "cluster") is not address.cluster:
        raise Misconfigured(
            f"Redis at {link.where} is a node of a Cluster; write redis+cluster://"
            if not address.cluster
            else f"Redis at {link.where} is not a node of a Cluster; write redis://"
        )
    if master and facts(replication).get("role") != "master":
        raise Away(f"Redis at {link.where} is a replica, not the master")
    link.run_id = said["run_id"].encode()
    for reply in await _all(link, [["SCRIPT", "LOAD", script.source] for script in scripts]):
        if is_error(reply):
            raise explain(reply, link.where)


async def _all(link: Link, commands: Sequence[Sequence[str | bytes]]) -> list[Any]:
    return await asyncio.gather(*(link.call(*command, within=CONNECT_WITHIN) for command in commands))


def facts(info: bytes) -> dict[str, str]:
    """What ``INFO`` says, by name."""
    return dict(re.findall(r"^(\w+):([^\r\n]*)", info.decode("utf-8", "replace"), re.MULTILINE))
