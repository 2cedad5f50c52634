"""A viewer: a cursor into a video's ring, and a way to write to one client.

Never a queue. A viewer who keeps up is level: it shares each tick's frame. One who can't take a frame at once is
lagging: its cursor stays where it is and it takes whole frames from there as its client reads on.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from socket import SocketType
from typing import ClassVar, NamedTuple, Protocol

from hubbub.wire.forms import Form


class Format(NamedTuple):
    """How a frame is written; viewers of one format share its bytes.

    ``batch``: comments of a tick as one array. ``chunked``: wrapped as an HTTP/1.1 chunk, for viewers past the HTTP
    server. ``poll``: no stream but part of a long poll's answer.
    """

    batch: bool
    chunked: bool
    poll: bool = False

    @property
    def form(self) -> Form:
        """How its events are written."""
        return Form.POLL if self.poll else Form.BATCH if self.batch else Form.PLAIN


class Audience(Protocol):
    """What a viewer belongs to and reports to: its channel."""

    def fall_behind(self, viewer: Viewer) -> None:
        """It could not take everything at once."""

    def catch_up(self, viewer: Viewer) -> None:
        """It has taken everything and can take more."""

    def leave(self, viewer: Viewer) -> None:
        """It has gone. Idempotent."""


class Viewer(ABC):
    """One client's place in a channel. Subclasses know the socket; everything here belongs to the channel.

    ``cursor`` is the ring sequence of the next entry to send, always a tick's boundary; while the viewer stands in a
    `hubbub.fanout.crowd.Crowd`, that keeps it. ``level``: it is in a channel and has taken everything it was given, so
    that it may share the next frame. ``lagging_since`` is the loop time of the last progress while lagging. ``backlog``
    is how many comments a reset brings. ``socket`` is what a chunked viewer's frames may be sent by while it is level
    (`hubbub.fanout.writing`).
    """

    pauses_always: ClassVar[bool] = False
    """Whether it pauses after every write, so that a pause alone is no sign of a slow client."""

    socket: SocketType

    __slots__ = (
        "backlog", "channel", "cursor", "format", "gone", "lagging_since",
        "leaving", "level", "socket", "unsent_seen",
    )  # fmt: skip

    def __init__(self, format: Format, backlog: int) -> None:
        self.format = format
        self.backlog = backlog
        self.channel: Audience | None = None
        self.cursor = 0
        self.level = False
        self.gone = False
        self.lagging_since = 0.0
        self.leaving = ""  # why it is to go as soon as it is let in
        self.unsent_seen = 0

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Hand ``data`` to the client whole. If it can't all go now, keep the rest and call `paused`. Never raises."""

    @abstractmethod
    def unsent(self) -> int:
        """Bytes handed over and not yet taken by the kernel or server: falling means progress."""

    @abstractmethod
    def end(self) -> None:
        """End the stream cleanly once what was handed over is out."""

    @abstractmethod
    def abort(self) -> None:
        """Drop the connection now."""

    def paused(self) -> None:
        """For subclasses: the client can take no more at the moment."""
        if self.channel is not None:
            self.channel.fall_behind(self)

    def resumed(self) -> None:
        """For subclasses: everything handed over is out; the client can take more."""
        if self.channel is not None:
            self.channel.catch_up(self)

    def lost(self) -> None:
        """For subclasses: the connection is gone."""
        self.gone = True
        if self.channel is not None:
            self.channel.leave(self)
