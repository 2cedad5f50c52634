"""What parent and worker say to each other, over a socket pair made before the worker starts.

A message is its kind (one byte), a number that ties an answer to its question, the length of its body (four bytes each,
big-endian), and the body. Either side's end of file means that the other one is gone.
"""

from __future__ import annotations

import asyncio
import struct
from enum import Enum
from typing import NamedTuple

_HEAD = struct.Struct(">cII")

MAX_BODY = 64 * 1024 * 1024
"""Far more than any page of metrics: what is longer is no message of ours."""


class Kind(Enum):
    """What a message is about."""

    READY = b"R"
    """Worker: it serves. Body: the URL."""
    RETIRE = b"S"
    """Parent: take nobody in any more, let everybody go, end."""
    GIVE_METRICS = b"Q"
    """Parent: your own metrics, please."""
    METRICS = b"M"
    """Worker: these."""
    ASK_ALL = b"A"
    """Worker: somebody asks for the metrics of all."""
    ALL_METRICS = b"T"
    """Parent: these."""


class Message(NamedTuple):
    """One message."""

    kind: Kind
    number: int = 0
    body: bytes = b""


def write_message(writer: asyncio.StreamWriter, message: Message) -> None:
    """Send, without waiting: there are few messages, and a peer that is gone is noticed by whoever reads."""
    writer.write(_HEAD.pack(message.kind.value, message.number, len(message.body)) + message.body)


async def read_message(reader: asyncio.StreamReader) -> Message | None:
    """The next message; None when the other side is gone."""
    try:
        kind, number, length = _HEAD.unpack(await reader.readexactly(_HEAD.size))
        if length > MAX_BODY:
            return None
        return Message(Kind(kind), number, await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError, ValueError):
        return None
