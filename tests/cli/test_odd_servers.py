"""The commands against a server that is hostile, or none of ours."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable

import pytest
from click.testing import Result

from hubbub.testing.scripted import STREAM, Script, ScriptedServer, answer

Run = Callable[..., Result]

WELCOME = b'event: welcome\nretry: 50\ndata: {"video_id":"v","viewers":1,"pins":[]}\n\n'
OVER = answer(403, b'{"code":"forbidden","detail":"That is all."}')
"""Ends a ``tail``."""


async def said(run: Run, *words: str, to: Script, then: Script = (OVER,)) -> Result:
    """What a command prints that talks to a server with this script. The server goes on in this thread meanwhile."""
    async with ScriptedServer(to, then) as server, asyncio.timeout(20):
        return await asyncio.to_thread(run, *words, "--url", server.url, "--token", "t")


@pytest.mark.parametrize("words", [["tail", "v"], ["post", "v", "hi"]])
async def test_what_a_server_says_does_not_steer_the_terminal(run: Run, words: list[str]) -> None:
    """Escape sequences in a refusal are spelled out."""
    detail = {"code": "x\x1b[2J", "detail": "\x1b]0;pwned\x07 \u202e"}
    result = await said(run, *words, to=[answer(403, json.dumps(detail).encode())])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "hubbub: \\x1b]0;pwned\\x07 \\u202e (403 x\\x1b[2J)\n"


@pytest.mark.parametrize("words", [["post", "v", "hi"], ["video", "start", "v"]])
async def test_what_is_waited_for_is_said(run: Run, words: list[str]) -> None:
    """A server that is away for a moment is one line on stderr, and a rate limit's fraction of a second is none."""
    away = {"code": "store_unavailable", "detail": "The disk is full."}
    answers = [answer(429, b'{"code":"too_fast","detail":"Slowly."}'), answer(503, json.dumps(away).encode())]
    async with ScriptedServer(*[[one] for one in answers], [answer(404, b"{}")]) as server, asyncio.timeout(20):
        result = await asyncio.to_thread(run, *words, "--url", server.url, "--token", "t")
    waiting, *refusal = result.stderr.splitlines()
    assert re.fullmatch(r"hubbub: The disk is full\. \(503 store_unavailable\) Trying again in \d\.\d s\.", waiting)
    assert len(refusal) == 1


async def test_a_posted_comments_id_does_not_either(run: Run) -> None:
    """It is the server's to choose, and printed as text."""
    result = await said(run, "post", "v", "hi", to=[answer(201, b'{"id":"a\\u001b]0;pwned\\u0007\\n"}')])
    assert (result.exit_code, result.stdout) == (0, "a\\x1b]0;pwned\\x07\\x0a\n")


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b'{"id":[]}'])
async def test_an_answer_that_is_no_comment_is_one_line(run: Run, body: bytes) -> None:
    """Another program on that port is found out."""
    result = await said(run, "post", "v", "hi", to=[answer(200 if body else 204, body)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.endswith(" answered with something else than a comment; is it Hubbub?\n")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("mode", [[], ["--json"]])
async def test_odd_events_do_not_end_a_tail(run: Run, mode: list[str]) -> None:
    """Comments without their parts, times that are none, data of other shapes: it goes on to what comes after."""
    odd = [
        ("comment", '{"id":"1"}'),
        ("comment", '{"id":"2","user":null,"text":5,"created_at":"now"}'),
        ("comment", '{"id":"3","created_at":1e30}'),
        ("comment", '{"id":"4","created_at":1e400}'),
        *[("comment_deleted", data) for data in ("[]", "null", "5", '{"at":"x"}', '{"at":1e30,"id":[]}')],
        ("comment_pinned", "[]"),
        ("reset", "null"),
        ("welcome", "[]"),
        ("\x1b[2J", '"\\u001b[2J"'),
        ("comment", '{"id":"5","user":{"id":"a","name":"Ann"},"text":"still here","created_at":0}'),
    ]
    events = "".join(f"event: {name}\nretry: {'9' * 400}\ndata: {data}\n\n" for name, data in odd).encode()
    result = await said(run, "tail", "v", *mode, to=[STREAM, WELCOME, events, WELCOME])
    assert result.exit_code == 1
    assert result.stdout.count("still here") == 1
    assert result.stderr.endswith("hubbub: That is all. (403 forbidden)\n")
    assert "\x1b" not in result.output
