"""``/client/v1/…``: the JavaScript client, for pages of any origin.

The address names the client's major version, so a page may name it once for good; what is behind it changes with a
release, and is asked for again after five minutes, by its ETag.
"""

from __future__ import annotations

import gzip
import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from hubbub.errors import NotFound
from hubbub.http.requests import header_values

_HEADERS = {
    "cache-control": "public, max-age=300",
    "access-control-allow-origin": "*",  # module scripts are fetched with CORS; there is nothing secret in them
    "cross-origin-resource-policy": "cross-origin",
    "x-content-type-options": "nosniff",
    "vary": "Accept-Encoding",
}
_TYPES = {".js": "text/javascript", ".ts": "text/plain"}


class _File(NamedTuple):
    plain: bytes
    zipped: bytes
    kind: str
    etag: str


def client_directory() -> Traversable:
    """Where the client's modules are: in the package as it is installed, beside ``src`` in a working copy."""
    installed = files("hubbub.web") / "client"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "client"


class ClientFiles:
    """The endpoint; files are read and compressed once."""

    def __init__(self) -> None:
        directory = client_directory()
        self._files = {
            entry.name: _read(entry)
            for folder in (directory, directory / "built", directory / "types")
            if folder.is_dir()
            for entry in folder.iterdir()
            if entry.is_file() and Path(entry.name).suffix in _TYPES
        }

    async def file(self, request: Request) -> Response:
        """One module, or its types."""
        found = self._files.get(request.path_params["name"])
        if found is None:
            raise NotFound("There is no such file.", code="no_such_page")
        headers = _HEADERS | {"etag": found.etag}
        tags = b",".join(header_values(request.scope, b"if-none-match")).decode("latin-1")
        if found.etag in (tag.strip() for tag in tags.split(",")):
            return Response(status_code=304, headers=headers)
        if b"gzip" in b",".join(header_values(request.scope, b"accept-encoding")):
            return Response(found.zipped, headers=headers | {"content-encoding": "gzip"}, media_type=found.kind)
        return Response(found.plain, headers=headers, media_type=found.kind)


def _read(entry: Traversable) -> _File:
    plain = entry.read_bytes()
    etag = f'W/"{hashlib.sha256(plain).hexdigest()[:20]}"'  # weak: the same zipped or not
    return _File(plain, gzip.compress(plain, 9, mtime=0), _TYPES[Path(entry.name).suffix], etag)
