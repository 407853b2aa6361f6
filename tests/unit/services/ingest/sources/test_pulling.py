"""Real children, and a server on loopback that misbehaves. RTMP is in tests/system."""

from __future__ import annotations

import asyncio
import threading
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from services.ingest.decoders.making import Decoders
from services.ingest.limits import IngestLimits
from services.ingest.messages.source import Kind, SourceNotice, SourcePacket, VideoFormat
from services.ingest.sources import pulling
from services.ingest.sources.pulling import PulledSource
from services.ingest.sources.rules import SourceRules
from shared.model.addresses import read_networks
from shared.model.errors import Rejected, Unavailable
from tests.rtsp import filming
from tests.unit.services.ingest.conftest import write_video
from tests.web import Web

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.ingest.sources.reading import SourceItem

LOOPBACK = read_networks("127.0.0.0/8", "source_networks")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "_FIRST_WAIT_SECONDS", 0.01)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """25 frames in MPEG-TS."""
    path = tmp_path_factory.mktemp("pulled") / "a.ts"
    return write_video(path, frames=25, options={"g": "5", "bf": "0"}).read_bytes()


def rules(**limits: int) -> SourceRules:
    return SourceRules(networks=LOOPBACK, limits=IngestLimits(**limits))


async def everything(source: PulledSource) -> list[SourceItem]:
    async with source:
        return [item async for item in source.packets()]


def frames(found: Sequence[SourceItem]) -> list[SourcePacket]:
    return [item for item in found if isinstance(item, SourcePacket) and item.kind is Kind.VIDEO]


def notices(found: Sequence[SourceItem]) -> list[str]:
    return [item.kind for item in found if isinstance(item, SourceNotice)]


async def test_a_file_is_read_to_its_end(decoders: Decoders, web: Web, clip: bytes) -> None:
    web.files["/a.ts"] = clip
    found = await everything(PulledSource(web.url("/a.ts"), rules(), decoders))
    assert [packet.dts for packet in frames(found)] == [number * 3600 for number in range(25)]
    assert isinstance(found[0], VideoFormat)


async def test_a_source_that_is_not_there_yet_is_waited_for(decoders: Decoders, web: Web, clip: bytes) -> None:
    live = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n#EXT-X-ENDLIST\n"
    playlists = iter([live % b"gone.ts", live % b"gone.ts"])
    web.files |= {"/x": lambda: next(playlists, live % b"a.ts")}
    web.files["/a.ts"] = clip
    found = await everything(PulledSource(web.url("/x"), rules(), decoders))
    assert notices(found) == ["source-lost", "source-recovered"]
    assert len(frames(found)) == 25


async def test_a_source_that_breaks_off_goes_on_along_the_same_timeline(
    decoders: Decoders, web: Web, clip: bytes
) -> None:
    lists = iter([b"a.ts\n#EXTINF:1,\ngone.ts", b"a.ts\n#EXTINF:1,\nb.ts"])
    head = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n"
    web.files |= {"/x": lambda: head + next(lists) + b"\n#EXT-X-ENDLIST\n", "/a.ts": clip, "/b.ts": clip}
    found = await everything(PulledSource(web.url("/x"), rules(), decoders))
    assert notices(found) == ["source-lost", "source-recovered"]
    shown = frames(found)
    first = [packet for packet in shown if packet.leg == 0]
    second = [packet for packet in shown if packet.leg == 1]
    assert len(second) == 25
    assert second[0].key
    assert all(after.dts > before.dts for before, after in pairwise(shown))
    assert second[0].dts - first[-1].dts == 3600
    assert len([item for item in found if isinstance(item, VideoFormat)]) == 2
    assert web.asked.count("/a.ts") == 1


async def test_a_playlist_that_has_nothing_more_after_a_break_is_over(
    decoders: Decoders, web: Web, clip: bytes
) -> None:
    lists = iter([b"a.ts\n#EXTINF:1,\ngone.ts", b"a.ts"])
    head = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n"
    web.files |= {"/x": lambda: head + next(lists) + b"\n#EXT-X-ENDLIST\n", "/a.ts": clip}
    found = await everything(PulledSource(web.url("/x"), rules(), decoders))
    assert len(frames(found)) == 25
    assert notices(found) == ["source-lost"]


async def test_what_broke_off_before_its_first_frame_is_read_from_its_beginning(
    decoders: Decoders, web: Web, clip: bytes
) -> None:
    lists = iter([b"half.ts\n#EXTINF:1,\ngone.ts", b"a.ts"])
    head = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n"
    web.files |= {"/x": lambda: head + next(lists) + b"\n#EXT-X-ENDLIST\n", "/half.ts": clip[:188], "/a.ts": clip}
    found = await everything(PulledSource(web.url("/x"), rules(), decoders))
    assert len(frames(found)) == 25


async def test_a_source_that_stays_away_is_given_up_and_its_path_is_not_told(decoders: Decoders, web: Web) -> None:
    with pytest.raises(Unavailable, match="source_retries") as gone:
        await everything(PulledSource(web.url("/secret?token=1"), rules(source_retries=2), decoders))
    assert "secret" not in str(gone.value)
    assert len(web.asked) == 3


async def test_a_silent_source_is_told_and_then_connected_to_anew(decoders: Decoders, web: Web, clip: bytes) -> None:
    again = threading.Event()
    asked: list[int] = []

    def slow() -> bytes:
        asked.append(1)
        if len(asked) == 1:
            again.wait(20)
        return clip

    web.files["/a.ts"] = slow
    limits = rules(source_stall_seconds=1, source_silence_seconds=2)
    try:
        found = await everything(PulledSource(web.url("/a.ts"), limits, decoders))
    finally:
        again.set()
    assert notices(found) == ["source-stalled", "source-lost", "source-recovered"]
    assert len(frames(found)) == 25


async def test_whoever_takes_slowly_is_not_told_of_a_stall(decoders: Decoders, web: Web, clip: bytes) -> None:
    web.files["/a.ts"] = clip
    found = []
    async with PulledSource(web.url("/a.ts"), rules(source_stall_seconds=1), decoders) as source:
        async for item in source.packets():
            found.append(item)
            if len(found) == 5:
                await asyncio.sleep(1.2)
    assert notices(found) == []


async def test_a_source_lasts_no_longer_than_it_may(decoders: Decoders, web: Web, clip: bytes) -> None:
    web.files |= {"/x": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n", "/a.ts": clip}
    with pytest.raises(Rejected, match="source_seconds"):
        await everything(PulledSource(web.url("/x"), rules(source_seconds=1), decoders))


async def test_a_source_sends_no_more_bytes_than_it_may(decoders: Decoders, web: Web, clip: bytes) -> None:
    web.files["/a.ts"] = clip
    with pytest.raises(Rejected, match="source_bytes"):
        await everything(PulledSource(web.url("/a.ts"), rules(source_bytes=1000), decoders))


@pytest.mark.parametrize("scheme", ["http", "rtmp", "rtsp", "rtmps"])
async def test_no_scheme_leads_to_a_forbidden_address(decoders: Decoders, scheme: str) -> None:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["8.8.8.8", "169.254.169.254"]

    source = PulledSource(f"{scheme}://two.example/app/secret", SourceRules(), decoders, resolve=resolve)
    with pytest.raises(Rejected, match="VISAVIS_SOURCE_NETWORKS") as refused:
        await everything(source)
    assert "secret" not in str(refused.value)


async def test_where_a_reader_could_reach_a_network_nothing_is_read(decoders: Decoders, web: Web, clip: bytes) -> None:
    decoders.network = "reachable: the kernel refuses a network namespace"
    web.files["/a.ts"] = clip
    with pytest.raises(Rejected, match="source_unconfined"):
        await everything(PulledSource(web.url("/a.ts"), rules(), decoders))
    assert web.asked == []
    allowed = SourceRules(networks=LOOPBACK, unconfined=True)
    assert len(frames(await everything(PulledSource(web.url("/a.ts"), allowed, decoders)))) == 25


async def test_cancelling_leaves_no_process_task_or_file(decoders: Decoders, web: Web, clip: bytes) -> None:
    web.files |= {"/x": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.ts\n", "/a.ts": clip}
    began = asyncio.Event()

    async def pull() -> None:
        async with PulledSource(web.url("/x"), rules(), decoders) as source:
            async for _ in source.packets():
                began.set()

    await asyncio.sleep(0.3)  # the spare is made
    me = psutil.Process()
    tasks, files, threads = asyncio.all_tasks(), me.num_fds(), set(threading.enumerate())
    pulling_it = asyncio.create_task(pull())
    await began.wait()
    pulling_it.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pulling_it
    left: list[Any] = [task for task in asyncio.all_tasks() - tasks if "_restock" not in repr(task)]
    assert left == []
    await decoders.close()
    assert me.num_fds() <= files
    assert not [thread for thread in threading.enumerate() if thread not in threads and "asyncio" in thread.name]
    # Other tests may have whole services running: the readers' process is told by its name, and theirs die with it.
    assert not [child for child in me.children() if "services.ingest.confined.fork_server" in child.cmdline()]


async def test_a_camera_is_read_over_rtsp_in_one_connection(decoders: Decoders) -> None:
    found: list[SourceItem] = []
    async with filming() as camera, PulledSource(f"rtsp://127.0.0.1:{camera.port}/1", rules(), decoders) as source:
        async for item in source.packets():
            found.append(item)
            if "source-lost" in notices(found):
                break
    shown = frames(found)
    assert [packet.dts for packet in shown] == [number * 3600 for number in range(50)]
    assert shown[0].key
    assert [line.split(" ")[0] for line in camera.asked][:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
