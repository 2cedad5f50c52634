"""`hubbub demo`: a stream with traffic of a real shape, so that a newcomer's first minute shows a living feed.

`Demo` plays it, into the process that serves it, for development only.
"""

from __future__ import annotations

from hubbub.demo.playing import LONGEST, MOST_RATE, Demo, DemoStatus

__all__ = ["LONGEST", "MOST_RATE", "Demo", "DemoStatus"]
