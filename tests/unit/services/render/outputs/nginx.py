"""A real RTMP server: nginx with its RTMP module, as Debian packages them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.ports import free_ports

MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
CONFIGURATION = """
load_module {module};
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
rtmp {{
    server {{
        listen 127.0.0.1:{port};
        application live {{ live on; record all; record_path {folder}/recorded; record_unique on; }}
        application closed {{ live on; deny publish all; }}
    }}
}}
"""
PATIENCE_SECONDS = 10


class Nginx:
    """One server, on loopback; what is published to its `live` is recorded, `closed` takes nothing."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("nginx") is None or not MODULE.exists():
            pytest.skip("There is no RTMP server here: install the packages nginx and libnginx-mod-rtmp.")
        self._folder = folder
        (folder / "recorded").mkdir()
        [self.port] = free_ports(1)
        text = CONFIGURATION.format(module=MODULE, folder=folder, port=self.port)
        (folder / "nginx.conf").write_text(text)
        self._process: subprocess.Popen[bytes] | None = None
        self._kills = 0

    def url(self, stream: str, app: str = "live") -> str:
        return f"rtmp://127.0.0.1:{self.port}/{app}/{stream}"

    @property
    def recorded(self) -> list[Path]:
        return sorted((self._folder / "recorded").iterdir(), key=lambda path: path.stat().st_mtime_ns)

    def start(self) -> None:
        command = ["nginx", "-p", str(self._folder), "-c", str(self._folder / "nginx.conf"), "-e", "error.log"]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        pytest.fail("nginx does not listen: " + (self._folder / "error.log").read_text())

    def kill(self) -> None:
        """Gone without a word, as by a power cut."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            self._kills += 1
            for path in self.recorded:  # nginx names files by the second
                path.rename(path.with_name(f"{self._kills}-{path.name}"))
