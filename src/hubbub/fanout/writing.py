"""The innermost loop: one frame to many sockets.

Straight to the sockets, since through a transport each write costs half as much again as the system call that it ends
in. That is safe for whoever is level, and for nobody else: its transport holds no unsent bytes that would have to go
first, and its socket is its own until it reports itself lost, which a transport does before it closes it
(``tests/http/test_viewers.py`` holds asyncio and uvloop to that). Between choosing the viewers and the last write here,
nothing else may run.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from socket import SocketType

from hubbub.fanout.viewer import Viewer


def write_to_all(viewers: Sequence[Viewer], data: bytes) -> None:
    """Write ``data`` whole to each of ``viewers``, all of them level. Whoever can't take it all at once falls behind.

    `SocketType.send`, not `os.write`: to the kernel a write to a socket is a longer way (a twelfth of the whole).
    """
    sockets = iter([viewer.socket for viewer in viewers])
    sent: list[int] = []
    while len(sent) < len(viewers):
        try:
            sent.extend(map(SocketType.send, sockets, repeat(data)))  # keeps what it had when one of them raises
        except OSError:  # its buffer is full, or its client has gone: its transport knows what to do
            sent.append(0)
    if sent.count(len(data)) < len(sent):
        for viewer, taken in zip(viewers, sent, strict=True):
            if taken < len(data):
                viewer.write(data[taken:])
