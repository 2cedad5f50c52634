"""The port to durable storage: what a store promises, and what its callers owe it.

The store is the truth. A broker may lose everything and costs nobody a comment; a store that has answered may not.
`hubbub.testing.store_contract` holds an adapter to every sentence here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from hubbub.model import Change, Comment, Entry, Event, ListPlace, Position, Stage, Tail, Video

Order = Literal["asc", "desc"]


class IdempotencyKey(NamedTuple):
    """A client's mark on a post, unique for a user and a video for 24 hours.

    ``fingerprint`` is a digest of the request's meaning: the same key with another fingerprint is a client's mistake.
    """

    user_id: str
    video_id: str
    key: str
    fingerprint: bytes


class Appended(NamedTuple):
    """What `Store.append` did. ``created`` is False when the id or the idempotency key was already there, and
    ``comment`` is then the one that stands. ``position`` is None unless the store is a `Journal`.
    """

    created: bool
    comment: Comment
    position: Position | None


class Applied(NamedTuple):
    """What `Store.apply` did: ``changed`` is False when the comment was already so (no event came of it).

    ``comment`` is the comment after the change (text erased where deleted), None when the id was unknown and a
    tombstone was left. ``position`` as in `Appended`.
    """

    changed: bool
    comment: Comment | None
    position: Position | None


class VideoKept(NamedTuple):
    """What `Store.keep_video` did: ``kept`` is False when the record was no longer as the caller believed, and nothing
    was written. ``video`` is the record that stands, ``position`` the event's, as in `Appended` (None without one).
    """

    kept: bool
    video: Video | None
    position: Position | None


class Flag(NamedTuple):
    """A viewer's or a rule's mark that a moderator should look at a comment."""

    video_id: str
    comment_id: str
    by: str
    reason: str
    at: int


class Store(Protocol):
    """Comments and what became of them, and what is known of their videos, durable.

    Guarantees
    - A method that returns has committed: on disk, or at quorum. One that raises `StoreUnavailable` has written nothing
      (or the caller can't know: it repeats with the same id, which is safe). Any driver error becomes
      `StoreUnavailable` with a sentence that names the cause and, where there is one, the setting.
    - Idempotent by id: a second `append` or `apply` with an id already there changes nothing and says what stands (of a
      `Journal`, with the first one's position). Nothing is ever overwritten.
    - A change of status to an unknown comment leaves a tombstone; a later `append` of that id is born with the
      tombstone's status, so a redelivered comment can't rise from the dead.
    - ``deleted`` is final. Its text, meta and nonce are erased in the same commit.
    - The event of a comment or a change reads as `hubbub.wire.events` made it when it happened, byte for byte, for as
      long as the comment that it shows may be shown; else it is blank. That of a video's start or end always does.
    - A comment's ``offset`` is kept and given as it was appended, by every method and in every event, whatever becomes
      of the video's start: where the comment stands by what is known now follows from ``created_at`` and
      `Store.video`, and is the reader's to reckon.
    - A video's record and the event that tells of its change are written in one commit, against what the writer had
      read: of two who change it at once, one is told to look again.
    - What `append`, `apply` and `keep_video` are given with ``due`` is on the unpublished list in the same commit, so
      that an accepted event is in the live log or on that list, whoever dies when. Sweepers leave it alone until
      ``due`` (ms): by then whoever wrote it has published and confirmed it. What writes no event lists none.
    - Readers see a write as soon as its method has returned (`page`, `window`, `videos` and `by_user` may lag in
      stores that say so; never `changes_since`, `newest`, `get`, `pins`, `video`).
    - Lists of comments hold visible ones only, unless said otherwise; ``pinned`` is as of the read.

    The caller owes
    - ids from `hubbub.ids`: time-ordered, and an event's ``created_at`` or ``at`` is the millisecond in its id;
    - `open` before anything else, `close` at the end (it finishes what was begun);
    - validated input: a store checks no text and no rights.
    """

    async def open(self) -> None:
        """Connect, create or migrate the schema; again after `close`. Raises `ConfigError` for an unusable place."""

    async def close(self) -> None:
        """Finish writes under way, then let go. Idempotent."""

    async def ping(self) -> None:
        """Raise `StoreUnavailable` if a post would not be taken now."""

    async def append(self, comment: Comment, *, key: IdempotencyKey | None = None, due: int | None = None) -> Appended:
        """Keep a comment. With ``key``: the same key again returns the first comment; with another fingerprint it
        raises `Unprocessable` (code ``idempotency_key_reused``).
        """

    async def recall(self, key: IdempotencyKey) -> Comment | None:
        """The comment that ``key`` made in the last 24 hours (by its ``created_at``), whatever its status. Raises like
        `append`.
        """

    async def apply(self, change: Change, *, due: int | None = None) -> Applied:
        """Change a comment's status or pin, with its journal entry, in one commit.

        Deleting and hiding unpin as well. Raises `Conflict` where the present state does not admit the change: hiding,
        restoring or pinning a deleted one (code ``comment_deleted``), pinning one that is hidden, pending or unknown
        (``comment_not_visible``).
        """

    async def get(self, video_id: str, comment_id: str) -> Comment | None:
        """One comment, whatever its status; None when unknown (or only a tombstone)."""

    async def newest(self, video_id: str, limit: int) -> list[Comment]:
        """The newest ``limit`` comments, oldest first."""

    async def page(self, video_id: str, *, after: str | None, limit: int, order: Order) -> list[Comment]:
        """Up to ``limit`` comments strictly beyond the id ``after`` in ``order`` of id (None: from that order's start).

        ``after`` need not exist: pages are stable under inserts and deletes.
        """

    async def window(
        self, video_id: str, *, since: int, until: int, limit: int, after: str | None = None
    ) -> list[Comment]:
        """Comments with ``since <= created_at < until`` (ms), oldest first, beyond the id ``after``."""

    async def changes_since(self, video_id: str, since: int, limit: int) -> list[Event]:
        """Comments, changes and the video's own events with ``at >= since`` (ms) in the order of event ids, read
        consistently.

        Returns at most ``limit``; a full list may have more behind it, which the caller treats as "too far back".
        """

    async def pins(self, video_id: str) -> list[Comment]:
        """The pinned comments, the latest pin last."""

    async def video(self, video_id: str) -> Video | None:
        """What was told about a video; None when nothing was. Comments make no record."""

    async def videos(self, stage: Stage, *, since: int = 0, before: ListPlace | None = None, limit: int) -> list[Video]:
        """Up to ``limit`` records of a stage (`Video.stage`) with ``place.at >= since`` and ``place < before``, the
        greatest `Video.place` first.

        One range of one index, and never more records read than are given: an index of records by
        ``(stage, at, video_id)``, written with the record, is all it takes. A video that changes between two pages may
        be in both, or in neither.
        """

    async def keep_video(
        self,
        video: Video,
        *,
        was: Video | None,
        event: Event | None = None,
        actor: str = "",
        due: int | None = None,
    ) -> VideoKept:
        """Write a video's record if it still is ``was`` (None: there is none), with the ``event`` that tells viewers;
        ``actor`` is whose act that is.

        A repeat with an event already there writes nothing and is answered as the first time. Changes nothing about
        comments.
        """

    async def by_user(self, user_id: str, *, after: tuple[str, str] | None, limit: int) -> list[Comment]:
        """A user's comments of every status in order of (video_id, id), beyond ``after``: for export and purge. Where
        this may lag, which comments there are is what lags; how each stands does not.
        """

    async def mark_unpublished(self, event: Event, *, at: int) -> None:
        """Put an accepted event whose publish was not confirmed on the unpublished list, due at once; one that is there
        already and not leased becomes due. Idempotent by event id.
        """

    async def lease_unpublished(self, holder: str, *, now: int, lease_ms: int, limit: int) -> list[Event]:
        """Up to ``limit`` unpublished events that are due, in order of id, bodies as they stand now (blank where
        retracted since), leased to ``holder``: no other holder gets them until ``now + lease_ms``; the same one may, to
        try again, or with a ``lease_ms`` of 0 to give them back.
        """

    async def confirm_published(self, events: Sequence[Event]) -> None:
        """Take events off the unpublished list; their ids and videos count, their bodies do not. Those that are not on
        it are fine.
        """

    async def count_unpublished(self) -> int:
        """How many events are on the unpublished list, leased and not yet due ones included."""

    async def add_flag(self, flag: Flag) -> None:
        """Flag a comment for review. A second flag by the same person on the same comment changes nothing."""

    async def flags(self, *, video_id: str | None, after: tuple[str, str] | None, limit: int) -> list[Flag]:
        """Open flags in order of (comment_id, by), beyond ``after``; of one video or of all."""

    async def clear_flags(self, video_id: str, comment_id: str) -> None:
        """Close every flag on a comment. Unknown ids are fine."""


@runtime_checkable
class Journal(Protocol):
    """A store that numbers the log itself: epoch and offset are committed with each event, so the log outlives the
    process.

    Offsets of a video are dense in commit order. The epoch is the store's own and changes when its file is restored
    from a backup, since offsets given out after that backup would otherwise be given out twice.
    """

    async def log_tail(self, video_id: str, limit: int) -> Tail:
        """The newest ``limit`` entries, retracted texts blank."""

    async def log_after(self, video_id: str, after: Position, limit: int) -> list[Entry]:
        """All entries after a position. Raises `NotProvable` if there are more than ``limit``, the epoch is another, or
        the position lies beyond the head.
        """

    async def newest_at(self) -> int:
        """The millisecond in the newest event's id, of all videos; 0 when there is none."""

    async def position_of(self, video_id: str, event_id: str) -> Position | None:
        """Where a comment's birth or a change stands in the log; None when it is not there."""


@runtime_checkable
class Backups(Protocol):
    """A store that can copy itself to a file while it works."""

    async def backup(self, target: Path) -> None:
        """Write a consistent copy. Raises `ConfigError` when ``target`` exists or can't be written."""


@runtime_checkable
class Provisioned(Protocol):
    """A store whose place an operator makes before any process opens it."""

    async def create(self, *, dry_run: bool = False) -> list[str]:
        """Make what is missing of it, and say what was made, a line each; ``dry_run``: what would be. Works on a store
        that is not open. Raises `ConfigError` where the place is taken by something else, `StoreUnavailable`.
        """
