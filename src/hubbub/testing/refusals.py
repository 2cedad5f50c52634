"""Requests that must be refused, and what each refusal must be: a problem document, on a connection that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from hubbub.testing.raw import Answer, Connection, Headers, request_bytes

HISTORY = "/v1/videos/v/comments"


class Case(NamedTuple):
    """A request, and the status and code that must answer it. ``raw``, where given, is sent instead of all the rest."""

    name: str
    status: int
    code: str
    method: str
    target: str
    headers: Headers = ()
    body: bytes | None = None
    bearer: str | None = None
    raw: bytes = b""

    @property
    def sent(self) -> bytes:
        """The request's bytes."""
        authorization = [] if self.bearer is None else [("Authorization", f"Bearer {self.bearer}")]
        return self.raw or request_bytes(
            self.method, self.target, headers=[*authorization, *self.headers], body=self.body
        )


def check_problem(answer: Answer, status: int, code: str) -> None:
    """Raise `AssertionError` unless the answer is that problem document (RFC 9457), with a sentence for a person."""
    assert (answer.status, answer.header("content-type")) == (status, "application/problem+json"), answer
    problem = answer.json()
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["title"]
    assert problem["type"]
    assert len(problem["detail"]) > 15, "a sentence that says what to change"
    assert len(answer.body) < 2_000, "what was sent is not thrown back"
    if status == 401:
        assert (answer.header("www-authenticate") or "").startswith("Bearer ")
    if status == 405:
        assert answer.header("allow")


async def faults_of(url: str, cases: Sequence[Case]) -> list[str]:
    """Send every case down one connection, each followed by a good request; a line for each that went wrong."""
    faults: list[str] = []
    connection = await Connection.open(url)
    for case in cases:
        try:
            async with asyncio.timeout(10):
                await connection.send(case.sent)
                answer = await connection.answer()
                check_problem(answer, case.status, case.code)
                assert answer.header("connection") != "close", answer
                again = await connection.request("GET", HISTORY)
                assert (again.status, again.json()["comments"]) == (200, []), again
        except (AssertionError, OSError, EOFError, TimeoutError) as fault:
            faults.append(f"{case.name} ({case.method} {case.target[:50]}): {fault!r}")
            await connection.close()
            connection = await Connection.open(url)
    await connection.close()
    return faults
