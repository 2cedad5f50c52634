"""A proxy before DynamoDB Local that does what the real service does on a bad day: it throttles, fails, loses answers,
and leaves parts of batches undone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
from aiohttp import web

Answer = tuple[int, dict[str, Any]]
Forward = Callable[[dict[str, Any]], Awaitable[Answer]]
Fault = Callable[[dict[str, Any], Forward], Awaitable[Answer]]
"""Given a request and a way to have it carried out: the answer's status and body. `ConnectionResetError`: no answer."""

THROTTLED = "ProvisionedThroughputExceededException"
_TYPE = "com.amazonaws.dynamodb.v20120810#"
_BATCHES = {"BatchWriteItem": "UnprocessedItems", "BatchGetItem": "UnprocessedKeys"}


class Seen(NamedTuple):
    """A request that came, and what was answered."""

    operation: str
    request: dict[str, Any]
    answer: dict[str, Any]


class FaultyDynamoDB:
    """``endpoint`` is where it listens; ``seen`` is what came. Faults are met in the order in which they were given."""

    def __init__(self, engine: str) -> None:
        self.endpoint = ""
        self.seen: list[Seen] = []
        self._engine = engine
        self._faults: dict[str, list[Fault]] = {}

    def meet(self, operation: str, fault: Fault, *, times: int = 1) -> None:
        """The next ``times`` requests of an operation meet a fault."""
        self._faults.setdefault(operation, []).extend([fault] * times)

    def requests(self, *operations: str) -> list[dict[str, Any]]:
        """What came, of some operations."""
        return [one.request for one in self.seen if one.operation in operations]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        operation = request.headers["X-Amz-Target"].partition(".")[2]
        wanted = json.loads(await request.read())
        self.seen.append(seen := Seen(operation, wanted, {}))

        async def forward(wanted: dict[str, Any]) -> Answer:
            headers = {
                name: value
                for name, value in request.headers.items()
                if name in ("Authorization", "X-Amz-Date", "X-Amz-Target")
            }
            headers["Content-Type"] = "application/x-amz-json-1.0"
            async with (
                aiohttp.ClientSession() as session,
                session.post(self._engine, data=json.dumps(wanted), headers=headers) as answer,
            ):
                return answer.status, json.loads(await answer.read())

        faults = self._faults.get(operation)
        try:
            status, body = await (faults.pop(0)(wanted, forward) if faults else forward(wanted))
        except ConnectionResetError:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        seen.answer.update(body)
        return web.json_response(body, status=status, content_type="application/x-amz-json-1.0")


def refuses(code: str, status: int = 400, **more: Any) -> Fault:
    """Nothing is done, and the answer is an error."""

    async def fault(_: dict[str, Any], __: Forward) -> Answer:
        return status, {"__type": _TYPE + code, "message": "made up by a test", **more}

    return fault


def cancels(*codes: str) -> Fault:
    """A transaction is cancelled, for these reasons of its actions."""
    return refuses("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


async def loses_answer(request: dict[str, Any], forward: Forward) -> Answer:
    """It is carried out, and nobody hears of it."""
    await forward(request)
    raise ConnectionResetError


async def fails_after(request: dict[str, Any], forward: Forward) -> Answer:
    """It is carried out, and the answer is that the service failed."""
    await forward(request)
    return 500, {"__type": _TYPE + "InternalServerError", "message": "made up by a test"}


async def hangs(_: dict[str, Any], __: Forward) -> Answer:
    """No answer comes."""
    await asyncio.Event().wait()
    raise AssertionError


def leaves_undone(operation: str, but: int) -> Fault:
    """A batch is carried out but for what is beyond its first ``but``."""

    async def fault(request: dict[str, Any], forward: Forward) -> Answer:
        ((table, wanted),) = request["RequestItems"].items()
        many: list[Any] = wanted if isinstance(wanted, list) else wanted["Keys"]

        def part(some: list[Any]) -> Any:
            return some if isinstance(wanted, list) else {**wanted, "Keys": some}

        status: int = 200
        body: dict[str, Any] = {"Responses": {table: []}}
        if but:
            status, body = await forward({**request, "RequestItems": {table: part(many[:but])}})
        return status, {**body, _BATCHES[operation]: {table: part(many[but:])}}

    return fault


@asynccontextmanager
async def faulty(engine: str) -> AsyncIterator[FaultyDynamoDB]:
    """The proxy, listening on the loopback interface."""
    proxy = FaultyDynamoDB(engine)
    app = web.Application()
    app.router.add_post("/", proxy.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    proxy.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield proxy
    finally:
        await runner.cleanup()
