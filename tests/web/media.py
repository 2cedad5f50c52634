"""A recording to be played, and a page for it: made on the fly, served in ranges, and held back at will."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
import wave
from types import TracebackType
from typing import Self

_RATE = 8_000
_PIECE = 16_384
BYTES = 2 * _RATE
_PAGE_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n"


def silence(seconds: float) -> bytes:
    """A WAV file, of `BYTES` a second."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(_RATE)
        writer.writeframes(bytes(round(seconds * _RATE) * 2))
    return file.getvalue()


class Recording:
    """Serves ``media`` at ``/recording.wav``; nothing past the byte ``until`` is sent before that is raised, as on a
    slow line. All else is ``page``: really served, since browsers keep made-up pages from media on this machine.
    """

    def __init__(self, media: bytes) -> None:
        self.origin = ""
        self.page = ""
        self._media = media
        self._until = len(media)
        self._raised = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    async def hold(self, until: int | None) -> None:
        """Send nothing past ``until`` (None: all)."""
        async with self._raised:
            self._until = len(self._media) if until is None else until
            self._raised.notify_all()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"GET /recording.wav "):
                writer.write(_PAGE_HEAD + self.page.encode())
                await writer.drain()
                writer.close()
                await writer.wait_closed()
                return
            asked = re.search(rb"range: bytes=(\d+)-(\d*)", head, re.IGNORECASE)
            start = int(asked[1]) if asked else 0
            end = int(asked[2]) + 1 if asked and asked[2] else len(self._media)
            lines = [
                "HTTP/1.1 206 Partial Content" if asked else "HTTP/1.1 200 OK",
                "content-type: audio/wav",
                "accept-ranges: bytes",
                f"content-length: {end - start}",
                f"content-range: bytes {start}-{end - 1}/{len(self._media)}",
                "cache-control: no-store",
                "connection: close",
            ]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            for at in range(start, end, _PIECE):
                upto = min(at + _PIECE, end)
                async with self._raised:
                    await self._raised.wait_for(lambda upto=upto: upto <= self._until)  # type: ignore[misc]
                writer.write(self._media[at:upto])
                await writer.drain()
            writer.close()
            await writer.wait_closed()
