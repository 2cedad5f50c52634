"""A proxy's configuration as we ship it, copied and edited where an operator edits it: addresses and the certificate.

All else is the file as it stands; an edit that finds nothing to change fails.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path


class ProxyFiles:
    """A copy in ``folder``, which is made, of the configuration in ``shipped`` (a folder of ``deploy/``)."""

    def __init__(self, shipped: Path, folder: Path) -> None:
        self.shipped = shipped
        self.folder = folder
        shutil.copytree(shipped, folder)

    def edit(self, name: str, *changes: tuple[str, str]) -> None:
        """Put something else in place of what stands exactly once in a file. Raises `ValueError` where it does not."""
        text = (self.folder / name).read_text()
        for old, new in changes:
            if text.count(old) != 1:
                raise ValueError(f"{name} has {old!r} {text.count(old)} times")
            text = text.replace(old, new)
        (self.folder / name).write_text(text)

    def write(self, name: str, *changes: tuple[str, str]) -> None:
        """The shipped file, changed, moved into its place at once: a proxy may be looking."""
        shutil.copy(self.shipped / name, self.folder / (name + ".new"))
        self.edit(name + ".new", *changes)
        (self.folder / (name + ".new")).rename(self.folder / name)


class NginxFiles(ProxyFiles):
    """``deploy/nginx``."""

    def listen(self, port: int) -> None:
        """Where it takes plain HTTP, on loopback."""
        self.edit("hubbub-listen.conf", ("127.0.0.1:8080", f"127.0.0.1:{port}"))

    def listen_tls(self, port: int) -> None:
        """Take HTTP over TLS too, with the certificate in ``tls/fullchain.pem`` and ``tls/privkey.pem``."""
        self.edit(
            "hubbub-listen-tls.conf",
            ("listen 443 ", f"listen 127.0.0.1:{port} "),
            ("/etc/hubbub/tls/fullchain.pem", "tls/fullchain.pem"),
            ("/etc/hubbub/tls/privkey.pem", "tls/privkey.pem"),
        )
        with_tls = "include hubbub-listen.conf; include hubbub-listen-tls.conf;"
        self.edit("nginx.conf", ("include hubbub-listen.conf;", with_tls))

    def addresses(self, gateways: Sequence[int], apis: Sequence[int]) -> None:
        """Where Hubbub's processes are: ports of loopback."""
        self.write("hubbub-gateways.conf", (_servers([8001, 8002]), _servers(gateways)))
        self.write("hubbub-api.conf", (_servers([8011, 8012]), _servers(apis)))

    @property
    def command(self) -> list[str]:
        """What runs it, in the foreground. Raises `FileNotFoundError` where no nginx is installed."""
        # As root, its workers would be another user's, who can't reach a folder of ours.
        return [*self._nginx, "-g", "daemon off;" + (" user root;" if os.geteuid() == 0 else "")]

    @property
    def check_command(self) -> list[str]:
        """What has it check its files. Raises as `command` does."""
        return [*self._nginx, "-t"]

    @property
    def _nginx(self) -> list[str]:
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        if program is None:
            raise FileNotFoundError("nginx is not installed")
        return [program, "-p", str(self.folder), "-e", "error.log", "-c", str(self.folder / "nginx.conf")]


def _servers(ports: Sequence[int]) -> str:
    return "\n".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=5s;" for port in ports)
