"""Page cursors: where a page of history ended, opaque to clients.

A cursor is the last comment's id, wrapped so that nobody takes it for one. A keyset, not a row number: pages stay right
while comments come and go.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from hubbub.errors import Malformed

_VERSION = b"\x01"


def encode_cursor(comment_id: str) -> str:
    """23 URL-safe characters for a comment's id."""
    return urlsafe_b64encode(_VERSION + UUID(comment_id).bytes).decode().rstrip("=")


def decode_cursor(text: str) -> str:
    """The comment id within. Raises `Malformed` (code ``bad_cursor``) for anything `encode_cursor` did not write."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)) if len(text) == 23 else b""
    except (UnicodeEncodeError, binascii.Error):
        raw = b""
    if len(raw) != 17 or raw[:1] != _VERSION or encode_cursor(comment_id := str(UUID(bytes=raw[1:]))) != text:
        raise Malformed(
            "The cursor is not one that this service gave out; leave it away to start from the first page.",
            code="bad_cursor",
            field="cursor",
        )
    return comment_id
