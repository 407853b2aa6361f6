from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import av
import pytest

from services.render.encoding.live import LiveEncoder
from services.render.outputs.making import OutletMaker
from services.render.outputs.outlets import Outlets
from services.render.outputs.shelf import hls_key
from shared.model.errors import Rejected
from shared.model.live import HlsOutput, LiveOutput, RecordOutput, RtmpOutput
from shared.transport.store import ObjectStore
from tests.unit.services.render.live import facts, moving, sound_opened, sounds
from tests.unit.services.render.outputs.test_push import connect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.services.render.outputs.conftest import Notices
    from tests.unit.services.render.outputs.nginx import Nginx

FRAMES = 50
HLS = HlsOutput(segment_seconds=0.5)


def maker(tmp_path: Path, notices: Notices) -> OutletMaker:
    store = ObjectStore.open((tmp_path / "objects").as_uri())
    return OutletMaker("s", store, asyncio.get_running_loop(), tmp_path / "work", connect, notices, asyncio.Lock())


def session(outlets: Outlets, first: int = 0) -> None:
    encoder, heard = LiveEncoder(facts(), LiveOutput(), 1), sounds(2.0, start=3600 * first)
    outlets.open_sound(sound_opened())
    outlets.begin(encoder.track)
    for number in range(first, first + FRAMES):
        pts = 3600 * number
        for packet in encoder.encode(moving(facts(), number), pts, 3600, key=outlets.wants_key(pts)):
            outlets.write(packet)
        while heard and heard[0].pts <= pts:
            outlets.write_sound(heard.pop(0))


def seen(path: Path) -> int:
    options = {"allowed_extensions": "ALL", "allowed_segment_extensions": "ALL"} if path.suffix == ".m3u8" else {}
    with av.open(str(path), options=options) as file:
        return sum(1 for _ in file.decode(video=0))


async def test_all_three_kinds_at_once(tmp_path: Path, nginx: Nginx, notices: Notices) -> None:
    outlets = Outlets(maker(tmp_path, notices), notices)
    await asyncio.wrap_future(outlets.change((HLS, RecordOutput(), RtmpOutput(url=nginx.url("name")))))
    await asyncio.to_thread(session, outlets)
    await asyncio.wrap_future(outlets.close(over=True))
    objects = tmp_path / "objects"
    files = (objects / hls_key("s", "index.m3u8"), objects / "streams/s/record.mp4", nginx.recorded[0])
    assert [await asyncio.to_thread(seen, path) for path in files] == [FRAMES] * 3
    assert notices.kinds == ["output-connected"]


async def test_hls_that_is_made_again_goes_on_above_its_old_numbers(tmp_path: Path, notices: Notices) -> None:
    outlets, numbers = Outlets(maker(tmp_path, notices), notices), []
    playlist = tmp_path / "objects" / hls_key("s", "index.m3u8")
    for first in (0, FRAMES):
        await asyncio.wrap_future(outlets.change((HLS,)))
        await asyncio.to_thread(session, outlets, first)
        await asyncio.wrap_future(outlets.change(()))
        lines = playlist.read_text().splitlines()
        numbers += [int(line.partition(":")[2]) for line in lines if line.startswith("#EXT-X-MEDIA-SEQUENCE:")]
        assert ("#EXT-X-DISCONTINUITY" in lines) == (first > 0)
    assert numbers[0] <= numbers[1]
    assert await asyncio.to_thread(seen, playlist) == FRAMES


async def test_what_cannot_be_made_is_refused(tmp_path: Path, notices: Notices) -> None:
    with pytest.raises(Rejected):
        maker(tmp_path, notices)(RtmpOutput(url="http://host/app/name"))
