from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import av
import pytest

from services.render.outputs import shelf as shelf_module
from services.render.outputs.hls import HlsOutlet
from services.render.outputs.outlet import RunningOutlet
from services.render.outputs.playlist import Playlist
from services.render.outputs.shelf import HlsShelf, hls_key
from shared.model.live import HlsOutput, LiveOutput
from shared.transport.store import ObjectStore
from tests.unit.services.render.live import encoded, facts, sound_opened, sounds

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.services.render.outputs.conftest import Notices


async def test_a_player_that_knows_only_the_playlist_sees_and_hears_everything(
    tmp_path: Path, notices: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf_module, "SEGMENTS_WAITING", 50)  # two seconds of a stream come at once here
    output, store = HlsOutput(segment_seconds=0.5, window=10), ObjectStore.open((tmp_path / "objects").as_uri())
    shelf = HlsShelf(store, "s", Playlist(0.5, 10), notices, asyncio.get_running_loop())
    encoder, packets = encoded(facts(), LiveOutput(key_interval_seconds=0.5), range(0, 50 * 3600, 3600))
    running = RunningOutlet(HlsOutlet(output, shelf, "run", lambda: 1.7e9), "The HLS stream", notices)
    for item in (sound_opened(), encoder.track, *sounds(2.0), *packets):
        running.offer(item)
    await asyncio.to_thread(running.close, over=True)
    playlist = tmp_path / "objects" / hls_key("s", "index.m3u8")
    with av.open(str(playlist), options={"allowed_extensions": "ALL", "allowed_segment_extensions": "ALL"}) as file:
        frames = list(file.decode(video=0))
    assert [round(25 * float(frame.pts * frame.time_base)) for frame in frames] == list(range(50))
    with av.open(str(playlist), options={"allowed_extensions": "ALL", "allowed_segment_extensions": "ALL"}) as file:
        assert sum(frame.samples for frame in file.decode(audio=0)) > 1.9 * 48000
    assert notices == []


async def test_an_outlet_that_waits_for_a_store_can_be_given_up(tmp_path: Path, notices: Notices) -> None:
    class Stuck(ObjectStore):
        async def put(self, key: str, body: object) -> None:
            await asyncio.Event().wait()

    store = Stuck(ObjectStore.open((tmp_path / "objects").as_uri())._store)
    shelf = HlsShelf(store, "s", Playlist(0.5, 10), notices, asyncio.get_running_loop())
    encoder, packets = encoded(facts(64, 48), LiveOutput(), range(0, 36000, 3600))
    running = RunningOutlet(HlsOutlet(HlsOutput(), shelf, "run", lambda: 0.0), "The HLS stream", notices)
    for item in (encoder.track, *packets):
        running.offer(item)
    await asyncio.to_thread(running.close, 0.1)
    assert running.failed
