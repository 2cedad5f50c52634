"""The port: opened before anything else, also by a parent that serves nothing itself."""

from __future__ import annotations

import errno
import socket

from hubbub.errors import ConfigError


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `ConfigError` that says what is in the way."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ConfigError("HUBBUB_HOST", f"{host!r} is not an address of this machine ({error.strerror}).") from error
    listener = socket.socket(family, kind, proto)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                "HUBBUB_PORT",
                f"port {port} is taken by another program; stop it, or set another port (0: any free one).",
            ) from error
        if error.errno == errno.EACCES:
            raise ConfigError("HUBBUB_PORT", f"port {port} needs privileges; take one from 1024 up.") from error
        raise ConfigError("HUBBUB_HOST", f"can't listen on {host}: {error.strerror}.") from error
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket, *, tls: bool) -> str:
    """The base URL that leads to a listening socket on this machine."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        host = "127.0.0.1"
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
