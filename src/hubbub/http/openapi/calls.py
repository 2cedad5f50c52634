"""The calls that make, read and moderate comments."""

from __future__ import annotations

from typing import Any

from hubbub.comments.bodies import MAX_BODY
from hubbub.comments.retracting import MAX_PINS
from hubbub.http.history import MAX_PAGE
from hubbub.http.openapi import examples
from hubbub.http.openapi.parts import COMMENT_ID, VIDEO_ID, ref
from hubbub.http.openapi.responses import BEARER, empty_response, json_response, refusals

Operation = dict[str, Any]

_VIDEO: dict[str, Any] = {
    "name": "video_id",
    "in": "path",
    "required": True,
    "description": "The video, by an id of your choosing: 1 to 128 of `A-Z a-z 0-9 . _ -`, not `.` or `..` alone.",
    "schema": VIDEO_ID,
    "example": examples.VIDEO_ID,
}
_COMMENT: dict[str, Any] = {
    "name": "comment_id",
    "in": "path",
    "required": True,
    "description": "The comment's `id`.",
    "schema": COMMENT_ID,
    "example": examples.COMMENT_ID,
}

CURSOR: dict[str, Any] = {
    "name": "cursor",
    "in": "query",
    "description": "Where to go on: the `next_cursor` of the page before.",
    "schema": {"type": "string", "pattern": "^A[Q-Za-f][A-Za-z0-9_-]{20}[AEIMQUYcgkosw048]$"},
    "example": examples.CURSOR,
}

PARAMETERS = {"VideoId": _VIDEO, "CommentId": _COMMENT}


def parameter_ref(name: str) -> dict[str, Any]:
    """A reference to a shared parameter."""
    return {"$ref": f"#/components/parameters/{name}"}


def needs(scope: str) -> list[dict[str, list[str]]]:
    """Security of a call that needs a token with a scope."""
    return [{"bearer": [scope]}]


def watching(public: bool, *others: str) -> list[dict[str, list[str]]]:
    """Security of a call that shows comments; ``others``: schemes that serve as well as the bearer token."""
    named: list[dict[str, list[str]]] = [{scheme: ["read"]} for scheme in ("bearer", *others)]
    return [{}, *named] if public else named


def watching_codes(public: bool) -> tuple[str, ...]:
    """What a call that shows comments may be refused with because of who asks."""
    return BEARER if public else (*BEARER, "no_token", "missing_scope", "video_not_allowed")


def comment_paths(*, max_text: int, public: bool) -> dict[str, Any]:
    """The paths of comments; ``public``: watching needs no token."""
    comments = "/v1/videos/{video_id}/comments"
    comment = comments + "/{comment_id}"
    video, both = [parameter_ref("VideoId")], [parameter_ref("VideoId"), parameter_ref("CommentId")]
    return {
        comments: {"parameters": video, "post": _post(max_text), "get": _history(public)},
        comment: {"parameters": both, "get": _one(public), "delete": _delete()},
        comment + "/hide": {"parameters": both, "post": _hide()},
        comment + "/restore": {"parameters": both, "post": _restore()},
        comment + "/pin": {"parameters": both, "put": _pin(), "delete": _unpin()},
    }


def _post(max_text: int) -> Operation:
    return {
        "operationId": "postComment",
        "tags": ["Comments"],
        "summary": "Post a comment",
        "description": "Answered once the comment is stored for good; everyone watching has it a moment "
        "later.\n\nGive each comment an `Idempotency-Key`, and repeat the request with the same key after a `429`, a "
        "`503` or a lost connection: it is kept once. The body is JSON whatever its `Content-Type` says, of at most "
        f"{MAX_BODY // 1024} KiB.",
        "security": needs("post"),
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Your mark on this post, 1 to 128 printable ASCII characters, such as a UUID. For 24 "
                "hours the same key by the same user on the same video stands for the same comment.",
                "schema": {"type": "string", "pattern": "^[!#-~]([ -~]{0,126}[!-~])?$"},
                "example": "7f0c2a52-6d0e-4d53-9a37-0c7a5c0f6a11",
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": ref("NewComment"),
                    "examples": {
                        "plain": {"summary": "A text and a mark", "value": examples.NEW_COMMENT},
                        "everything": {"summary": "Every field", "value": examples.NEW_COMMENT_WITH_META},
                    },
                }
            },
        },
        "responses": {
            "201": json_response(
                "Stored. With `Idempotency-Replayed: true`: it had been before, and this is the comment that stands.",
                "Comment",
                {"example": examples.COMMENT},
                "Idempotency-Replayed",
            ),
            **refusals(
                *BEARER,
                "malformed",
                "bad_video_id",
                "bad_idempotency_key",
                "incomplete_body",
                "no_token",
                "missing_scope",
                "video_not_allowed",
                "no_such_video",
                "too_large",
                "text_empty",
                "text_too_long",
                "text_control_characters",
                "meta_too_large",
                "meta_too_deep",
                "meta_number_out_of_range",
                "idempotency_key_reused",
                "user_rate",
                "address_rate",
                "global_rate",
                "store_unavailable",
            ),
        },
    }


def _history(public: bool) -> Operation:
    return {
        "operationId": "listComments",
        "tags": ["Comments"],
        "summary": "Read history",
        "description": "The visible comments in the order of their creation, a page at a time. Pages stay right "
        "while comments come and go: none is shown twice or left out because of another.",
        "security": watching(public),
        "parameters": [
            CURSOR,
            {
                "name": "after",
                "in": "query",
                "description": "A comment's `id`. The first page begins behind it in the order of `sort`, whether that "
                "comment is still there or not; with `cursor` it counts no more.",
                "schema": COMMENT_ID,
                "example": examples.COMMENT_ID,
            },
            {
                "name": "limit",
                "in": "query",
                "description": "Comments a page.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 50},
                "example": 20,
            },
            {
                "name": "sort",
                "in": "query",
                "description": "`desc`: the newest first.",
                "schema": {"type": "string", "enum": ["desc", "asc"], "default": "desc"},
            },
        ],
        "responses": {
            "200": json_response(
                "A page.", "CommentPage", {"a page": examples.PAGE, "the last page": examples.LAST_PAGE}
            ),
            **refusals(
                *watching_codes(public),
                "bad_video_id",
                "bad_comment_id",
                "bad_query",
                "bad_cursor",
                "no_such_video",
                "store_unavailable",
            ),
        },
    }


def _one(public: bool) -> Operation:
    return {
        "operationId": "getComment",
        "tags": ["Comments"],
        "summary": "Read one comment",
        "description": "A visible comment; with a token that moderates the video also a hidden one.",
        "security": watching(public),
        "responses": {
            "200": json_response("The comment.", "Comment", {"example": examples.COMMENT}),
            **refusals(
                *watching_codes(public),
                "bad_video_id",
                "bad_comment_id",
                "bad_query",
                "no_such_comment",
                "no_such_video",
                "store_unavailable",
            ),
        },
    }


_ACT_CODES = (
    *BEARER,
    "bad_video_id",
    "bad_comment_id",
    "bad_query",
    "no_token",
    "no_such_comment",
    "store_unavailable",
)
_MODERATE_CODES = (*_ACT_CODES, "missing_scope", "no_such_video", "video_not_allowed")


def _delete() -> Operation:
    return {
        "operationId": "deleteComment",
        "tags": ["Moderation"],
        "summary": "Delete a comment",
        "description": "Its author's right (with the scope `post`), and a moderator's (`moderate`). The text is "
        "erased for good. Viewers get `comment_deleted`. Deleting what is deleted changes nothing.",
        "security": [{"bearer": ["post"]}, {"bearer": ["moderate"]}],
        "responses": {"204": empty_response("Deleted."), **refusals(*_ACT_CODES, "not_yours")},
    }


def _hide() -> Operation:
    return {
        "operationId": "hideComment",
        "tags": ["Moderation"],
        "summary": "Hide a comment",
        "description": "Takes it out of sight until it is restored; a pinned one is unpinned. Viewers get "
        "`comment_hidden`.",
        "security": needs("moderate"),
        "responses": {
            "200": json_response("Hidden.", "Comment", {"example": examples.HIDDEN}),
            **refusals(*_MODERATE_CODES, "comment_deleted"),
        },
    }


def _restore() -> Operation:
    return {
        "operationId": "restoreComment",
        "tags": ["Moderation"],
        "summary": "Restore a hidden comment",
        "description": "Shows it again, at its old place. Viewers get `comment_restored`.",
        "security": needs("moderate"),
        "responses": {
            "200": json_response("Visible.", "Comment", {"example": examples.COMMENT}),
            **refusals(*_MODERATE_CODES, "comment_deleted"),
        },
    }


def _pin() -> Operation:
    return {
        "operationId": "pinComment",
        "tags": ["Moderation"],
        "summary": "Pin a comment",
        "description": f"Puts it on top; a video has at most {MAX_PINS} pins. Viewers get `comment_pinned`.",
        "security": needs("moderate"),
        "responses": {
            "200": json_response("Pinned.", "Comment", {"example": examples.PINNED}),
            **refusals(*_MODERATE_CODES, "comment_deleted", "comment_not_visible", "too_many_pins"),
        },
    }


def _unpin() -> Operation:
    return {
        "operationId": "unpinComment",
        "tags": ["Moderation"],
        "summary": "Unpin a comment",
        "description": "Takes it down again. Viewers get `comment_unpinned`. Unpinning what is not pinned changes "
        "nothing.",
        "security": needs("moderate"),
        "responses": {"204": empty_response("Not pinned."), **refusals(*_MODERATE_CODES, "comment_deleted")},
    }
