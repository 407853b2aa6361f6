"""Faces are hidden by the whole service, also those that nobody would draw on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import av

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from visavis.client import Client

COVER = json.dumps({"face_cover": {"color": "#00ff00"}})


def test_no_frame_of_a_video_shows_a_face_nor_half_a_one_at_its_edge(
    client: Client, media: Callable[[str], Path], tmp_path: Path
) -> None:
    job = client.submit_job(media("signer_occluded.mkv"), look=COVER, want="picture")
    *_, done = client.events(job["id"])
    assert (done["state"], done["frames"], done["faces"]) == ("done", 63, 63)
    result = tmp_path / "hidden.mp4"
    client.download(job["id"], result)
    with av.open(str(result)) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert len(frames) == 63
    for frame in frames:
        for x, y in ((312, 80), (312, 120), (632, 120), (632, 180), (600, 180)):
            red, green, blue = (int(level) for level in frame[y, x])
            assert green > 200
            assert max(red, blue) < 60
