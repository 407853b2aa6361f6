"""Real processes for system tests: one stack for most of them, and what must be left when it is gone."""

from __future__ import annotations

import secrets
import shutil
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import psutil
import pytest

from shared.memory.segment import FOLDER, PREFIX, segment_path
from tests.models import prepared_models
from tests.system import engine
from visavis.client import Client
from visavis.sample import portrait_jpeg
from visavis.stack import SERVICES, Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHARED = Path(__file__).parents[3] / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here starts real processes."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.system)


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of the prepared models."""
    return prepared_models()


@pytest.fixture
def chromium() -> str:
    """The browser's program."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("There is no browser to look through: apt-get install chromium")
    return program


@pytest.fixture(scope="session")
def stack(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for all tests that leave it as it was. Afterwards nothing of it is left."""
    with Stack(StackOptions(var=tmp_path_factory.mktemp("var"), models=models, metrics=True)) as running:
        processes = everything_of(running)
        yield running
    assert not [process for process in processes if process.is_running() and process.status() != "zombie"]
    assert not segment_path(running.lane).exists()


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    """A client of the common stack."""
    with Client(stack.rest) as connected:
        yield connected


@pytest.fixture(scope="session")
def image_base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image that others are made from: that of VISAVIS_IMAGE_BASE, or else one that debootstrap makes."""
    engine.needs_engine()
    if named := engine.named_base():
        yield named
        return
    name = f"visavis-test-{secrets.token_hex(4)}-base"
    engine.make_base(name, tmp_path_factory.mktemp("base") / "root")
    yield name
    engine.docker("image", "rm", name)


@pytest.fixture(scope="session")
def portrait() -> bytes:
    """A JPEG of 1280x720 with one face."""
    return portrait_jpeg()


@pytest.fixture(scope="session")
def media() -> Callable[[str], Path]:
    """Real clips by name; the test is skipped where they are not at hand."""

    def find(name: str) -> Path:
        path = SHARED / "media" / name
        if not path.exists():
            pytest.skip(f"{name} is not at hand: the folder shared/ does not lie beside this repository")
        return path

    return find


def everything_of(stack: Stack) -> list[psutil.Process]:
    """Every process of a stack, decoders included."""
    family = [psutil.Process(stack.pid(name)) for name in ("nats", *SERVICES)]
    return [*family, *(child for one in family for child in one.children(recursive=True))]


def segments() -> set[Path]:
    """Every frame pool on this machine."""
    return set(FOLDER.glob(f"{PREFIX}*"))


@pytest.fixture(scope="session")
def clip(portrait: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with a face: 640x360, 48 frames at an uneven pace, colour tags, oblong samples, a tone."""
    path = tmp_path_factory.mktemp("clips") / "uneven.mkv"
    pixels = cv2.cvtColor(cv2.imdecode(np.frombuffer(portrait, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    small = cv2.resize(pixels, (640, 360), interpolation=cv2.INTER_AREA)
    with av.open(str(path), "w") as file:
        picture = file.add_stream("libx264", rate=25, options={"crf": "18"})
        picture.width, picture.height, picture.pix_fmt = small.shape[1], small.shape[0], "yuv420p"
        picture.codec_context.sample_aspect_ratio = Fraction(4, 3)
        picture.codec_context.color_primaries = picture.codec_context.color_trc = 1
        picture.codec_context.colorspace = 1
        picture.codec_context.time_base = picture.time_base = Fraction(1, 1000)
        sound = file.add_stream("aac", rate=48_000)
        for number in range(48):
            shown = np.roll(small, (number // 8, number), (0, 1))
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24").reformat(format="yuv420p", dst_colorspace=1)
            frame.pts, frame.time_base = number * 40 + (number % 3) * 7, Fraction(1, 1000)
            file.mux(picture.encode(frame))
        file.mux(picture.encode(None))
        for number in range(90):
            tone = np.sin(np.arange(number * 1024, (number + 1) * 1024) * 2 * np.pi * 440 / 48_000)
            heard = av.AudioFrame.from_ndarray(tone.astype(np.float32)[np.newaxis], format="fltp", layout="mono")
            heard.sample_rate, heard.pts, heard.time_base = 48_000, number * 1024, Fraction(1, 48_000)
            file.mux(sound.encode(heard))
        file.mux(sound.encode(None))
    return path
