"""Tables, migrations and the epoch.

The file says what it is by ``application_id`` and how far it has been migrated by ``user_version``
(https://sqlite.org/pragma.html). Text lives in one place only, ``comments.text``: the log and the list of changes name
comments by id and are rendered from that row, so erasing it retracts the text from everything at once.
"""

from __future__ import annotations

import secrets

import apsw

from hubbub.errors import ConfigError

APPLICATION_ID = 0x48756262
"""``Hubb`` in ASCII, which ``file(1)`` shows as well."""

_TABLES = """
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A row without a position is a tombstone: a change came before its comment, which will be born with this `status`.
CREATE TABLE comments (
    video_id TEXT NOT NULL,
    id TEXT NOT NULL,
    position INTEGER,                    -- of its birth in the log
    status TEXT NOT NULL CHECK (status IN ('visible', 'pending', 'hidden', 'deleted')),
    pin INTEGER,                         -- the position of the pin that holds, which is also the order of pins
    created_at INTEGER NOT NULL DEFAULT 0,
    user_id TEXT,
    user_name TEXT NOT NULL DEFAULT '',
    roles TEXT CHECK (json_valid(roles)),
    avatar TEXT,
    text TEXT NOT NULL DEFAULT '',
    seconds REAL CHECK (abs(seconds) < 1e300),  -- into the video; JSON has no infinity
    nonce TEXT,
    meta TEXT CHECK (json_valid(meta)),
    PRIMARY KEY (video_id, id),
    CHECK (position IS NULL OR user_id IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX comments_by_user ON comments (user_id, video_id, id);
CREATE INDEX comments_by_pin ON comments (video_id, pin) WHERE pin IS NOT NULL;

CREATE TABLE changes (
    video_id TEXT NOT NULL,
    id TEXT NOT NULL,
    position INTEGER NOT NULL,
    kind TEXT NOT NULL,
    comment_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    PRIMARY KEY (video_id, id)
) STRICT, WITHOUT ROWID;

-- The order of all that happened on a video: 1, 2, 3 ... without a gap. `change_id` is null where a comment was born.
CREATE TABLE log (
    video_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    comment_id TEXT NOT NULL,
    change_id TEXT,
    PRIMARY KEY (video_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    user_id TEXT NOT NULL,
    video_id TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    comment_id TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, video_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_age ON idempotency (created_at);

-- `body` only for events that carry no comment; the others are rendered from `comments` when leased.
CREATE TABLE unpublished (
    event_id TEXT PRIMARY KEY,
    video_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    event_at INTEGER NOT NULL,
    body TEXT,
    marked_at INTEGER NOT NULL,
    holder TEXT,
    leased_until INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE flags (
    comment_id TEXT NOT NULL,
    flagged_by TEXT NOT NULL,
    video_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (comment_id, flagged_by, video_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX flags_by_video ON flags (video_id, comment_id, flagged_by);
"""

# `changes` has the videos' own events as well: those bring their body, and their `comment_id` is empty.
_VIDEOS = """
CREATE TABLE videos (
    video_id TEXT PRIMARY KEY,
    title TEXT,
    media_url TEXT,
    started_at INTEGER,
    ended_at INTEGER
) STRICT, WITHOUT ROWID;

ALTER TABLE changes ADD COLUMN body TEXT;
"""

# `hubbub.model.Video.stage` and `place`, for the index that lists are read from.
_VIDEO_LISTS = """
ALTER TABLE videos ADD COLUMN made_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE videos ADD COLUMN stage TEXT NOT NULL GENERATED ALWAYS AS (
    CASE WHEN ended_at IS NOT NULL THEN 'ended' WHEN started_at IS NOT NULL THEN 'started' ELSE 'untimed' END) VIRTUAL;
ALTER TABLE videos ADD COLUMN listed_at INTEGER NOT NULL GENERATED ALWAYS AS (
    coalesce(ended_at, started_at, made_at)) VIRTUAL;

CREATE INDEX videos_by_time ON videos (stage, listed_at, video_id);
"""

_SHARDS = """
ALTER TABLE videos ADD COLUMN shards INTEGER NOT NULL DEFAULT 1;
"""

MIGRATIONS: tuple[str, ...] = (_TABLES, _VIDEOS, _VIDEO_LISTS, _SHARDS)
"""Scripts in order; the n-th takes a file from version n to n + 1. Released ones never change."""

# One statement, so one snapshot: another process may be making the tables at this moment.
_IDENTITY = """
    SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
    FROM pragma_application_id, pragma_user_version"""


def identify(connection: apsw.Connection) -> None:
    """Raise `ConfigError` unless the file is empty or one of ours that this release can read. Changes nothing."""
    application_id, version, objects = connection.execute(_IDENTITY).get
    if application_id != APPLICATION_ID and (application_id or version or objects):
        raise ConfigError(
            "HUBBUB_STORE", "the file is a database of another program; name a file that is new or Hubbub's own."
        )
    if version > len(MIGRATIONS):
        raise ConfigError(
            "HUBBUB_STORE",
            f"the database was written by a newer Hubbub (schema {version}; this one knows {len(MIGRATIONS)}). "
            "Install that release or a later one, or restore a backup of this one's.",
        )


def is_blank(connection: apsw.Connection) -> bool:
    """Whether no tables were made in the file yet."""
    return bool(connection.pragma("user_version") == 0)


def migrate(connection: apsw.Connection) -> str:
    """Bring the file to the newest schema in one transaction, and return its epoch.

    A file without an epoch is new, or a backup opened for the first time, and gets one here: offsets given out after
    the backup was made must not be taken for those given out from now on.
    """
    connection.execute("BEGIN IMMEDIATE")  # a second process that opens the file waits here and finds the work done
    try:
        identify(connection)
        version = connection.pragma("user_version")
        for script in MIGRATIONS[version:]:
            connection.execute(script)
        if version < len(MIGRATIONS):
            connection.pragma("user_version", len(MIGRATIONS))
            connection.pragma("application_id", APPLICATION_ID)
        row = connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone()
        epoch = str(row[0]) if row else secrets.token_hex(8)
        if row is None:
            connection.execute("INSERT INTO meta (key, value) VALUES ('epoch', ?)", (epoch,))
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return epoch


def forget_epoch(connection: apsw.Connection) -> None:
    """Mark a copy, so that whoever opens it as a live store begins a new epoch."""
    connection.execute("DELETE FROM meta WHERE key = 'epoch'")
