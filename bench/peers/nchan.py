"""Nchan: nginx's publish/subscribe module, one worker, nothing kept, nothing logged."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.targets import TEXT, Target, http_request
from hubbub.testing.ports import free_port

_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
_NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")

_CONFIG = """
load_module {module};
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    nchan_shared_memory_size 64M;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        keepalive_requests 10000000;
        location ~ ^/watch/(\\w+)$ {{
            nchan_subscriber eventsource;
            nchan_channel_id $1;
            nchan_subscriber_first_message newest;
        }}
        location ~ ^/post/(\\w+)$ {{
            nchan_publisher http;
            nchan_channel_id $1;
            nchan_message_buffer_length 10;
        }}
    }}
}}
"""


def missing() -> str:
    """Why it can't be measured here, "" when it can."""
    return "" if _NGINX and _MODULE.exists() else "nginx with libnginx-mod-nchan (Debian) is not installed"


class Nchan(Target):
    """It, from Debian's package."""

    name = "Nchan"

    def start(self) -> None:
        self.port = free_port()
        config = self.folder / "nginx.conf"
        config.write_text(_CONFIG.format(module=_MODULE, folder=self.folder, port=self.port))
        self.spawn([str(_NGINX), "-p", self.folder, "-c", config])
        self.wait_until_it_listens()

    def watching(self, video: str) -> bytes:
        return http_request("GET", f"/watch/{video}", {"Accept": "text/event-stream"})

    def posting(self, video: str, text: bytes = TEXT) -> bytes:
        # What Hubbub's viewers get, so that both write as many bytes.
        comment = (
            b'{"id":"01890a5d-ac96-774b-bcce-b302099a8057","user":{"id":"bench","name":"bench"},"text":"%b",'
            b'"created_at":1764000000000,"offset":null,"status":"visible"}' % text
        )
        return http_request("POST", f"/post/{video}", {"Content-Type": "application/json"}, comment)
