"""What several targets hold to: refusals are fit to be sent, inputs are taken apart in one way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from contextlib import suppress
from typing import TypeVar

from hubbub.errors import Refusal
from hubbub.http.problems import CODES, problem_answer, problem_bytes

T = TypeVar("T")


def fields(data: bytes) -> list[bytes]:
    """An input as several values: NUL, which no header and no query can hold, parts them."""
    return data.split(b"\0")


def text_of(data: bytes) -> str:
    """Any text, lone surrogates among it: what is not UTF-8 becomes some."""
    return data.decode("utf-8", "surrogateescape")


def check_refusal(refusal: Refusal, *classes: type[Refusal]) -> None:
    """One of those that are promised, with a known code, and a problem document that is short and can be sent."""
    assert type(refusal) in classes, repr(refusal)
    assert refusal.code in CODES, refusal.code
    assert CODES[refusal.code].status == refusal.status, refusal.code
    document = problem_bytes(refusal)
    assert len(document) < 2_000, "what was sent is not thrown back"
    assert json.loads(document)["code"] == refusal.code
    head, _, _ = problem_answer(refusal).partition(b"\r\n\r\n")
    assert b"\n" not in head.replace(b"\r\n", b""), head


def done(coroutine: Coroutine[object, object, T]) -> T:
    """The result of a coroutine that has nothing to wait for, run without an event loop. Raises what it raises."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        with suppress(RuntimeError):
            coroutine.close()
    raise AssertionError("it waits for something")


_loop: asyncio.AbstractEventLoop | None = None


def run(coroutine: Coroutine[object, object, T]) -> T:
    """The result of a coroutine, on one event loop for all inputs: a loop each would take most of the time."""
    global _loop  # noqa: PLW0603 - one a process, as a target has one
    if _loop is None or _loop.is_closed():
        _loop = asyncio.new_event_loop()
    return _loop.run_until_complete(coroutine)


def close_loop() -> None:
    """End what `run` began."""
    if _loop is not None:
        _loop.close()
