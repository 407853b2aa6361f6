"""A file of a user's own from beginning to end, looks with files among it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from PIL import Image

from shared.model.errors import Rejected
from shared.model.jobs import Want
from shared.model.media import MediaKind
from shared.model.offers import ModelChoice
from tests.unit.visavis.oneshot.conftest import FRAMES
from visavis.oneshot.offline import Task, asset_id, process
from visavis.oneshot.settings import OneshotSettings
from visavis.sample import portrait_jpeg

if TYPE_CHECKING:
    from pathlib import Path

SWAPPED = "LUT_3D_SIZE 2\n" + "".join(f"{b} {g} {r}\n" for b in (0, 1) for g in (0, 1) for r in (0, 1))
"""Red and blue change places."""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "portrait.jpg"
    path.write_bytes(portrait_jpeg())
    return path


def task(source: Path, target: Path, kind: MediaKind, **changes: Any) -> Task:
    wished = {"look": "natural", "files": {}, "want": Want.PICTURE, "models": ModelChoice()} | changes
    return Task(source, target, kind=kind, **wished)


def nobody(*_: int) -> None: ...


async def test_a_video_has_its_sound_and_every_frame(settings: OneshotSettings, clip: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    wanted = task(clip, tmp_path / "out.mp4", MediaKind.MP4)
    assert await process(settings, wanted, lambda *frames: told.append(frames)) == ""
    assert told[-1] == (FRAMES, FRAMES)
    with av.open(str(wanted.target)) as made:
        assert made.streams.audio
        assert sum(1 for _ in made.decode(video=0)) == FRAMES
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]  # noqa: ASYNC240  -- a small folder


async def test_a_video_that_is_cut_off_is_said_to_be(settings: OneshotSettings, clip: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.mkv"
    with av.open(str(clip)) as read, av.open(str(short), "w") as written:
        film = written.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(read.streams.video[0]):
            if packet.size:
                packet.stream = film
                written.mux(packet)
    short.write_bytes(short.read_bytes()[: short.stat().st_size * 9 // 10])
    notice = await process(settings, task(short, tmp_path / "out", MediaKind.MATROSKA), nobody)
    assert "ends early" in notice


async def test_files_of_the_look_are_drawn_by(settings: OneshotSettings, picture: Path, tmp_path: Path) -> None:
    table = tmp_path / "swapped.cube"
    table.write_text(SWAPPED)
    asset = asset_id(table)
    look = json.dumps({"grade": {"asset": asset}})
    wanted = task(picture, tmp_path / "out.png", MediaKind.JPEG, look=look, files={asset: table})
    await process(settings, wanted._replace(reply_kind=MediaKind.PNG), nobody)
    before, after = (np.asarray(Image.open(path)).astype(int) for path in (picture, wanted.target))
    assert np.abs(after - before[..., ::-1]).max() <= 1


async def test_the_faces_of_a_picture_are_one_line(settings: OneshotSettings, picture: Path, tmp_path: Path) -> None:
    wanted = task(picture, tmp_path / "faces", MediaKind.JPEG, want=Want.FACES)
    await process(settings, wanted, nobody)
    [line] = wanted.target.read_text().splitlines()
    told = json.loads(line)
    assert (told["frame"], told["width"], told["height"], len(told["faces"])) == (0, 1280, 720, 1)


async def test_what_a_jpeg_cannot_hold_is_refused(settings: OneshotSettings, picture: Path, tmp_path: Path) -> None:
    look = '{"background": {"kind": "transparent"}}'
    with pytest.raises(Rejected, match="image/png"):
        await process(settings, task(picture, tmp_path / "out", MediaKind.JPEG, look=look), nobody)
    assert not (tmp_path / "out").exists()


async def test_effects_of_ones_own_are_drawn(models: Path, picture: Path, tmp_path: Path) -> None:
    folder = tmp_path / "effects"
    folder.mkdir()
    (folder / "black.py").write_text(
        "import numpy as np\n"
        "from visavis.effects import FaceView, effect\n\n\n"
        "@effect('Paints the region black.')\n"
        "def black(face: FaceView) -> None:\n"
        "    face.mix(np.zeros_like(face.rgb), np.ones(face.rgb.shape[:2], np.float32))\n"
    )
    wanted = task(picture, tmp_path / "out.png", MediaKind.JPEG, look='{"black": {}}')
    await process(OneshotSettings.read(models, folder), wanted._replace(reply_kind=MediaKind.PNG), nobody)
    shown = np.asarray(Image.open(io.BytesIO(wanted.target.read_bytes())))
    assert (shown[280:360, 600:700] == 0).mean() > 0.9
