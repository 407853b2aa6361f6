"""A clip with a face and a sound, the prepared models, and the one process warm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import pytest

from tests.models import prepared_models
from visavis.oneshot.oneshot import Oneshot
from visavis.oneshot.settings import OneshotSettings
from visavis.sample import portrait_jpeg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

FRAMES, RATE, SOUND_RATE = 20, 25, 48_000


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of the prepared models."""
    return prepared_models()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """640x360, one face that moves to the right, a second of silence as AAC."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    shown = cv2.imdecode(np.frombuffer(portrait_jpeg(), np.uint8), cv2.IMREAD_COLOR)
    shown = cv2.resize(shown, (640, 360), interpolation=cv2.INTER_AREA)
    with av.open(str(path), "w") as written:
        film = written.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
        film.width, film.height, film.pix_fmt = 640, 360, "yuv420p"
        sound = written.add_stream("aac", rate=SOUND_RATE)
        quiet = av.AudioFrame.from_ndarray(np.zeros((2, SOUND_RATE), np.float32), "fltp", "stereo")
        quiet.sample_rate = SOUND_RATE
        for number in range(FRAMES):
            written.mux(film.encode(av.VideoFrame.from_ndarray(np.roll(shown, 2 * number, axis=1), format="bgr24")))
        written.mux(film.encode(None))
        written.mux(sound.encode(quiet))
        written.mux(sound.encode(None))
    return path


@pytest.fixture
def settings(models: Path) -> OneshotSettings:
    """Those of the environment."""
    return OneshotSettings.read(models)


@pytest.fixture
async def oneshot(settings: OneshotSettings) -> AsyncIterator[Oneshot]:
    """Warm; all of it ends with the test."""
    async with await Oneshot.started(settings) as made:
        yield made
