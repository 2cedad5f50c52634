"""From a video's log to everyone watching: a ring of recent entries per video, viewers as cursors into it, ticks.

Read top-down: `hub` (which videos are watched) → `channel` (one video: entries in, frames out) → `ticker` (when, and
how much at a time) → `viewer` (one client's cursor). `ring`, `frames` and `backlog` are what a channel is made of;
`crowd` and `writing` are how a frame gets to thousands at once; `resume` finds where a returning viewer goes on.
"""
