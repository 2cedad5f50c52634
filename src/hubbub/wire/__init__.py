"""Bytes in, bytes out, no I/O: JSON events, SSE frames, HTTP chunks, resume tokens, cursors."""
