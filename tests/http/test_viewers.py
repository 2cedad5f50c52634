"""Writing past the transport: what `hubbub.fanout.writing` takes for granted, with real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from hubbub.fanout.viewer import Viewer
from hubbub.fanout.writing import send_to_all
from hubbub.http.viewers import SocketViewer

pytestmark = pytest.mark.both_loops


class Channel:
    """Does for a viewer's state what a channel does."""

    def __init__(self) -> None:
        self.lagging: list[Viewer] = []

    def fall_behind(self, viewer: Viewer) -> None:
        viewer.level = False
        self.lagging.append(viewer)

    def catch_up(self, viewer: Viewer) -> None:
        viewer.level = True

    def leave(self, viewer: Viewer) -> None:
        viewer.level = False


class Seat:
    """Whose it is does not matter here."""

    def leave(self) -> None:
        pass


class Watched(SocketViewer):
    """Notes, when it is told that its connection is lost, whether its descriptor was still the same open socket."""

    def __init__(self) -> None:
        super().__init__(batch=False, backlog=0, sndbuf=4096, seat=Seat())
        self.channel = Channel()
        self.level = True
        self.over = asyncio.Event()
        self.was_its_own: bool | None = None
        self.inode = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.inode = os.fstat(self.socket.fileno()).st_ino

    def connection_lost(self, exc: Exception | None) -> None:
        self.was_its_own = os.fstat(self.socket.fileno()).st_ino == self.inode
        super().connection_lost(exc)
        self.over.set()


def write_to_all(viewers: list[Watched], data: bytes) -> None:
    """As a channel does it."""
    for viewer, taken in zip(viewers, send_to_all([viewer.socket for viewer in viewers], data), strict=True):
        if taken < len(data):
            viewer.write(data[taken:])


@asynccontextmanager
async def pairs(count: int) -> AsyncIterator[list[tuple[Watched, socket.socket]]]:
    """Viewers, each with its client's socket."""
    made: list[Watched] = []

    def viewer() -> Watched:
        made.append(Watched())
        return made[-1]

    server = await asyncio.get_running_loop().create_server(viewer, "127.0.0.1", 0)
    clients: list[socket.socket] = []
    for number in range(count):
        clients.append(socket.create_connection(server.sockets[0].getsockname()))
        while len(made) <= number or not made[number].inode:
            await asyncio.sleep(0)
        clients[-1].setblocking(False)
    try:
        yield list(zip(made, clients, strict=True))
    finally:
        for watched, client in zip(made, clients, strict=True):
            watched.abort()
            client.close()
            await watched.over.wait()
        server.close()


async def everything(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = await asyncio.get_running_loop().sock_recv(client, 65536)
        if not part:
            break
        data += part
    return data


async def test_each_gets_the_whole_frame() -> None:
    """A frame reaches every viewer once and whole, and nobody falls behind."""
    async with pairs(3) as found:
        write_to_all([viewer for viewer, _ in found], b"frame")
        for viewer, client in found:
            assert await everything(client, 5) == b"frame"
            assert viewer.level


async def test_what_a_socket_does_not_take_follows_through_the_transport() -> None:
    """One whose client reads slowly gets every byte in order, partial write or none; the others are not held up."""
    frame = bytes(range(256)) * 4096
    async with pairs(3) as found:
        viewers = [viewer for viewer, _ in found]
        slow = found[1][0]
        write_to_all([slow], frame)  # more than its buffer takes: a part now, the rest waits
        assert 0 < slow.unsent() < len(frame)
        write_to_all([viewers[0], viewers[2]], b"next")
        assert await everything(found[0][1], 4) == await everything(found[2][1], 4) == b"next"
        assert await everything(found[1][1], len(frame)) == frame
        while slow.unsent():
            await asyncio.sleep(0)
        write_to_all(viewers, b"level again")
        assert await everything(found[1][1], 11) == b"level again"


async def test_a_full_socket_in_the_midst_costs_the_others_nothing() -> None:
    """Where a write is refused outright, the frame waits in that viewer's transport and goes to those after it."""
    async with pairs(3) as found:
        full = found[1][0]
        with contextlib.suppress(BlockingIOError):
            while full.socket.send(b"x" * 65536):
                pass
        write_to_all([viewer for viewer, _ in found], b"frame")
        assert (found[0][0].level, full.level, found[2][0].level) == (True, False, True)
        assert full.unsent() == 5
        assert await everything(found[2][1], 5) == b"frame"


def closes(client: socket.socket) -> None:
    client.close()


def resets(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


@pytest.mark.parametrize("end", [closes, resets])
async def test_a_descriptor_is_the_viewers_own_until_it_reports_itself_lost(
    end: Callable[[socket.socket], None],
) -> None:
    """Asyncio and uvloop tell of a lost connection before they close its socket: nobody else's can be written to."""
    async with pairs(2) as found:
        end(found[0][1])
        await asyncio.wait_for(found[0][0].over.wait(), 10)
        assert found[0][0].was_its_own
        found[1][0].abort()
        await asyncio.wait_for(found[1][0].over.wait(), 10)
        assert found[1][0].was_its_own


async def test_writing_to_one_who_has_just_gone_is_harmless() -> None:
    """A client that went since the viewers were chosen is noticed; the others get their frame."""
    async with pairs(3) as found:
        resets(found[0][1])
        for _ in range(2):  # the first may still be taken
            write_to_all([viewer for viewer, _ in found], b"frame")
        assert await everything(found[2][1], 10) == b"frameframe"
        await asyncio.wait_for(found[0][0].over.wait(), 10)


async def test_a_lost_viewer_leaves_the_descriptor_to_its_transport() -> None:
    """The second socket object closes nothing: the number may be somebody else's by then."""
    async with pairs(1) as found:
        viewer, client = found[0]
        client.close()
        await asyncio.wait_for(viewer.over.wait(), 10)
        assert viewer.socket.fileno() == -1
