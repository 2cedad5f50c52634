"""What viewers are sent before live frames: `welcome`, the newest backlog, `reset`.

A greeting stands at a place in the log, the last tick's end, and moves with the ticks. Its bytes are made once a place
for all who ask, so ten thousand newcomers cost one encoding.
"""

from __future__ import annotations

from hubbub.fanout.backlog import Backlog
from hubbub.ids import now_ms
from hubbub.model import VIDEO_KINDS, Event, Position, Timeline
from hubbub.wire.events import encode_json, json_array, timeline_of
from hubbub.wire.forms import Form, form_event, form_items, form_join
from hubbub.wire.tokens import encode_token

_MAX_BURSTS = 32
"""Backlogs kept encoded. 402 kinds can be asked for; at the bound all go, and the popular ones are soon there again."""


class Greeting:
    """One video's greeting. ``position`` and ``at`` (ms) are the place: whoever joins has everything up to there.
    ``timeline`` is what is known of the video's start and end.
    """

    def __init__(
        self,
        video_id: str,
        backlog: Backlog,
        position: Position,
        at: int,
        *,
        skew_ms: int,
        timeline: Timeline = Timeline(),  # noqa: B008  # frozen
    ) -> None:
        self.backlog = backlog
        self.position = position
        self.at = at
        self.timeline = timeline
        self._video_id = video_id
        self._skew_ms = skew_ms
        self._bursts: dict[tuple[int, Form], bytes] = {}

    @property
    def token(self) -> str:
        """The resume token of a viewer who stands here."""
        return encode_token(self.position, self.at - self._skew_ms)

    def advance(self, event: Event, position: Position | None) -> None:
        """Move past the next entry of the log; with ``position`` None, past an event whose place there is not known."""
        self.backlog.apply(event, position)
        if event.kind in VIDEO_KINDS:
            self.timeline = timeline_of(event)
        self.position, self.at = position or self.position, event.at
        self._bursts.clear()

    def reach(self, position: Position) -> None:
        """Everything up to ``position`` is here already."""
        self.position = position

    def retract(self, comment_id: str) -> None:
        """Show a comment to nobody from now on."""
        self.backlog.retract(comment_id)
        self._bursts.clear()

    def changed(self) -> None:
        """The backlog was changed from outside."""
        self._bursts.clear()

    def newest(self, count: int, *, form: Form) -> bytes:
        """The newest ``count`` comments, ``b""`` when there are none."""
        burst = self._bursts.get((count, form))
        if burst is None:
            if len(self._bursts) >= _MAX_BURSTS:
                self._bursts.clear()
            burst = form_items(self.backlog.newest(count, self.position, self.at), form)
            self._bursts[count, form] = burst
        return burst

    def reset(self, reason: str, count: int, *, form: Form) -> bytes:
        """`reset` with the pins, then the newest comments."""
        newest = self.newest(count, form=form)
        body = b'{"reason":"%b",%b,"pins":%b}' % (
            reason.encode(),
            self._timeline(),
            json_array(self.backlog.pins.values()),
        )
        return form_join([form_event("reset", body, form, id=None if newest else self.token), newest], form)

    def welcome(
        self,
        *,
        viewers: int,
        resumed: bool,
        place: str | None = None,
        retry_ms: int | None = None,
        form: Form = Form.PLAIN,
    ) -> bytes:
        """The first event. Its id is ``place``, where the stream begins as a token: who is cut off here returns there.

        The id is said again although the client has just sent it, since not every client's memory of ids survives a
        cut: httpx-sse's README takes an event without an id for "no place", and requests-sse takes up the id of an
        event that was cut in the middle.
        """
        body = b'{"video_id":"%b","viewers":%d,"position":"%b","resumed":%b,%b,"pins":%b,"settings":{}}' % (
            self._video_id.encode(),
            viewers,
            self.token.encode(),
            b"true" if resumed else b"false",
            self._timeline(),
            json_array(self.backlog.pins.values()),
        )
        return form_event("welcome", body, form, id=place, retry_ms=retry_ms)

    def _timeline(self) -> bytes:
        """The members of a JSON object that say when the video began and ended."""
        started_at, ended_at = self.timeline.started_at, self.timeline.ended_at
        state = self.timeline.state(now_ms())
        return encode_json({"state": state, "started_at": started_at, "ended_at": ended_at})[1:-1]
