"""What surrounds every request: its id, its log line, and a problem document for whatever goes wrong."""

from __future__ import annotations

import asyncio
import logging
import re
from random import getrandbits
from time import perf_counter

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hubbub.errors import Malformed, NotFound, Refusal, Unavailable
from hubbub.http.elsewhere import AskAnother
from hubbub.http.problems import problem_response
from hubbub.http.requests import header_values
from hubbub.logs import redacted_query, request_id

log = logging.getLogger("hubbub.requests")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Unsupported(Malformed):
    """A method that this address does not know."""

    status, title, default_code = 405, "Method not allowed", "method_not_allowed"


class InternalError(Refusal):
    """A fault of ours. The log has it under the request's id."""

    status, title, default_code = 500, "Our fault", "internal_error"


class Edge:
    """ASGI middleware around everything. ``access_log``: a line for every request, not only for those answered 5xx."""

    def __init__(self, app: ASGIApp, *, access_log: bool) -> None:
        self._app = app
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = header_values(scope, b"x-request-id")
        id = given[0].decode() if given and _REQUEST_ID.fullmatch(given[0]) else f"{getrandbits(64):016x}"
        mark = request_id.set(id)
        began = perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", id.encode())]
            await send(message)

        # Starlette raises HTTPException for 404 and 405 only inside an application; this is ours.
        scope["app"] = self
        try:
            try:
                await self._app(scope, receive, answer)
            except Exception as error:
                refusal = _refusal(error, scope)
                if status:
                    log.exception("failed after the answer had begun")
                    raise
                await problem_response(refusal, request_id=id)(scope, receive, answer)
            except asyncio.CancelledError:
                # Only the server's stop cancels a request, when it has waited long enough: most often for a body.
                log.info("cut off by the stop: %s %s", scope["method"], scope["path"])
                if not status:
                    refusal = Unavailable("The service is stopping; send it again.", retry_after=1)
                    await problem_response(refusal, request_id=id)(scope, receive, answer)
            # Who is sent to another process is no trouble of ours, and they may be many; a metric counts them.
            if self._access_log or (status >= 500 and status != AskAnother.status):
                self._report(scope, status, perf_counter() - began)
        finally:
            request_id.reset(mark)

    def _report(self, scope: Scope, status: int, seconds: float) -> None:
        query = redacted_query(scope["query_string"].decode("latin-1"))
        path = scope["path"] + ("?" + query if query else "")
        level = logging.WARNING if status >= 500 else logging.INFO
        log.log(level, "%s %s %d %.1fms", scope["method"], path, status, seconds * 1000)


class Answering:
    """ASGI middleware inside `Edge`: answers what goes wrong there and then, for what lies between to see it (CORS)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            await problem_response(_refusal(error, scope), request_id=request_id.get())(scope, receive, send)


def _refusal(error: Exception, scope: Scope) -> Refusal:
    """What the client is told about an error."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, HTTPException) and error.status_code == 404:
        return NotFound("There is nothing at this address; /docs lists what there is.", code="no_such_page")
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return Unsupported(f"{scope['method']} is not for this address; use {allowed}.", allow=allowed)
    log.error("a request failed", exc_info=error)
    return InternalError("Something went wrong on our side; the log has it under this request's id.")
