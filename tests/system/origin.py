"""A real origin for fetched sources: nginx with its RTMP module, and FFmpeg's command line as what publishes to it.

It has its own configuration, folder and ports, all on loopback, and is ended by its own process id. Debian's packages
nginx, libnginx-mod-rtmp and ffmpeg are needed: `make test` installs them where it may.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

from tests import ending
from tests.ports import free_ports

if TYPE_CHECKING:
    from types import TracebackType

RTMP_MODULE = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
_CONFIGURATION = """
load_module {module};
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
rtmp {{
    access_log off;
    server {{
        listen 127.0.0.1:{rtmp};
        chunk_size 4096;
        application live {{
            live on;
            wait_key on;
            drop_idle_publisher 5s;
            idle_streams off;
            hls on;
            hls_path {folder}/hls;
            hls_fragment 1s;
            hls_playlist_length 8s;
            hls_continuous on;
        }}
    }}
}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }}
    server {{
        listen 127.0.0.1:{http};
        root {folder}/hls;
    }}
}}
"""
_PATIENCE_SECONDS = 10.0


class Origin:
    """nginx as an origin of RTMP and HLS. A context; it can be ended and begun again at the same ports."""

    def __init__(self, folder: Path) -> None:
        """folder: an empty one that is its own. The test is skipped where nginx, its module or FFmpeg are missing."""
        self._nginx, self._ffmpeg = shutil.which("nginx") or shutil.which("/usr/sbin/nginx"), shutil.which("ffmpeg")
        if not (self._nginx and self._ffmpeg and RTMP_MODULE.exists()):
            pytest.skip("There is no origin to fetch from: apt-get install nginx libnginx-mod-rtmp ffmpeg")
        self._folder = folder
        self.rtmp_port, self.http_port = free_ports(2)
        self._running: subprocess.Popen[bytes] | None = None
        self._publishers: list[subprocess.Popen[bytes]] = []
        self._srt_ports: dict[str, int] = {}

    def __enter__(self) -> Self:
        (self._folder / "hls").mkdir()
        user = "user root;" if os.geteuid() == 0 else ""  # its workers write into a folder that is the test's own
        text = _CONFIGURATION.format(
            module=RTMP_MODULE, user=user, folder=self._folder, rtmp=self.rtmp_port, http=self.http_port
        )
        (self._folder / "nginx.conf").write_text(text)
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for publisher in self._publishers:
            ending.end(publisher, _PATIENCE_SECONDS)
        self.end()

    def rtmp(self, name: str) -> str:
        """Where a stream is published, and where it is fetched."""
        return f"rtmp://127.0.0.1:{self.rtmp_port}/live/{name}"

    def hls(self, name: str) -> str:
        """The playlist of a stream."""
        return f"http://127.0.0.1:{self.http_port}/{name}.m3u8"

    def begin(self) -> None:
        """Start nginx and wait until it listens."""
        log = (self._folder / "out.log").open("ab")
        with log:
            configuration = self._folder / "nginx.conf"
            self._running = subprocess.Popen(
                [str(self._nginx), "-p", str(self._folder), "-c", str(configuration)], stdout=log, stderr=log
            )
        for port in (self.rtmp_port, self.http_port):
            _wait_for(port, self._running)

    def end(self) -> None:
        """Stop nginx at once, as a machine that fails would."""
        if self._running is not None:
            ending.end(self._running, _PATIENCE_SECONDS)
            self._running = None

    def publish(self, name: str, size: str = "320x180", seconds: int = 60) -> subprocess.Popen[bytes]:
        """Publish a test picture with a tone, at the pace of a camera, until it is ended."""
        return self._publishing(size, ["-t", str(seconds), "-f", "flv", self.rtmp(name)])

    def _publishing(self, size: str, ends: list[str]) -> subprocess.Popen[bytes]:
        video = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25"]
        sound = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"]
        coded = [
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "25",
            "-bf",
            "0",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
        ]
        command = [str(self._ffmpeg), "-nostdin", "-v", "error", "-re", *video, "-re", *sound, *coded]
        with (self._folder / "publisher.log").open("ab") as log:
            publisher = subprocess.Popen([*command, *ends], stdout=log, stderr=log)
        self._publishers.append(publisher)
        return publisher

    def serve_srt(self, name: str, size: str = "320x180") -> tuple[subprocess.Popen[bytes], str]:
        """Publish to the first who calls over SRT; and the URL to call. Skips where FFmpeg has no SRT."""
        said = subprocess.run([str(self._ffmpeg), "-hide_banner", "-protocols"], capture_output=True, check=True)
        if b"srt" not in said.stdout.split():
            pytest.skip("This FFmpeg has no SRT")
        port = self._srt_ports.setdefault(name, free_ports(1, socket.SOCK_DGRAM)[0])
        secrets = f"passphrase=not%20to%20be%20told&streamid=%23!::r={name}"
        ends = ["-passphrase", "not to be told", "-f", "mpegts"]
        publisher = self._publishing(size, [*ends, f"srt://127.0.0.1:{port}?mode=listener"])
        return publisher, f"srt://127.0.0.1:{port}?{secrets}"

    def stop(self, publisher: subprocess.Popen[bytes]) -> None:
        """End a publisher."""
        ending.end(publisher, _PATIENCE_SECONDS)
        self._publishers.remove(publisher)

    def wait_for_playlist(self, name: str) -> None:
        """Until the stream's playlist names a segment."""
        playlist = self._folder / "hls" / f"{name}.m3u8"
        until = time.monotonic() + _PATIENCE_SECONDS
        while not (playlist.exists() and ".ts" in playlist.read_text()):
            if time.monotonic() > until:
                pytest.fail("nginx wrote no playlist")
            time.sleep(0.1)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("nginx did not begin to listen")
