"""What one process makes of a file is what the services make of it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from PIL import Image

from visavis.cli import main
from visavis.sample import write_sample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from visavis.client import Client

LOOKS = {
    "natural": '{"smooth": 0.5, "whiten": 0.4, "slim_face": 0.3, "enlarge_eyes": 0.3}',
    "hidden": '{"face_pixelate": 0.5}',
    "graded": '{"smooth": 0.6, "slim_face": 0.5, "grade": {"asset": "@swapped.cube"}, "background": {"kind": "blur"}}',
}
SWAPPED = "LUT_3D_SIZE 2\n" + "".join(f"{b} {g} {r}\n" for b in (0, 1) for g in (0, 1) for r in (0, 1))
CLOSE_DB = 45


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample clip, with its sound."""
    path = tmp_path_factory.mktemp("sample") / "sample.mp4"
    write_sample(path)
    return path


def film(path: Path) -> tuple[list[int], np.ndarray]:
    """pts and the planes of every frame: uint8 [frames, rows, columns]."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [frame.pts for frame in frames], np.stack([frame.to_ndarray() for frame in frames])


def sound(path: Path) -> list[tuple[int | None, bytes]]:
    with av.open(str(path)) as container:
        return [(packet.pts, bytes(packet)) for packet in container.demux(audio=0) if packet.size]


def least_psnr(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Of the worst frame, decibels; infinite where all are equal."""
    errors = [np.mean((one.astype(float) - other) ** 2) for one, other in zip(ours, theirs, strict=True)]
    return float("inf") if not max(errors) else 10 * np.log10(255**2 / max(errors))


@pytest.mark.parametrize("look", LOOKS)
def test_a_video_is_the_same_frame_by_frame(client: Client, sample: Path, tmp_path: Path, look: str) -> None:
    (tmp_path / "swapped.cube").write_text(SWAPPED)
    (tmp_path / "look.json").write_text(LOOKS[look])
    words = [str(sample), "--look", f"@{tmp_path / 'look.json'}"]
    offline, online = tmp_path / "offline.mp4", tmp_path / "online.mp4"
    assert main(["process", words[0], str(offline), *words[1:], "--offline"]) == 0
    assert main(["process", words[0], str(online), *words[1:], "--server", str(client._http.base_url)]) == 0
    (times, ours), (their_times, theirs) = film(offline), film(online)
    assert times == their_times
    assert least_psnr(ours, theirs) >= CLOSE_DB
    assert sound(offline) == sound(online) != []


def test_faces_are_the_same_line_by_line(client: Client, media: Callable[[str], Path], tmp_path: Path) -> None:
    source, offline, online = str(media("two_heads.mp4")), tmp_path / "offline", tmp_path / "online"
    assert main(["process", source, str(offline), "--want", "faces", "--offline"]) == 0
    assert main(["process", source, str(online), "--want", "faces", "--server", str(client._http.base_url)]) == 0
    pairs = zip(offline.read_text().splitlines(), online.read_text().splitlines(), strict=True)
    for ours, theirs in ((json.loads(one), json.loads(other)) for one, other in pairs):
        assert ours["pts_seconds"] == theirs["pts_seconds"]
        assert [face["track"] for face in ours["faces"]] == [face["track"] for face in theirs["faces"]]
        for mine, its in zip(ours["faces"], theirs["faces"], strict=True):
            assert np.allclose(mine["landmarks"], its["landmarks"], atol=0.1)


def test_a_picture_is_the_same(client: Client, portrait: bytes, tmp_path: Path) -> None:
    (tmp_path / "portrait.jpg").write_bytes(portrait)
    look = json.dumps({"smooth": 1, "slim_face": 1, "whiten": 0.5})
    offline = tmp_path / "offline.png"
    assert main(["process", str(tmp_path / "portrait.jpg"), str(offline), "--offline", "--look", look]) == 0
    online = client.process_image(portrait, look, "image/png")
    ours, theirs = (np.asarray(Image.open(io.BytesIO(one))) for one in (offline.read_bytes(), online))
    assert least_psnr(ours[np.newaxis], theirs[np.newaxis]) >= CLOSE_DB
