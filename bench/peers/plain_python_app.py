"""A live-comments server as most people would write it in Python: a queue a viewer, Starlette and sse-starlette."""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import AsyncIterator

import uvicorn
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

queues: defaultdict[str, set[asyncio.Queue[str]]] = defaultdict(set)


async def watch(request: Request) -> EventSourceResponse:
    """Events of a video, each from the viewer's own queue."""
    queue: asyncio.Queue[str] = asyncio.Queue(1000)
    viewers = queues[request.path_params["video"]]
    viewers.add(queue)

    async def events() -> AsyncIterator[dict[str, str]]:
        try:
            while True:
                yield {"event": "comment", "data": await queue.get()}
        finally:
            viewers.discard(queue)

    return EventSourceResponse(events())


async def post(request: Request) -> JSONResponse:
    """Put a comment into everybody's queue; nothing is stored."""
    comment = (await request.body()).decode()
    for queue in queues[request.path_params["video"]]:
        queue.put_nowait(comment)
    return JSONResponse({}, 201)


app = Starlette(routes=[Route("/watch/{video}", watch), Route("/post/{video}", post, methods=["POST"])])

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False, backlog=4096)
