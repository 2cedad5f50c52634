"""Bad bodies of a post: each refused with the reason, on a connection that goes on, and nothing stored."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hubbub.testing.raw import request_bytes
from hubbub.testing.refusals import HISTORY, Case, faults_of
from hubbub.testing.server import running_server, token

TOKEN = token("ada", lifetime=86_400)
MEGABYTE = 1 << 20


def bodies(status: int, code: str, named: dict[str, bytes]) -> list[Case]:
    """Posts that differ in their bodies."""
    return [Case(name, status, code, "POST", HISTORY, (), body, TOKEN) for name, body in named.items()]


def nested(levels: int) -> bytes:
    """A post whose meta is so many objects within each other."""
    return b'{"text":"x","meta":' + b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1) + b"}"


MALFORMED = {
    "nothing": b"",
    "white space": b" \r\n",
    "half an object": b'{"text":',
    "an array": b'[{"text":"x"}]',
    "a string": b'"x"',
    "null": b"null",
    "a number": b"5",
    "something after the object": b'{"text":"x"} {}',
    "a comma too many": b'{"text":"x",}',
    "single quotes": b"{'text':'x'}",
    "a comment": b'{"text":"x"/* */}',
    "a form": b"text=x",
    "a byte order mark": b'\xef\xbb\xbf{"text":"x"}',
    "UTF-16": '{"text":"x"}'.encode("utf-16"),
    "no text": b"{}",
    "text is a number": b'{"text":5}',
    "text is null": b'{"text":null}',
    "text is a list": b'{"text":["x"]}',
    "text is an object": b'{"text":{"text":"x"}}',
    "nonce is a number": b'{"text":"x","nonce":5}',
    "nonce is empty": b'{"text":"x","nonce":""}',
    "nonce is too long": b'{"text":"x","nonce":"%b"}' % (b"n" * 65),
    "nonce is not ASCII": '{"text":"x","nonce":"é"}'.encode(),
    "client_ts is a string": b'{"text":"x","client_ts":"now"}',
    "client_ts is negative": b'{"text":"x","client_ts":-1}',
    "client_ts is no whole number": b'{"text":"x","client_ts":1.5}',
    "client_ts is too large": b'{"text":"x","client_ts":9007199254740993}',
    "meta is a list": b'{"text":"x","meta":[]}',
    "meta is a string": b'{"text":"x","meta":"{}"}',
    "an unknown field": b'{"text":"x","colour":"red"}',
    "a field that only we may set": b'{"text":"x","user":{"id":"eve"}}',
    "a field in capitals": b'{"Text":"x"}',
    "NaN": b'{"text":"x","meta":{"n":NaN}}',
    "Infinity": b'{"text":"x","meta":{"n":Infinity}}',
    "-Infinity": b'{"text":"x","meta":{"n":-Infinity}}',
    "NaN as the text": b'{"text":NaN}',
    "a number that no float holds": b'{"text":"x","meta":{"n":1e999}}',
    "a number of five thousand digits": b'{"text":"x","meta":{"n":%b}}' % (b"9" * 5000),
    "a leading zero": b'{"text":"x","meta":{"n":01}}',
    "arrays never closed": b"[" * 15_000,
    "objects never closed": b'{"a":' * 3_000,
    "a byte that is no UTF-8": b'{"text":"\xff"}',
    "an overlong form": b'{"text":"\xc0\xaf"}',
    "a surrogate as UTF-8": b'{"text":"\xed\xa0\x80"}',
    "half a character": b'{"text":"\xe2\x82"}',
    "beyond Unicode": b'{"text":"\xf4\x90\x80\x80"}',
    "half a surrogate pair": rb'{"text":"\ud83d"}',
    "the other half": rb'{"text":"\ude00"}',
    "the halves swapped": rb'{"text":"\ude00\ud83d"}',
    "half a pair in meta": rb'{"text":"x","meta":{"a":"\ud800"}}',
    "half a pair in a name": rb'{"text":"x","meta":{"\ud800":1}}',
    "half a pair in an unknown field": rb'{"text":"x","\ud800":1}',
    "a raw line feed in a string": b'{"text":"a\nb"}',
    "a raw NUL in a string": b'{"text":"a\x00b"}',
    "a bad escape": rb'{"text":"\x41"}',
}

UNACCEPTABLE = {
    "text_empty": {"an empty text": b'{"text":""}', "a blank text": '{"text":" \u3000\\n"}'.encode()},
    "text_too_long": {"501 characters": b'{"text":"%b"}' % (b"x" * 501)},
    "text_control_characters": {"an escaped NUL": rb'{"text":"a\u0000b"}', "a tab": rb'{"text":"a\tb"}'},
    "meta_too_large": {"meta of 1,025 bytes": b'{"text":"x","meta":{"a":"%b"}}' % (b"x" * 1017)},
    "meta_too_deep": {
        "meta 17 deep": nested(17),
        "meta 100 deep": nested(100),
        "arrays two thousand deep": b'{"text":"x","meta":{"a":%b}}' % (b"[" * 2000 + b"]" * 2000),
    },
    "meta_number_out_of_range": {"a number beyond 64 bits": b'{"text":"x","meta":{"n":18446744073709551616}}'},
}

IN_CHUNKS = [("Authorization", f"Bearer {TOKEN}"), ("Transfer-Encoding", "chunked")]

CASES = [
    *bodies(400, "malformed", MALFORMED),
    *(case for code, named in UNACCEPTABLE.items() for case in bodies(422, code, named)),
    *bodies(413, "too_large", {"16 KB and a byte": b" " * 16_385, "10 MB": b'{"text":"%b"}' % (b"x" * 10 * MEGABYTE)}),
    Case("10 MB in chunks", 413, "too_large", "POST", HISTORY)._replace(
        raw=request_bytes("POST", HISTORY, headers=IN_CHUNKS)
        + b"100000\r\n%b\r\n" % (b"x" * MEGABYTE) * 10
        + b"0\r\n\r\n"
    ),
    Case("no body and no length", 400, "malformed", "POST", HISTORY, bearer=TOKEN),
]


@pytest.mark.slow
async def test_each_bad_body_is_refused_with_its_reason_and_the_connection_goes_on(tmp_path: Path) -> None:
    """A body that is not JSON, not of the right shape, too large, or against a rule gets a problem document that says
    so; the same connection then serves a good request, and nothing is stored."""
    async with asyncio.timeout(60), running_server(tmp_path) as server:
        faults = await faults_of(server.url, CASES)
        assert not faults, "\n".join(faults)
        assert await server.services.store.by_user("ada", after=None, limit=10) == []
