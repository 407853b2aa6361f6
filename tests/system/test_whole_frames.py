"""What is drawn on whole frames, through the real processes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from PIL import Image

from visavis.client import Client, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SWAPPED = "LUT_3D_SIZE 2\n" + "".join(f"{b} {g} {r}\n" for b in (0, 1) for g in (0, 1) for r in (0, 1))
"""Red and blue change places."""


def pixels(encoded: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(encoded))).astype(int)


def test_a_picture_is_graded_by_an_uploaded_table(client: Client, portrait: bytes, tmp_path: Path) -> None:
    (tmp_path / "swapped.cube").write_text(SWAPPED)
    asset = client.upload_asset(tmp_path / "swapped.cube")["id"]
    plain = pixels(client.process_image(portrait, {}, "image/png"))
    graded = pixels(client.process_image(portrait, {"grade": {"asset": asset}}, "image/png"))
    assert np.abs(graded - plain[..., ::-1]).max() <= 1


def test_a_background_becomes_transparent_around_the_person_who_stays(client: Client, portrait: bytes) -> None:
    look = {"background": {"kind": "transparent"}}
    plain, cut = (pixels(client.process_image(portrait, one, "image/png")) for one in ({}, look))
    (face,) = client.analyze_image(portrait)["faces"]
    x, y = np.mean(face["landmarks"], axis=0)[:2].astype(int)
    assert cut[y, x].tolist() == [*plain[y, x], 255]
    assert 0.1 < (cut[..., 3] == 0).mean() < 0.9
    with pytest.raises(ProblemError, match="image/png"):
        client.process_image(portrait, look, "image/jpeg")


def test_every_frame_of_a_video_has_another_background_and_light(
    client: Client, media: Callable[[str], Path], tmp_path: Path
) -> None:
    source = media("signer_plain.mkv")
    job = client.submit_job(source, {"background": {"kind": "color", "color": "#1030c0"}, "brightness": 0.3})["id"]
    *_, last = client.events(job)
    assert last["state"] == "done", last
    before, after = film(source), film(client.download(job, tmp_path / "result.mp4"))
    assert len(before) == len(after)
    for frame in after:
        wall = frame[:40, :40].reshape(-1, 3).mean(axis=0)
        assert wall[2] > 150
        assert wall[0] < 100
    assert np.mean([frame[-60:, 250:390].mean() for frame in after]) > np.mean(
        [frame[-60:, 250:390].mean() for frame in before]
    )


def film(path: Path) -> list[Any]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in file.decode(video=0)]
