"""The addresses of calls, as paths."""

from __future__ import annotations

from urllib.parse import quote


def video_path(video_id: str) -> str:
    """A video's."""
    return f"/v1/videos/{_segment(video_id)}"


def comments_path(video_id: str) -> str:
    """That of a video's comments."""
    return f"{video_path(video_id)}/comments"


def comment_path(video_id: str, comment_id: str) -> str:
    """A single comment's."""
    return f"{comments_path(video_id)}/{_segment(comment_id)}"


def decimal(seconds: float) -> str:
    """Without an exponent, to the millisecond that comments are placed by."""
    return f"{seconds:.3f}"


def _segment(name: str) -> str:
    """``name`` as one segment of a path: ``..`` too, which httpx would otherwise resolve to another address."""
    return name.replace(".", "%2E") if name in (".", "..") else quote(name, safe="")
