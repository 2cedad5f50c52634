"""Taking a connection over from uvicorn, so that a frame goes to a socket with nothing in between; and what uvicorn
leaves open to whoever sends bad requests, or sends or reads too slowly.

The only module that knows uvicorn's insides. An application sees an ASGI scope extension, ``hubbub.takeover``: a
function that, after ``http.response.start`` was sent, puts another `asyncio.Protocol` on the transport; from then on
the HTTP server has forgotten the connection. Where the extension is missing (TLS, another ASGI server) a stream is sent
the plain ASGI way.

What we lean on, held by ``tests/http/test_takeover.py``: `HttpToolsProtocol` keeps its connections in ``connections``,
its request in ``cycle`` and those after it in ``pipeline`` (the newest left), makes the scope in ``on_message_begin``,
collects ``headers`` until ``on_headers_complete``, calls ``on_response_complete`` after each answer, starts the oldest
of ``pipeline`` there, and leaves a cycle whose ``disconnected`` is set alone when the application returns.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, cast

from httptools import HttpParserError, HttpParserInvalidMethodError, HttpParserUpgrade
from uvicorn import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from hubbub.errors import Refusal
from hubbub.http.connections import Connections
from hubbub.http.heads import HeadTooLarge, SlowRequest, bad_http, check_head, unknown_method
from hubbub.http.problems import problem_answer

EXTENSION = "hubbub.takeover"

ABORT = "hubbub.abort"
"""Another extension: drops the connection now, for a stream over TLS whose client takes nothing."""

WATCHES = "hubbub.watches"
"""Another one: the connection is a viewer's, which the bounds of viewers count, and ends with the stream."""

Takeover = Callable[[asyncio.Protocol], bool]
"""Puts a protocol on the request's transport. False: the client has gone already."""

MAX_HEAD = 64 * 1024
"""Bytes that may come without a whole head or a part of a body coming of them: an endless target, header, trailer or
chunk extension. Above it the request is refused and the connection closed; the parser has no bound of its own.
"""

_PIECE = 2048
"""Bytes parsed at a time. Once a request waits for the answer to another no further piece is parsed: what a client
sends ahead stays bytes, and more is not read.
"""

_QUEUED = 4096
"""Bytes, about, that a request takes while it waits for the answer to another."""

_GOODBYE = 1.0
"""Seconds a client has to close its side when it was refused, or when the server stops."""

_AFTERWARDS = 256 * 1024
"""Bytes that it may still send meanwhile."""

_H2C = re.compile(rb"\r\nupgrade(?=:[ \t]*h2c[ \t]*\r\n)", re.IGNORECASE)


def takeover_of(scope: Any) -> Takeover | None:
    """The request's take-over, or None where its server has none."""
    takeover: Takeover | None = scope.get("extensions", {}).get(EXTENSION)
    return takeover


def abort_of(scope: Any) -> Callable[[], None] | None:
    """What drops the request's connection, or None where its server has no such thing."""
    abort: Callable[[], None] | None = scope.get("extensions", {}).get(ABORT)
    return abort


def now_watches(scope: Any) -> None:
    """Tell the server, where it is ours, that a viewer is served the plain way."""
    if watches := scope.get("extensions", {}).get(WATCHES):
        watches()


class _Flow(FlowControl):
    """uvicorn's, but that nothing is read while ``held`` is set."""

    held = False

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


class TakeoverProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with the extensions, entered in the books of `Connections`, and strict.

    What can't be served for its form or its slowness is answered with a problem document, after the answers to what was
    asked before, and the connection is closed: what follows can't be told apart from the bad request.
    """

    flow: _Flow

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        *,
        connections: Connections,
        opened: socket.socket,
    ) -> None:
        super().__init__(config, server_state, app_state)
        self._books = connections
        # Ours to end until there is a transport: a TLS handshake may take its time.
        self._opened: socket.socket | None = opened
        self._answering: RequestResponseCycle | None = None  # the request under way; ``cycle`` is the newest
        self._reading: Literal["", "head", "body"] = ""  # which part of a request is to come
        self._silent = True
        self._progressed = False
        self._pending = 0
        self._begun = 0
        self._held = b""
        self._fault: Refusal | None = None
        self._last_word: bytes | None = None
        self._finished = False

    # --- the connection -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        # uvicorn's own way would have the transport remember both addresses for as long as it lives, which is an eighth
        # of what a viewer costs.
        self.connections.add(self)
        self.transport = transport
        self.flow = _Flow(transport)
        self.scheme = "http" if transport.get_extra_info("sslcontext") is None else "https"
        opened, self._opened = self._opened, None
        if opened is not None:
            self.server, self.client = _address(opened.getsockname), _address(opened.getpeername)

    def connection_lost(self, exc: Exception | None) -> None:
        self._books.leave(self)
        self._held = b""
        answering, self._answering = self._answering, None
        if answering is not None and not answering.response_complete:  # uvicorn tells the newest alone
            answering.disconnected = True
            answering.message_event.set()
        super().connection_lost(exc)
        self._unset_keepalive_if_required()  # after a reset too, or its timer would keep all of this for a minute more

    def shutdown(self) -> None:
        """Close an idle connection, over TLS also if the client ignores the goodbye (RFC 8446, section 6.1)."""
        super().shutdown()
        if self.transport.is_closing():
            self.loop.call_later(_GOODBYE, self.transport.abort)

    def held_back(self) -> int:
        if self._opened is not None:
            return 0
        unsent: int = self.transport.get_write_buffer_size()
        return unsent + len(self._held) + _QUEUED * len(self.pipeline)

    def drop(self) -> None:
        if self._opened is not None:
            with contextlib.suppress(OSError):  # it may have gone
                self._opened.shutdown(socket.SHUT_RDWR)
        else:
            self.transport.abort()

    def too_slow(self) -> None:
        if self._silent:
            self._books.dropped("silent")
            self.drop()
        elif not self._reading:
            self.drop()  # idle long enough
        else:
            part = "head" if self._reading == "head" else "body"
            self._refuse(SlowRequest(f"The request's {part} took too long to come."), f"slow_{part}")

    # --- reading ------------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._silent = False
        if self._finished:
            self._pending += len(data)
            if self._pending > _AFTERWARDS:
                self.transport.abort()
            return
        if self._held or self.flow.held:
            self._held += data
            return
        if not self._reading and b"h2c" in data:
            data = _without_h2c(data)
        self._feed(data)

    def _feed(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        if not self._reading and data.strip(b"\r\n"):  # empty lines before a request are passed over (RFC 9112, 2.2)
            self._reads("head")
        for start in range(0, len(data), _PIECE):
            if self.pipeline:
                self._hold(data[start:])
                return
            if not self._parse(data[start : start + _PIECE]):
                return

    def _hold(self, data: bytes) -> None:
        self._held = data
        self.flow.pause_reading()
        self.flow.held = True

    def _parse(self, data: bytes) -> bool:
        self._progressed, self._begun = False, 0
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade as upgrade:  # an offer that is not taken: what follows is HTTP still
            rest = data[upgrade.args[0] :]
            return not rest or self._parse(rest)
        except HttpParserError as error:
            first = isinstance(error, HttpParserInvalidMethodError) and self._begun == 1
            self._refuse(self._fault or (unknown_method(data) if first else bad_http()), "bad_http")
            return False
        self._pending = 0 if self._progressed else self._pending + len(data)
        if self._pending > MAX_HEAD:
            detail = f"The request's line and headers take more than {MAX_HEAD} bytes; send fewer."
            self._refuse(HeadTooLarge(detail), "bad_http")
            return False
        return True

    def _reads(self, part: Literal["head", "body"]) -> None:
        self._reading = part
        patience = self._books.patience
        self._books.waits(self, patience.head if part == "head" else patience.body)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._progressed = True
        self._begun += 1
        if not self._reading:
            self._reads("head")

    def on_header(self, name: bytes, value: bytes) -> None:
        # uvicorn would put trailers among the headers, which the application is reading by then.
        if self._reading != "head":
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._progressed = True
        try:
            check_head(
                self.parser.get_method(),
                self.url,
                self.parser.get_http_version(),
                self.headers,
                upgrade=self.parser.should_upgrade(),
            )
        except Refusal as refusal:
            self._fault = refusal
            raise ValueError("refused") from refusal  # the parser stops at it
        if self.url == b"*":
            self.url = b"/*"  # the server as a whole, of which OPTIONS has nothing to tell
        super().on_headers_complete()
        self._reads("body")
        cycle = self.cycle
        if not self.pipeline:
            self._answering = cycle
        if self.expect_100_continue:
            _close_unless_body_is_asked_for(cycle)
        extensions = cast(dict[str, Any], self.scope.setdefault("extensions", {}))  # ASGI's own take dictionaries
        extensions[ABORT] = self.transport.abort
        extensions[WATCHES] = partial(self._watches, cycle)
        if self.scheme == "http":
            extensions[EXTENSION] = partial(self._take_over, cycle)

    def on_body(self, body: bytes) -> None:
        self._progressed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._progressed = True
        self._reading = ""
        if self.cycle.response_complete:
            self._books.rests(self)
        else:
            self._books.works(self)
        super().on_message_complete()

    # --- answering ----------------------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        another = bool(self.pipeline)
        self._answering = self.pipeline[-1][0] if another else None
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if not another and self._last_word is not None:
            self._finish(self._last_word)
            return
        if not another and not self._reading:
            self._books.rests(self)
        if self._held and not self.pipeline and self._last_word is None:
            held, self._held = self._held, b""
            self.flow.held = False
            self._feed(held)
            self.flow.resume_reading()

    def _refuse(self, refusal: Refusal, reason: str) -> None:
        """Answer in turn, and close."""
        self._books.dropped(reason)
        if self.transport.is_closing():
            return
        self._hold(b"")
        answer = problem_answer(refusal)
        latest = cast(RequestResponseCycle | None, self.cycle)  # none before the first
        cycle = latest if self._reading == "body" else None
        self._reading = ""
        self._books.works(self)
        if cycle is not None and self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
            self._last_word = answer
        elif cycle is not None and cycle.response_complete:
            self.transport.close()  # it has its answer
        elif cycle is not None and cycle.response_started:
            self.transport.abort()  # an answer that is cut must not look whole
        elif cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
            self._finish(answer)
        elif latest is not None and not latest.response_complete:
            self._last_word = answer
        else:
            self._finish(answer)

    def _finish(self, answer: bytes) -> None:
        """Say the last word, then wait a moment for the client to close: while it still sends, our closing would be a
        reset, which takes the answer from it (RFC 9112, section 9.6).
        """
        self._unset_keepalive_if_required()
        self._finished, self._pending = True, 0
        self.transport.write(answer)
        if self.scheme == "https":
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.held = False
        self.flow.resume_reading()
        self.loop.call_later(_GOODBYE, self.transport.close)

    # --- viewers ------------------------------------------------------------------------------------------------------

    def _watches(self, cycle: RequestResponseCycle) -> None:
        cycle.keep_alive = False
        self._books.leave(self)

    def _take_over(self, cycle: RequestResponseCycle, successor: asyncio.Protocol) -> bool:
        transport = self.transport
        if cycle.disconnected or transport.is_closing():
            return False
        self._unset_keepalive_if_required()
        self._books.leave(self)
        self._held, self.flow.held = b"", False
        self.flow.resume_reading()
        self.pipeline.clear()
        self.connections.discard(self)
        cycle.disconnected = True  # the application may return without a word more
        cycle.message_event.set()
        self._forget(cycle)
        transport.set_protocol(successor)
        successor.connection_made(transport)
        return True

    def _forget(self, cycle: RequestResponseCycle) -> None:
        """Break the circles that this object and its request form, so that they are gone now and not at some later
        search for such: of thousands of viewers who come together, that is as much memory again as they need.
        """
        cycle.scope["extensions"].clear()
        cycle.on_response = _nothing
        self._answering = None
        del self.parser, self.cycle, self.scope, self.flow


def _address(ask: Callable[[], Any]) -> tuple[str, int] | None:
    """An end of a connection, as ASGI has it; None for a socket of the file system, or one whose client has gone."""
    try:
        address = ask()
    except OSError:
        return None
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) else None


def _nothing() -> None:
    """What is left to do when the response of a connection that was taken over is complete."""


def _close_unless_body_is_asked_for(cycle: RequestResponseCycle) -> None:
    """Whoever expects ``100 Continue`` and is refused at once may send the body or not: what comes next on the
    connection can't be told (RFC 9110, section 10.1.1), unless the body was asked for.
    """
    keep_alive, cycle.keep_alive = cycle.keep_alive, False
    receive = cycle.receive

    async def asking() -> Any:
        cycle.keep_alive = keep_alive
        return await receive()

    cycle.receive = asking  # type: ignore[method-assign] # this request's only; the class is uvicorn's


def _without_h2c(data: bytes) -> bytes:
    """A request's first bytes without an offer of HTTP/2 in clear text, which Java's client and ``curl --http2`` make.

    A server that does not take the offer goes on as if it were not there (RFC 9110, section 7.8); the parser would take
    the request's body for another protocol's bytes.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _H2C.sub(rb"\r\nx-ignored-upgrade", head + end) + rest
