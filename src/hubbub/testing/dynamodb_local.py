"""DynamoDB Local, for tests: Amazon's own engine in one Java process, in memory, on the loopback interface.

Its own command line listens on every interface. So it is started by Jetty's XML configuration instead, which is in its
jars: the same request handler behind a connector that has a host.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from hubbub.testing.ports import free_port

_STARTUP = 60.0

_CONFIGURATION = """\
<?xml version="1.0"?>
<!DOCTYPE Configure PUBLIC "-//Jetty//Configure//EN" "http://www.eclipse.org/jetty/configure_9_3.dtd">
<Configure id="Server" class="org.eclipse.jetty.server.Server">
  <Call name="addConnector"><Arg>
    <New class="org.eclipse.jetty.server.ServerConnector">
      <Arg name="server"><Ref refid="Server"/></Arg>
      <Set name="host">127.0.0.1</Set>
      <Set name="port"><Property name="port"/></Set>
    </New>
  </Arg></Call>
  <Set name="handler">
    <New class="{package}.LocalDynamoDBServerHandler">
      <Arg>
        <New class="{package}.LocalDynamoDBRequestHandler">
          <Arg type="int">0</Arg>
          <Arg type="boolean">true</Arg><!-- in memory -->
          <Arg/>
          <Arg type="boolean">true</Arg><!-- one database for all regions and credentials -->
          <Arg type="boolean">false</Arg>
        </New>
      </Arg>
      <Arg type="java.lang.String">*</Arg>
    </New>
  </Set>
  <Call name="start"/>
</Configure>
""".format(package="com.amazonaws.services.dynamodbv2.local.server")

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "local"}
"""It takes any, but there must be some."""


class DynamoDBLocal:
    """The engine whose jars are in ``folder`` (``DynamoDBLocal.jar`` and ``DynamoDBLocal_lib``); a context manager.

    ``endpoint`` is where it listens, ``pid`` its process's. It may be stopped and started again on the same port, with
    nothing in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch = tempfile.TemporaryDirectory(prefix="dynamodb-local-")
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the Java process."""
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._scratch.cleanup()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._scratch.cleanup()

    def start(self) -> None:
        """Start it and wait until it answers. Raises `RuntimeError`, with what it said, when it does not."""
        if not (self._folder / "DynamoDBLocal.jar").exists() or shutil.which("java") is None:
            raise RuntimeError(
                f"DynamoDB Local needs Java (scripts/install-test-packages) and its jars in {self._folder} "
                "(scripts/install-dynamodb-local)."
            )
        configuration = Path(self._scratch.name, "jetty.xml")
        configuration.write_text(_CONFIGURATION)
        log = Path(self._scratch.name, "log")
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    *("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
                    f"-Djava.library.path={self._folder / 'DynamoDBLocal_lib'}",
                    *("-cp", f"{self._folder / 'DynamoDBLocal.jar'}:{self._folder / 'DynamoDBLocal_lib'}/*"),
                    *("org.eclipse.jetty.xml.XmlConfiguration", f"port={self.port}", str(configuration)),
                ],
                cwd=self._scratch.name,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "DDB_LOCAL_TELEMETRY": "0"},
            )
        until = time.monotonic() + _STARTUP
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"DynamoDB Local did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Kill it, as a machine that dies would; everything in it is gone. Idempotent."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """SIGSTOP: connections are taken, and nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)

    def url(self, table: str, **options: object) -> str:
        """`HUBBUB_STORE` for a table in it."""
        more = "".join(f"&{name}={value}" for name, value in options.items())
        return f"dynamodb://{table}?region=local&endpoint={self.endpoint}{more}"

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True
