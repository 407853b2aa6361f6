"""Real decoders, real models: a picture and a clip from bytes to bytes."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from PIL import Image

from shared.model.errors import Misconfigured, Rejected
from shared.model.jobs import Want
from shared.model.look_text import parse_look
from shared.model.media import MediaKind, Span
from shared.model.offers import ModelChoice
from tests.unit.visavis.oneshot.conftest import FRAMES
from visavis.oneshot.oneshot import Oneshot, Wish
from visavis.oneshot.settings import OneshotSettings
from visavis.sample import portrait_jpeg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import psutil

STRONG = Wish(look=parse_look('{"smooth": 1, "whiten": 1, "slim_face": 1}'))


def film(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


async def test_a_video_is_drawn_frame_by_frame_and_joined_with_its_sound(
    oneshot: Oneshot, clip: Path, tmp_path: Path
) -> None:
    told: list[tuple[int, int]] = []
    done = await oneshot.video(clip, tmp_path / "part", STRONG, lambda *frames: told.append(frames))
    assert (done.frames, done.faces, done.summary.frames) == (FRAMES, FRAMES, FRAMES)
    assert told == [(number, FRAMES) for number in range(1, FRAMES + 1)]
    assert await oneshot.join(tmp_path / "part", clip, tmp_path / "joined", done.summary) is MediaKind.MP4
    before, after = film(clip), film(tmp_path / "joined")
    assert [frame.time for frame in after] == [frame.time for frame in before]
    changed = np.abs(after[5].to_ndarray(format="gray").astype(int) - before[5].to_ndarray(format="gray"))
    assert changed[100:260, 250:410].mean() > 3 * changed[:60].mean()
    with av.open(str(tmp_path / "joined")) as joined:
        assert joined.streams.audio


async def test_the_faces_are_a_line_of_json_a_frame(oneshot: Oneshot, clip: Path, tmp_path: Path) -> None:
    await oneshot.video(clip, tmp_path / "faces", Wish(want=Want.FACES))
    lines = [json.loads(line) for line in (tmp_path / "faces").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(FRAMES))
    assert {face["track"] for line in lines for face in line["faces"]} == {1}


async def test_a_picture_comes_back_in_the_kind_that_is_asked_for(oneshot: Oneshot) -> None:
    made = await oneshot.still(portrait_jpeg(), STRONG, MediaKind.PNG)
    image = Image.open(io.BytesIO(made.picture))
    assert (image.format, image.size) == ("PNG", (1280, 720))
    assert len(made.faces) == 1
    analysed = await oneshot.still(portrait_jpeg(), Wish(want=Want.FACES))
    assert (analysed.picture, len(analysed.faces)) == (b"", 1)


async def test_what_is_wrong_with_the_input_is_said_and_the_next_goes_well(
    oneshot: Oneshot, clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("no video")
    with pytest.raises(Rejected, match="send MP4"):
        await oneshot.video(tmp_path / "text", tmp_path / "part", STRONG)
    assert not (tmp_path / "part").exists()
    assert (await oneshot.video(clip, tmp_path / "part", STRONG)).frames == FRAMES


async def test_models_that_are_not_there_are_refused(oneshot: Oneshot, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="no detector 'nobody'"):
        await oneshot.video(clip, tmp_path / "part", Wish(models=ModelChoice(detector="nobody")))


async def test_one_that_is_cancelled_leaves_nothing_and_the_next_goes_well(
    oneshot: Oneshot, clip: Path, tmp_path: Path
) -> None:
    begun = asyncio.Event()
    doing = asyncio.create_task(oneshot.video(clip, tmp_path / "part", STRONG, lambda *_: begun.set()))
    await begun.wait()
    doing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doing
    assert not (tmp_path / "part").exists()
    assert (await oneshot.video(clip, tmp_path / "again", STRONG)).frames == FRAMES


CUT = 12


def tracks_of(path: Path) -> list[list[dict[str, Any]]]:
    return [json.loads(line)["faces"] for line in path.read_text().splitlines()]


async def test_a_span_goes_on_from_what_is_known_at_the_end_of_another(
    oneshot: Oneshot, clip: Path, tmp_path: Path
) -> None:
    pts = [frame.pts for frame in film(clip)]
    ends = Span(begins=pts[0], start=pts[0], end=pts[CUT], first=0, warm=0, frames=CUT)
    begins = Span(begins=pts[0], start=pts[CUT], end=None, first=0, warm=CUT, frames=FRAMES - CUT)
    await oneshot.video(clip, tmp_path / "whole", Wish(want=Want.FACES))
    first = await oneshot.video(clip, tmp_path / "first", Wish(want=Want.FACES, span=ends))
    assert (len(first.known.state.tracks.known), len(first.known.faces)) == (1, 1)
    second = await oneshot.video(clip, tmp_path / "second", Wish(want=Want.FACES, span=begins), known=first.known)
    assert (second.frames, second.faces, second.summary.frames) == (FRAMES - CUT, FRAMES - CUT, FRAMES)
    assert sum(hop.name == "detect" for hop in second.hops) == FRAMES - CUT
    whole, _, *after = tracks_of(tmp_path / "whole"), *tracks_of(tmp_path / "second")
    assert after == whole[CUT:]


async def test_people_are_looked_for_in_the_warm_up_though_faces_are_known(
    oneshot: Oneshot, clip: Path, tmp_path: Path
) -> None:
    pts, look = [frame.pts for frame in film(clip)], parse_look('{"background": {"kind": "blur"}}')
    ends = Span(begins=pts[0], start=pts[0], end=pts[CUT], first=0, warm=0, frames=CUT)
    begins = Span(begins=pts[0], start=pts[CUT], end=None, first=0, warm=CUT, frames=FRAMES - CUT)
    first = await oneshot.video(clip, tmp_path / "first", Wish(look=look, span=ends))
    second = await oneshot.video(clip, tmp_path / "second", Wish(look=look, span=begins), known=first.known)
    assert sum(hop.name == "detect" for hop in second.hops) == FRAMES
    assert second.frames == FRAMES - CUT


async def test_nothing_is_left_in_the_end(settings: OneshotSettings, begun: Callable[[], set[psutil.Process]]) -> None:
    steps: list[str] = []
    async with await Oneshot.started(settings, steps.append):
        assert begun()
    assert [step.partition(",")[0] for step in steps] == ["models loaded", "models warmed", "decoders started"]
    assert not begun()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("oneshot")]


async def test_without_models_nothing_starts_and_nothing_is_left(
    tmp_path: Path, begun: Callable[[], set[psutil.Process]]
) -> None:
    with pytest.raises(Misconfigured, match="visavis models prepare"):
        await Oneshot.started(OneshotSettings.read(tmp_path))
    assert not begun()
