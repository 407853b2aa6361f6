"""Streams that are fetched, through the real processes: from a file on a web server to HLS and a recording."""

from __future__ import annotations

import time
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import av
import httpx
import pytest

from tests.system.live_clips import CLOCK_HZ, moving
from tests.web import open_desk
from visavis.stack import Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAMES = 60
pytestmark = pytest.mark.timeout(180)


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def source(portrait: bytes, tmp_path: Path) -> Iterator[str]:
    """A clip on a web server of this machine, with something in its address that is nobody's business."""
    folder = tmp_path / "web"
    folder.mkdir()
    with av.open(str(folder / "clip.mp4"), "w", options={"movflags": "faststart"}) as clip:
        stream = clip.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt, stream.options = 640, 360, "yuv420p", {"g": "30"}
        stream.codec_context.time_base = Fraction(1, CLOCK_HZ)
        for frame in moving(portrait, (640, 360), FRAMES):
            clip.mux(stream.encode(frame.reformat(format="yuv420p")))
        clip.mux(stream.encode(None))
    with open_desk(partial(_Silent, directory=str(folder))) as port:
        yield f"http://127.0.0.1:{port}/clip.mp4?key=secret"


@pytest.fixture
def rest(models: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    """A stack that may fetch from this machine."""
    environment = {"VISAVIS_SOURCE_NETWORKS": "127.0.0.0/8"}
    options = StackOptions(var=tmp_path / "var", models=models, environment=environment)
    with Stack(options) as stack, httpx.Client(base_url=stack.rest, trust_env=False, timeout=30) as client:
        yield client


def test_a_source_becomes_hls_and_a_recording_and_its_address_stays_secret(
    rest: httpx.Client, source: str, tmp_path: Path
) -> None:
    wish = {"source": source, "outputs": [{"hls": {"segment_seconds": 1}}, {"record": {}}], "max_delay_ms": 20_000}
    answer = rest.post("/v1/streams", json=wish)
    assert answer.status_code == 201, answer.text
    stream = answer.headers["location"]
    while (found := rest.get(stream).json())["state"] in {"opening", "running"}:
        time.sleep(0.2)
    assert found["state"] == "ended", found
    account = found["account"]
    assert account["received"] == FRAMES
    assert account["delivered"] + account["failed"] + sum(one["count"] for one in account["dropped"]) == FRAMES

    playlist = rest.get(f"{stream}/hls/index.m3u8").text
    assert playlist.rstrip().endswith("#EXT-X-ENDLIST")
    names = [line for line in playlist.splitlines() if line.endswith(".m4s")]
    assert all(rest.get(f"{stream}/hls/{name}").content for name in names)
    recording = tmp_path / "record.mp4"
    recording.write_bytes(rest.get(f"{stream}/record").content)
    with av.open(str(recording)) as film:
        assert sum(1 for _ in film.decode(video=0)) == account["delivered"]
    logs = [path.read_text(errors="replace") for path in (tmp_path / "var").rglob("*.log")]
    assert logs
    assert not any("secret" in log for log in logs)
