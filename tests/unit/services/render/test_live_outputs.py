"""The fan of a session over a real store, and connections that are checked."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from services.render.encoding.live import LiveEncoder
from services.render.live_outputs import OutputRoom
from services.render.outputs.rtmp import RtmpPlace
from shared.model.addresses import read_networks
from shared.model.errors import Rejected, Unavailable
from shared.model.live import HlsOutput, LiveCodec, LiveNoticed, LiveOutput, RecordOutput
from shared.transport.dialing import Dialer
from shared.transport.store import ObjectStore
from tests.unit.services.render.live import encoded, facts

if TYPE_CHECKING:
    from pathlib import Path

NEAR = Dialer(read_networks("127.0.0.0/8", "push_networks"))


def room(folder: Path, dialer: Dialer = NEAR) -> OutputRoom:
    return OutputRoom(ObjectStore.open((folder / "objects").as_uri()), dialer, folder / "work")


async def test_a_sessions_outputs_lie_in_the_store_under_its_name(tmp_path: Path) -> None:
    made, told = room(tmp_path), []
    outlets = made.outlets("s", told.append)
    await asyncio.wrap_future(outlets.change((HlsOutput(segment_seconds=0.5), RecordOutput())))
    encoder, packets = encoded(facts(), LiveOutput(), [number * 3600 for number in range(40)], keys=range(0, 40, 10))
    outlets.begin(encoder.track)
    for packet in packets:
        outlets.write(packet)
    await asyncio.wrap_future(outlets.close(over=True))
    made.tell_of_rests("s")
    stored = {path.name.split("-")[0] for path in (tmp_path / "objects" / "streams" / "s").rglob("*") if path.is_file()}
    assert stored == {"index.m3u8", "init", "segment", "record.mp4", "recording"}
    assert (told, list((tmp_path / "work").iterdir())) == ([], [])


async def test_what_an_output_tells_is_told_of_the_session(tmp_path: Path) -> None:
    told: list[LiveNoticed] = []
    outlets = room(tmp_path).outlets("s", told.append)
    encoder = LiveEncoder(facts(), LiveOutput(codec=LiveCodec.MJPEG), 1)
    await asyncio.wrap_future(outlets.change((RecordOutput(),)))
    outlets.begin(encoder.track)
    await asyncio.wrap_future(outlets.close(over=True))
    assert [one.kind for one in told] == ["output-refused"]


async def test_a_push_connects_to_checked_addresses_only(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = RtmpPlace("127.0.0.1", server.getsockname()[1], False, "live", "name")
        with await asyncio.to_thread(room(tmp_path)._connected, place, 5.0) as connected:
            assert connected.gettimeout() == 5.0
        with pytest.raises(Rejected, match="VISAVIS_PUSH_NETWORKS"):
            await asyncio.to_thread(room(tmp_path, Dialer(setting="push_networks"))._connected, place, 5.0)
    with pytest.raises(Unavailable):
        await asyncio.to_thread(room(tmp_path)._connected, place, 5.0)


async def test_what_is_stored_of_one_stream_holds_up_no_other(tmp_path: Path) -> None:
    made = room(tmp_path)
    one = made._turn("a")
    assert made._turn("a") is one
    assert made._turn("b") is not one
