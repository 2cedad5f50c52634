"""From a video's log to everyone watching: a ring of recent entries per video, viewers as cursors into it, ticks.

Read top-down: `hub` (which videos are watched) → `channel` (one video: entries in, frames out) → `ticker` (when, and
how much at a time) → `viewer` (one client's cursor). `ring`, `frames` and `backlog` are what a channel is made of;
`resume` finds where a returning viewer goes on.
"""
