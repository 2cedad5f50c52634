"""HTTP/1.1 chunked transfer coding (RFC 9112, section 7.1), for frames written past the HTTP server."""

LAST_CHUNK = b"0\r\n\r\n"
"""Ends the body, so that a client can tell an end from a cut."""


def chunk(data: bytes) -> bytes:
    """``data`` as one chunk. Empty data gives nothing: an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
