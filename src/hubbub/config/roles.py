"""What part of the service a process is."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The command that runs it: ``serve`` is everything in one."""

    SERVE = "serve"
    API = "api"
    GATEWAY = "gateway"

    @property
    def takes_posts(self) -> bool:
        """Whether it takes comments, and answers everything but watching."""
        return self is not Role.GATEWAY

    @property
    def has_viewers(self) -> bool:
        """Whether it serves streams and polls."""
        return self is not Role.API
