"""Media made on the spot, and a pool to decode into."""

from __future__ import annotations

import io
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray


@pytest.fixture(autouse=True)
def _quiet_ffmpeg() -> None:
    av.logging.set_level(None)
    av.logging.set_libav_level(av.logging.PANIC)


def scene(index: int, width: int, height: int) -> NDArray[np.uint8]:
    """[height, width, 3]: red on the left, a bright square in the upper left corner, green grows with time."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2, 0] = 200
    image[:, :, 1] = (index * 7) % 120
    image[: height // 4, : width // 4] = 240
    return image


def write_video(path: Path, **wanted: Any) -> Path:
    """A small clip. See the names in `o` for what can be wanted."""
    o = {"frames": 12, "size": (64, 48), "codec": "libx264", "pix_fmt": "yuv420p", "format": None, "audio": None}
    o |= {"rotation": None, "mirrored": False, "aspect": None, "pts": None, "time_base": Fraction(1, 25)}
    o |= {
        "options": {},
        "colour": None,
        "container": {},
        "audio_rate": 48000,
        "title": "",
        "language": "",
        "paint": scene,
    }
    o |= wanted
    with av.open(str(path), "w", format=o["format"], container_options=o["container"]) as container:
        if o["title"]:
            container.metadata["title"] = o["title"]
        video = _add_video(container, o) if o["codec"] else None
        audio = _add_audio(container, o) if o["audio"] else None
        container.start_encoding()
        if video is not None:
            _write_frames(container, video, o)
        if audio is not None:
            _write_sound(container, audio, o)
    return path


def _add_video(container: Any, o: dict[str, Any]) -> Any:
    stream = container.add_stream(o["codec"], rate=25, options=dict(o["options"]))
    stream.width, stream.height = o["size"]
    stream.pix_fmt = o["pix_fmt"]
    stream.codec_context.time_base = stream.time_base = o["time_base"]
    if o["aspect"]:
        stream.codec_context.sample_aspect_ratio = o["aspect"]
    if o["colour"]:
        stream.color_primaries, stream.color_trc, stream.colorspace, stream.color_range = o["colour"]
    if o["rotation"] is not None:
        stream.set_display_rotation(o["rotation"], o["mirrored"])
    return stream


def _add_audio(container: Any, o: dict[str, Any]) -> Any:
    stream = container.add_stream(o["audio"], rate=o["audio_rate"])
    stream.layout = "stereo"
    if o["language"]:
        stream.metadata["language"] = o["language"]
    return stream


def _write_frames(container: Any, stream: Any, o: dict[str, Any]) -> None:
    for index in range(o["frames"]):
        frame = av.VideoFrame.from_ndarray(o["paint"](index, *o["size"]), "rgb24").reformat(format=o["pix_fmt"])
        frame.pts = o["pts"][index] if o["pts"] else index
        frame.time_base = o["time_base"]
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def _write_sound(container: Any, stream: Any, o: dict[str, Any]) -> None:
    rate = o["audio_rate"]
    wave = (np.sin(np.arange(2 * 1024) / 9) * 8000).astype(np.int16).reshape(1, -1)
    for start in range(0, rate * o["frames"] // 25, 1024):
        frame = av.AudioFrame.from_ndarray(wave, "s16", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """make_video("clip.mp4", frames=12, ...) writes a clip and returns its path."""
    return lambda name, **wanted: write_video(tmp_path / name, **wanted)


@pytest.fixture
def encoded_still() -> Callable[..., bytes]:
    """encoded_still("PNG", size=(w, h), mode="RGB", **save options): bytes of a picture."""

    def encode(kind: str, size: tuple[int, int] = (64, 48), mode: str = "RGB", **options: Any) -> bytes:
        body = io.BytesIO()
        Image.fromarray(scene(3, *size)).convert(mode).save(body, kind, **options)
        return body.getvalue()

    return encode


@pytest.fixture
def clips() -> Path:
    """The real clips that lie beside the repository."""
    folder = Path(__file__).parents[5] / "shared" / "media"
    if not folder.is_dir():
        pytest.skip("the real clips in ../shared/media are not there")
    return folder


@pytest.fixture
def pool_fd(tmp_path: Path) -> Iterator[int]:
    """A file of eight megabytes that stands for the frame pool."""
    fd = os.open(tmp_path / "pool", os.O_RDWR | os.O_CREAT)
    os.ftruncate(fd, 8 << 20)
    yield fd
    os.close(fd)
