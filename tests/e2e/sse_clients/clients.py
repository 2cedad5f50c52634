"""Python libraries for server-sent events, each run as its documentation shows.

    python clients.py LIBRARY URL

Every event becomes a line on standard output: a JSON array of its name, its data and the library's last event id. A
library that reconnects by itself is left to it; for one that does not, the reconnecting is what its documentation tells
its users to do. Ends when standard input does, so that it can't outlive the test that started it.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta


def report(name: str | None, data: str | None, last_event_id: str | None) -> None:
    """Tell the test of an event."""
    sys.stdout.write(json.dumps([name or "message", data or "", last_event_id or ""]) + "\n")
    sys.stdout.flush()


def launchdarkly(url: str) -> None:
    """launchdarkly-eventsource: reconnects by itself when told to; its user, not ``retry:``, says after how long."""
    from ld_eventsource import SSEClient  # type: ignore[import-untyped] # it comes without types
    from ld_eventsource.config import (  # type: ignore[import-untyped] # as above
        ErrorStrategy,
        RetryDelayStrategy,
    )

    client = SSEClient(
        url,
        initial_retry_delay=0.02,
        retry_delay_strategy=RetryDelayStrategy.default(max_delay=0.04),
        error_strategy=ErrorStrategy.always_continue(),
    )
    for event in client.events:
        report(event.event, event.data, client.last_event_id)


def requests_sse(url: str) -> None:
    """requests-sse: reconnects by itself, after twice the ``retry:``; before the first, ``reconnection_time``."""
    from requests_sse import EventSource

    with EventSource(url, reconnection_time=timedelta(milliseconds=20), timeout=60) as source:
        for event in source:
            report(event.type, event.data, event.last_event_id)


def httpx_sse(url: str) -> None:
    """httpx-sse: reads one connection. The rest is as in its README: any event's id is the next ``Last-Event-ID``."""
    import httpx
    from httpx_sse import connect_sse

    last_event_id, delay = "", 0.0
    with httpx.Client(timeout=60) as client:
        while True:
            time.sleep(delay)
            headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
            try:
                with connect_sse(client, "GET", url, headers=headers) as source:
                    for event in source.iter_sse():
                        last_event_id = event.id
                        if event.retry is not None:
                            delay = event.retry / 1000
                        report(event.event, event.data, last_event_id)
            except httpx.TransportError:
                continue


def aiohttp_sse_client2(url: str) -> None:
    """aiohttp-sse-client2: reconnects by itself where a stream ends in good order; a broken one is its user's."""
    from aiohttp import ClientError
    from aiohttp_sse_client2.client import EventSource  # type: ignore[import-untyped] # it comes without types

    async def watch() -> None:
        source = EventSource(url, reconnection_time=timedelta(milliseconds=20))
        while True:
            try:
                await source.connect()
                async for event in source:
                    report(event.type, event.data, event.last_event_id)
            except ClientError:
                await asyncio.sleep(0.02)

    asyncio.run(watch())


LIBRARIES: dict[str, Callable[[str], None]] = {
    "launchdarkly-eventsource": launchdarkly,
    "requests-sse": requests_sse,
    "httpx-sse": httpx_sse,
    "aiohttp-sse-client2": aiohttp_sse_client2,
}


def end_with_standard_input() -> None:
    """Wait for the test to let go, then end at once, whatever the library is doing."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    LIBRARIES[sys.argv[1]](sys.argv[2])
