"""A camera's way: published to a real origin, fetched, drawn, and seen by a browser, another server and a file."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import av
import httpx
import numpy as np
import pytest

from tests.system.browser import opened
from tests.system.origin import Origin
from tests.system.watching import watched
from tests.web import Desk, open_desk
from visavis.stack import Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_SECONDS = 90
NETWORKS = {"VISAVIS_SOURCE_NETWORKS": "127.0.0.0/8", "VISAVIS_PUSH_NETWORKS": "127.0.0.0/8"}
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    with Origin(tmp_path_factory.mktemp("origin")) as running:
        yield running


@pytest.fixture(scope="module")
def near(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that may fetch from this machine and push to it. What dies is started again."""
    options = StackOptions(var=tmp_path_factory.mktemp("var"), models=models, environment=NETWORKS)
    with Stack(options) as stack, watched(stack):
        yield stack


@pytest.fixture(scope="module")
def rest(near: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=near.rest, trust_env=False, timeout=30) as client:
        yield client


@contextmanager
def begun(rest: httpx.Client, source: str, *outputs: dict[str, Any], **more: Any) -> Iterator[str]:
    """A stream, which is ended."""
    wish = {"source": source, "outputs": list(outputs), "look": "none", "max_delay_ms": 20_000, **more}
    answer = rest.post("/v1/streams", json=wish)
    assert answer.status_code == 201, answer.text
    stream = answer.headers["location"]
    try:
        yield stream
    finally:
        rest.delete(stream)


def until(condition: Callable[[], Any]) -> Any:
    """What it comes to at last."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.2)
    return found


def state(rest: httpx.Client, stream: str) -> dict[str, Any]:
    found: dict[str, Any] = rest.get(stream).json()
    return found


def delivered(rest: httpx.Client, stream: str) -> int:
    return int(state(rest, stream)["account"]["delivered"])


def ended(rest: httpx.Client, stream: str) -> dict[str, Any]:
    """End it, and what it was in the end."""
    rest.delete(stream)
    return until(lambda: (found := state(rest, stream))["state"] == "ended" and found)


def segments(rest: httpx.Client, stream: str) -> list[str]:
    answer = rest.get(f"{stream}/hls/index.m3u8")
    return [line for line in answer.text.splitlines() if line.endswith(".m4s")] if answer.status_code == 200 else []


def shown(rest: httpx.Client, stream: str, folder: Path) -> list[np.ndarray]:
    """[height, width] luma of the frames of the newest segment."""
    playlist = rest.get(f"{stream}/hls/index.m3u8").text
    head = playlist.split('#EXT-X-MAP:URI="')[-1].split('"')[0]
    newest = segments(rest, stream)[-1]
    clip = folder / "newest.mp4"
    clip.write_bytes(b"".join(rest.get(f"{stream}/hls/{name}").content for name in (head, newest)))
    with av.open(str(clip)) as file:
        return [frame.to_ndarray()[: frame.height] for frame in file.decode(video=0)]


def test_a_published_stream_is_served_pushed_on_and_recorded_with_its_sound(
    rest: httpx.Client, origin: Origin, tmp_path: Path
) -> None:
    publisher = origin.publish("camera")
    push, hls = {"rtmp": origin.rtmp("drawn")}, {"hls": {"segment_seconds": 1}}
    with begun(rest, origin.rtmp("camera"), hls, push, {"record": {}}) as stream:
        until(lambda: len(segments(rest, stream)) >= 3)
        assert origin.rtmp("drawn") not in rest.get(stream).text
        before = np.mean([frame.mean() for frame in shown(rest, stream, tmp_path)])
        assert rest.patch(stream, json={"look": {"brightness": 1.0}}).status_code == 200
        until(lambda: np.mean([frame.mean() for frame in shown(rest, stream, tmp_path)]) > before + 10)
        pushed = streams_of(origin.rtmp("drawn"))
        found = ended(rest, stream)
        playlist = rest.get(f"{stream}/hls/index.m3u8")
        recording = tmp_path / "record.mp4"
        recording.write_bytes(rest.get(f"{stream}/record").content)
    origin.stop(publisher)
    assert pushed == {"h264", "aac"}
    assert playlist.text.rstrip().endswith("#EXT-X-ENDLIST")
    assert playlist.headers["access-control-allow-origin"] == "*"
    account = found["account"]
    dropped = sum(one["count"] for one in account["dropped"])
    assert account["received"] == account["delivered"] + account["failed"] + dropped
    with av.open(str(recording)) as file:
        assert {one.codec_context.name for one in file.streams} == {"h264", "aac"}
        assert sum(1 for _ in file.decode(video=0)) == account["delivered"]
    with av.open(str(recording)) as file:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
    assert np.abs(heard).max() > 0.05


def streams_of(url: str) -> set[str]:
    """What FFmpeg's own tool finds there."""
    command = ["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", url]
    said = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True)
    return set(said.stdout.split())


def test_a_source_that_goes_and_comes_back_in_another_size_is_one_stream(
    rest: httpx.Client, origin: Origin, tmp_path: Path
) -> None:
    publisher = origin.publish("changing")
    with begun(rest, origin.rtmp("changing"), {"hls": {"segment_seconds": 1}}) as stream:
        until(lambda: delivered(rest, stream) > 20)
        origin.stop(publisher)
        until(lambda: any(one["kind"] == "source-lost" for one in state(rest, stream)["notices"]))
        before = delivered(rest, stream)
        publisher = origin.publish("changing", size="480x270")
        until(lambda: delivered(rest, stream) > before + 20)
        found = ended(rest, stream)
        size = shown(rest, stream, tmp_path)[0].shape
    origin.stop(publisher)
    assert size == (180, 320), "what comes out has the size that it had first"
    kinds = [one["kind"] for one in found["notices"]]
    assert kinds.index("source-lost") < kinds.index("source-recovered")


def test_what_a_killed_process_has_recorded_is_a_part_of_its_own(
    rest: httpx.Client, near: Stack, origin: Origin, tmp_path: Path
) -> None:
    publisher = origin.publish("recorded")
    with begun(rest, origin.rtmp("recorded"), {"record": {}}) as stream:
        until(lambda: delivered(rest, stream) > 120)
        os.kill(near.pid("render"), signal.SIGKILL)
        before = until(lambda: state(rest, stream)["restarts"] and delivered(rest, stream))
        until(lambda: delivered(rest, stream) > before + 30)
        ended(rest, stream)
        counts = []
        for part in (1, 2):
            answer = until(lambda part=part: (found := rest.get(f"{stream}/record?part={part}")).is_success and found)
            (tmp_path / "part.mp4").write_bytes(answer.content)
            with av.open(str(tmp_path / "part.mp4")) as file:
                counts.append(sum(1 for _ in file.decode(video=0)))
    origin.stop(publisher)
    assert min(counts) > 30


@pytest.mark.parametrize("codec", ["hevc", "av1"])
def test_other_codecs_go_out_as_hls(rest: httpx.Client, origin: Origin, tmp_path: Path, codec: str) -> None:
    publisher = origin.publish(f"to-{codec}")
    with begun(rest, origin.rtmp(f"to-{codec}"), {"hls": {"segment_seconds": 1}}, output={"codec": codec}) as stream:
        until(lambda: len(segments(rest, stream)) >= 2)
        frames = shown(rest, stream, tmp_path)
        ended(rest, stream)
    origin.stop(publisher)
    assert frames[0].shape == (180, 320)


@pytest.mark.parametrize(
    "source",
    [
        "rtmp://169.254.169.254/live/x",
        "http://[::ffff:10.0.0.1]/x.m3u8",
        "http://10.1.2.3/x.m3u8",
        "file:///etc/passwd",
    ],
)
def test_what_lies_inside_is_not_fetched(rest: httpx.Client, source: str) -> None:
    answer = rest.post("/v1/streams", json={"source": source, "outputs": [{"record": {}}]})
    if answer.status_code == 201:
        stream = answer.headers["location"]
        found = until(lambda: (now := state(rest, stream))["state"] == "failed" and now)
        assert found["problem"]["code"] == "source-refused"
    else:
        assert answer.json()["code"] == "source-refused"


class Viewer(Desk):
    """A page with a player, which tells how far it has played and what is on its screen."""

    playlist = ""
    told: dict[str, list[str]] = {}  # noqa: RUF012  -- one test has it

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/told":
            type(self).told = parse_qs(asked.query)
        body = _PAGE.replace("PLAYLIST", self.playlist).encode() if asked.path == "/" else b""
        self.answer(200, body, {"Content-Type": "text/html"})


_PAGE = """<!doctype html><video id=v muted autoplay crossorigin=anonymous src="PLAYLIST"></video><script>
v.onerror = () => fetch("/told?error=" + encodeURIComponent(v.error.message));
v.ontimeupdate = () => {
  const c = document.createElement("canvas");
  c.width = 16; c.height = 9;
  const g = c.getContext("2d");
  g.drawImage(v, 0, 0, 16, 9);
  const d = g.getImageData(0, 0, 16, 9).data;
  fetch(`/told?played=${v.currentTime}&width=${v.videoWidth}&spread=${Math.max(...d.filter((_, i) => i % 4 == 1))}`);
};
</script>"""


def test_a_browser_plays_it(rest: httpx.Client, near: Stack, origin: Origin, chromium: str, tmp_path: Path) -> None:
    flags = ("--disable-quic", "--mute-audio", "--disable-sync", "--autoplay-policy=no-user-gesture-required")
    publisher = origin.publish("seen")
    with begun(rest, origin.rtmp("seen"), {"hls": {"segment_seconds": 1}}) as stream:
        until(lambda: len(segments(rest, stream)) >= 3)
        Viewer.playlist, Viewer.told = f"{near.rest}{stream}/hls/index.m3u8", {}
        with open_desk(Viewer) as port, opened(chromium, tmp_path, f"http://127.0.0.1:{port}/", *flags):
            told = until(lambda: Viewer.told if "error" in Viewer.told or played() > 2 else None)
        ended(rest, stream)
    origin.stop(publisher)
    assert "error" not in told, told
    assert told["width"] == ["320"]
    assert float(told["spread"][0]) > 100


def played() -> float:
    return float(Viewer.told.get("played", ["0"])[0])
