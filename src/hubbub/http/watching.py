"""Who may watch: everybody, or holders of a token with ``read`` for the video (``HUBBUB_WATCH``)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal

from starlette.types import Scope

from hubbub.comments.identity import Identity
from hubbub.errors import Unauthenticated
from hubbub.http.requests import Callers


class Watching:
    """The rule. ``watch`` is ``public`` or ``token``."""

    def __init__(self, callers: Callers, watch: Literal["public", "token"]) -> None:
        self._callers = callers
        self._public = watch == "public"

    async def viewer(self, scope: Scope, video_id: str, *, query_token: str | None = None) -> Identity | None:
        """Who watches, None for somebody unnamed. A token that is sent must verify even where none is needed.

        Raises `Unauthenticated`, `Forbidden`, `KeysUnavailable`.
        """
        identity = await self._callers.perhaps(scope, query_token)
        if self._public:
            return identity
        if identity is None:
            raise _needs_token()
        identity.require("read", video_id)
        return identity

    async def lister(self, scope: Scope, *, query_token: str | None = None) -> Callable[[str], bool]:
        """Which videos may be shown, by id, to whoever asks what there is. Raises like `viewer`."""
        identity = await self._callers.perhaps(scope, query_token)
        if self._public:
            return lambda video_id: True
        if identity is None:
            raise _needs_token()
        if "read" not in identity.scopes:
            identity.require("read", None)
        return partial(identity.may, "read")


def _needs_token() -> Unauthenticated:
    return Unauthenticated(
        "Watching needs a token here: Authorization: Bearer <token>, or access_token= on the stream.",
        code="no_token",
    )
