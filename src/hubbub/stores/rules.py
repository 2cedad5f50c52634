"""What every store decides alike: whether a change has an effect, what becomes of a comment, how long a key counts."""

from __future__ import annotations

from msgspec.structs import replace

from hubbub.errors import Conflict, Unprocessable
from hubbub.ids import first_id_at
from hubbub.model import Comment, Kind, Status

KEY_LIFETIME_MS = 24 * 60 * 60 * 1000
"""How long an idempotency key counts, from the birth of the comment that it made."""

AFTER_ALL_IDS = "~"
"""Ids are hexadecimal: this sorts after all of them, and the empty text before."""

STATUS_AFTER = {Kind.DELETED: Status.DELETED, Kind.HIDDEN: Status.HIDDEN, Kind.RESTORED: Status.VISIBLE}
"""What a comment is after a change of its status."""

_ACT = {Kind.HIDDEN: "hidden", Kind.RESTORED: "restored", Kind.PINNED: "pinned"}


def takes_effect(kind: Kind, *, born: bool, status: Status | None, pinned: bool) -> bool:
    """Whether a change would change anything. ``status`` is None for an unknown comment, ``born`` False for that and
    for a tombstone. Raises `Conflict` where the present state does not admit the change.
    """
    if kind is Kind.UNPINNED:
        return pinned
    if kind is Kind.DELETED:
        return status is not Status.DELETED
    if kind not in _ACT:
        raise ValueError(f"{kind} is not a change to a comment")
    if status is Status.DELETED:
        raise Conflict(
            f"The comment has been deleted, which is final; it can't be {_ACT[kind]}.", code="comment_deleted"
        )
    if kind is not Kind.PINNED:
        return status is not STATUS_AFTER[kind]
    if not born or status is not Status.VISIBLE:
        raise Conflict("Only a comment that everyone can see can be pinned.", code="comment_not_visible")
    return not pinned


def erased(comment: Comment) -> Comment:
    """What is left of a comment that was deleted."""
    return replace(comment, status=Status.DELETED, text="", nonce=None, meta=None, pinned=False)


def born_as(comment: Comment, status: Status) -> Comment:
    """A comment that comes after its tombstone."""
    return erased(comment) if status is Status.DELETED else replace(comment, status=status)


def key_reused() -> Unprocessable:
    """For an idempotency key that comes with another fingerprint."""
    return Unprocessable(
        "This Idempotency-Key was used for another comment on this video. Send a new key with a new comment.",
        code="idempotency_key_reused",
    )


def id_from(at: int) -> str:
    """The smallest id of an event at ``at`` (ms) or later; ids hold 48 bits of milliseconds."""
    return AFTER_ALL_IDS if at >> 48 > 0 else first_id_at(max(at, 0))
