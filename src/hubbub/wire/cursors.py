"""Page cursors: where a page ended, opaque to clients.

Of history, the last comment's id, wrapped so that nobody takes it for one; of a list of videos, the last one's place. A
keyset, not a row number: pages stay right while comments and videos come and go.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from hubbub.errors import Malformed
from hubbub.model import ListPlace

VIDEO_CURSOR = r"^(0|[1-9][0-9]{0,15})\.((?!\.{1,2}$)[A-Za-z0-9._-]{1,128})$"

_VERSION = b"\x01"
_video_cursor = re.compile(VIDEO_CURSOR)


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
        raise _bad_cursor()
    return comment_id


def encode_video_cursor(place: ListPlace) -> str:
    """A video's place in lists, of at most 145 URL-safe characters."""
    return f"{place.at}.{place.video_id}"


def decode_video_cursor(text: str) -> ListPlace:
    """The place within. Raises like `decode_cursor`."""
    match = _video_cursor.search(text)
    if match is None or text.endswith("\n"):
        raise _bad_cursor()
    return ListPlace(int(match[1]), match[2])


def _bad_cursor() -> Malformed:
    return Malformed(
        "The cursor is not one that this service gave out; leave it away to start from the first page.",
        code="bad_cursor",
        field="cursor",
    )
