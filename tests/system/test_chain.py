"""A picture and a video through the whole service."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING

import av
import httpx
import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from visavis.client import Client
    from visavis.stack import Stack

STRONG = json.dumps({"smooth": 1, "whiten": 1, "slim_face": 1, "enlarge_eyes": 1})


def _pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.fixture(scope="module")
def png(portrait: bytes) -> bytes:
    kept = io.BytesIO()
    Image.open(io.BytesIO(portrait)).save(kept, "PNG", compress_level=1)
    return kept.getvalue()


def test_a_picture_comes_back_retouched_on_the_face_and_untouched_elsewhere(client: Client, png: bytes) -> None:
    before, after = _pixels(png), _pixels(client.process_image(png, STRONG))
    face = client.analyze_image(png)["faces"][0]
    x0, y0, x1, y1 = (round(edge) for edge in face["box"])
    around = np.zeros(before.shape[:2], bool)
    margin = (x1 - x0) // 2
    around[max(0, y0 - margin) : y1 + margin, max(0, x0 - margin) : x1 + margin] = True
    changed = (before != after).any(axis=-1)
    assert changed[y0:y1, x0:x1].mean() > 0.5
    assert not changed[~around].any()


def test_a_look_of_no_strength_returns_the_same_pixels(client: Client, png: bytes) -> None:
    assert np.array_equal(_pixels(png), _pixels(client.process_image(png, "none")))


@pytest.mark.parametrize(("accept", "kind"), [("image/png", "PNG"), ("image/webp", "WEBP"), ("image/jpeg", "JPEG")])
def test_the_picture_comes_in_the_format_that_is_asked_for(
    stack: Stack, portrait: bytes, accept: str, kind: str
) -> None:
    files = {"file": ("portrait", portrait)}
    answer = httpx.post(f"{stack.rest}/v1/images", files=files, data={"look": "natural"}, headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    assert Image.open(io.BytesIO(answer.content)).format == kind
    assert "render.worked" in answer.headers["Server-Timing"]


def test_faces_of_a_picture_are_listed_with_their_landmarks(client: Client, portrait: bytes) -> None:
    found = client.analyze_image(portrait)
    assert (found["frame"], found["width"], found["height"]) == (0, 1280, 720)
    (face,) = found["faces"]
    assert face["track"] == 1
    assert 0.5 < face["score"] <= 1
    landmarks = np.array(face["landmarks"])
    assert landmarks.shape == (468, 3)
    x0, y0, x1, y1 = face["box"]
    assert x0 <= landmarks[:, 0].min() <= landmarks[:, 0].max() <= x1
    assert y0 <= landmarks[:, 1].min() <= landmarks[:, 1].max() <= y1


def test_a_video_keeps_every_pts_its_sound_its_shape_and_its_colours(
    client: Client, clip: Path, tmp_path: Path
) -> None:
    result = tmp_path / "result"
    job = _finished(client, clip, "default")
    client.download(job["id"], result)
    assert (job["state"], job["progress"], job["frames"], job["warnings"]) == ("done", 1.0, 48, [])
    assert job["faces"] >= 46
    before, after = _facts(clip), _facts(result)
    assert after == before


def test_a_video_is_changed_where_the_face_is(client: Client, clip: Path, tmp_path: Path) -> None:
    plain, strong = tmp_path / "plain", tmp_path / "strong"
    for look, target in (("none", plain), (STRONG, strong)):
        client.download(_finished(client, clip, look)["id"], target)
    one, other = (_frame(path, 20).astype(int) for path in (plain, strong))
    difference = np.abs(one - other)
    assert difference[90:230, 250:400].mean() > 3  # where the face is
    assert difference[:, :120].mean() < 1  # only what the encoder decides otherwise


def test_the_faces_of_a_video_are_a_line_of_json_each(client: Client, clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "faces.jsonl"
    client.download(_finished(client, clip, "none", want="faces")["id"], target)
    lines = [json.loads(line) for line in target.read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(48))
    assert lines[1]["pts_seconds"] == pytest.approx(0.047)
    assert {line["faces"][0]["track"] for line in lines if line["faces"]} == {1}


def test_a_result_can_be_had_in_ranges_until_it_is_deleted(client: Client, stack: Stack, clip: Path) -> None:
    job = _finished(client, clip, "natural")
    url = f"{stack.rest}/v1/jobs/{job['id']}"
    whole = httpx.get(f"{url}/result")
    part = httpx.get(f"{url}/result", headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.content == whole.content[100:200]
    assert job["expires_at"] > job["created"] + 23 * 3600
    removed = httpx.delete(url).json()
    assert removed["state"] == "removed"
    assert removed["removed"]["objects"] == 2
    assert removed["removed"]["events"] > 0
    assert {httpx.request(method, url).status_code for method in ("GET", "DELETE")} == {404}
    assert httpx.get(f"{url}/result").status_code == 404


def _finished(client: Client, clip: Path, look: str, want: str = "picture") -> dict:
    job = client.submit_job(clip, look=look, want=want)
    for newer in client.events(job["id"]):
        job = newer
    return job


def _facts(path: Path) -> dict:
    with av.open(str(path)) as file:
        picture, sound = file.streams.video[0], file.streams.audio[0]
        context = picture.codec_context
        frames = [round(float(frame.pts * frame.time_base), 4) for frame in file.decode(picture)]
    with av.open(str(path)) as file:
        packets = [bytes(packet) for packet in file.demux(audio=0) if packet.size]
    return {
        "pts_seconds": frames,
        "sound": hashlib.sha256(b"".join(packets)).hexdigest(),
        "sound_codec": sound.codec_context.name,
        "size": (context.width, context.height),
        "aspect": context.sample_aspect_ratio,
        "colours": (context.color_primaries, context.color_trc, context.colorspace, context.color_range),
    }


def _frame(path: Path, number: int) -> np.ndarray:
    with av.open(str(path)) as file:
        return next(f.to_ndarray(format="gray") for n, f in enumerate(file.decode(video=0)) if n == number)
