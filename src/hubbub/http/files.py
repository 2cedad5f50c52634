"""Files of this package, read and compressed once: with ETag, gzip for text, and single ranges (RFC 9110, section 14)
for media, without which browsers can't seek.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterable, Mapping
from importlib.resources.abc import Traversable
from pathlib import PurePath
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from hubbub.errors import NotFound
from hubbub.http.requests import header_values, is_known, takes_gzip

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".ts": "text/plain",
    ".webm": "video/webm",
}
_MEDIA = frozenset({".webm"})
_RANGE = re.compile(rb"bytes=(?:(?P<first>[0-9]{1,15})-(?P<last>[0-9]{1,15})?|-(?P<suffix>[0-9]{1,15}))")


class _File(NamedTuple):
    plain: bytes
    zipped: bytes | None
    kind: str
    etag: str


class Files:
    """The endpoint for a name in ``folders``, whose files of other ``types`` are left out. ``headers`` go with each."""

    def __init__(self, folders: Iterable[Traversable], headers: Mapping[str, str], types: Iterable[str]) -> None:
        chosen = frozenset(types)
        self._headers = {**headers, "vary": "Accept-Encoding"}
        self._files = {
            entry.name: _read(entry, suffix)
            for folder in folders
            if folder.is_dir()
            for entry in folder.iterdir()
            if entry.is_file() and (suffix := PurePath(entry.name).suffix) in chosen
        }

    async def file(self, request: Request) -> Response:
        """One of them. Raises `NotFound`."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            raise NotFound("There is no such file.", code="no_such_page")
        headers = self._headers | {"etag": found.etag}
        if is_known(request.scope, found.etag):
            return Response(status_code=304, headers=headers)
        if found.zipped is None:
            return _media(request, found, headers)
        if takes_gzip(request.scope):
            return Response(found.zipped, headers=headers | {"content-encoding": "gzip"}, media_type=found.kind)
        return Response(found.plain, headers=headers, media_type=found.kind)


def _read(entry: Traversable, suffix: str) -> _File:
    plain = entry.read_bytes()
    digest = hashlib.sha256(plain).hexdigest()[:20]
    if suffix in _MEDIA:
        return _File(plain, None, TYPES[suffix], f'"{digest}"')
    etag = f'W/"{digest}"'  # weak: the same zipped or not
    return _File(plain, gzip.compress(plain, 9, mtime=0), TYPES[suffix], etag)


def _media(request: Request, found: _File, headers: Mapping[str, str]) -> Response:
    size = len(found.plain)
    headers = {**headers, "accept-ranges": "bytes"}
    asked = header_values(request.scope, b"range") if request.method == "GET" else []  # RFC 9110, section 14.2
    condition = header_values(request.scope, b"if-range")
    match = _RANGE.fullmatch(asked[0].strip()) if len(asked) == 1 else None
    if match is None or (condition and condition != [found.etag.encode()]):  # may be passed over: the whole is right
        return Response(found.plain, headers=headers, media_type=found.kind)
    if match["suffix"] is not None:
        first, last = max(size - int(match["suffix"]), 0), size - 1
    else:
        first = int(match["first"])
        last = size - 1 if match["last"] is None else min(int(match["last"]), size - 1)
        if match["last"] is not None and int(match["last"]) < first:  # no range at all
            return Response(found.plain, headers=headers, media_type=found.kind)
    if first >= size or first > last:
        return Response(status_code=416, headers=headers | {"content-range": f"bytes */{size}"})
    headers["content-range"] = f"bytes {first}-{last}/{size}"
    return Response(found.plain[first : last + 1], 206, headers, found.kind)
