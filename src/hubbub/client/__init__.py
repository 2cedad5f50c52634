"""The Python client (asyncio): post, read history, moderate, and watch a video without a hole or a double.

    async with HubbubClient("https://comments.example.org", token=token) as hubbub:
        await hubbub.post("launch", "Hello from Python")
        async for event in hubbub.watch("launch"):
            if event.name == "comment":
                print(event.data["user"]["name"], event.data["text"])

`errors` has what can go wrong, `watching` what a watcher is given and may rely on.
"""

from hubbub.client.api import HubbubClient, Page
from hubbub.client.calls import OnRetry
from hubbub.client.errors import ApiError, Unreachable
from hubbub.client.watching import OnState, State, WatchEvent

__all__ = ["ApiError", "HubbubClient", "OnRetry", "OnState", "Page", "State", "Unreachable", "WatchEvent"]
