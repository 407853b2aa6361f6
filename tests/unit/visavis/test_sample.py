"""The sample clip."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from PIL import Image

from shared.model.errors import Misconfigured
from visavis import sample
from visavis.sample import portrait_jpeg, write_sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A second of it."""
    path = tmp_path_factory.mktemp("clip") / "sample.mp4"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sample, "SECONDS", 1)
        write_sample(path)
        yield path


def test_it_is_720p_with_a_tone(clip: Path) -> None:
    with av.open(str(clip)) as file:
        picture, sound = file.streams.video[0], file.streams.audio[0]
        frames = [frame.to_ndarray(format="gray") for frame in file.decode(picture)]
        assert (picture.codec_context.width, picture.codec_context.height, picture.average_rate) == (1280, 720, 30)
        assert (len(frames), sound.codec_context.name, sound.rate) == (30, "aac", 48_000)
    assert np.abs(frames[0].astype(int) - frames[-1]).mean() > 5, "nobody moves"


def test_its_tone_is_an_a(clip: Path) -> None:
    with av.open(str(clip)) as file:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in file.decode(audio=0)])
    loudest = np.abs(np.fft.rfft(heard)).argmax() * 48_000 / heard.size
    assert loudest == pytest.approx(440, abs=2)


def test_it_is_the_same_every_time(clip: Path, tmp_path: Path) -> None:
    write_sample(tmp_path / "again.mp4")
    first, second = (_frame(path) for path in (clip, tmp_path / "again.mp4"))
    assert np.array_equal(first, second)


def _frame(path: Path) -> np.ndarray:
    with av.open(str(path)) as file:
        return next(file.decode(video=0)).to_ndarray(format="gray")


def test_the_portrait_is_a_picture_of_the_same_size() -> None:
    picture = Image.open(io.BytesIO(portrait_jpeg()))
    assert (picture.format, picture.size) == ("JPEG", (1280, 720))


def test_without_the_portrait_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(Misconfigured, match="make setup"):
        portrait_jpeg()
