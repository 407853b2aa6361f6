"""A fetched source feeds a live session: when packets are due, what is told of sound, how they are numbered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.ingest.live import feed as source_feed
from services.ingest.live.feed import AHEAD_SECONDS, LATE_SECONDS, Pacer, SourceFeed
from services.ingest.messages.source import TICKS, Kind, SoundFormat, SourceNotice, SourcePacket, VideoFormat
from services.ingest.sources.rules import SourceRules
from shared.model.errors import Rejected
from shared.model.live import LiveCodec, LiveInput, LivePacket, SoundOpened, SoundPacket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Session:
    """A live session that remembers what it is fed."""

    session = "s"

    def __init__(self) -> None:
        self.fed: list[Any] = []

    def put(self, packet: LivePacket) -> None:
        self.fed.append(packet)

    async def switch(self, asked: LiveInput | None) -> None:
        self.fed.append(asked)

    async def sound(self, said: SoundOpened | SoundPacket) -> None:
        self.fed.append(said)

    async def notice(self, kind: str, detail: str) -> None:
        self.fed.append((kind, detail))


def source_of(*items: Any) -> Any:
    """A source with the methods of the real one."""

    class Source:
        def __init__(self, *_: object) -> None:
            return None

        async def __aenter__(self) -> Source:
            return self

        async def __aexit__(self, *_: object) -> None:
            return None

        async def packets(self) -> AsyncIterator[Any]:
            for item in items:
                yield item

    return Source


async def fed(monkeypatch: pytest.MonkeyPatch, *items: Any, url: str = "rtmp://host/app/name") -> list[Any]:
    monkeypatch.setattr(source_feed, "PulledSource", source_of(*items))
    session = Session()
    await SourceFeed(url, SourceRules(), None, session).run()  # type: ignore[arg-type]  # no decoder is needed
    return session.fed


def packet(number: int, kind: Kind = Kind.VIDEO, key: bool = False) -> SourcePacket:
    return SourcePacket(kind, pts=number * 3000, dts=number * 3000, duration=3000, key=key, body=b"x")


VIDEO = VideoFormat(codec="h264", header=b"avcC", width=640, height=480, rate=25.0)


async def test_packets_of_video_are_numbered_and_the_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, first, second, end = await fed(monkeypatch, VIDEO, packet(0, key=True), packet(1))
    assert begun == LiveInput(codec=LiveCodec.H264, width=640, height=480, rate=25.0, clock_hz=TICKS, header=b"avcC")
    assert [(one.number, one.pts, one.key) for one in (first, second)] == [(0, 0, True), (1, 3000, False)]
    assert end is None


async def test_numbers_go_on_where_the_source_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    small = VideoFormat(codec="hevc", header=b"")
    told = await fed(monkeypatch, VIDEO, packet(0), small, packet(1))
    assert [one.number for one in told if isinstance(one, LivePacket)] == [0, 1]
    assert [one.codec for one in told if isinstance(one, LiveInput)] == [LiveCodec.H264, LiveCodec.HEVC]


async def test_sound_and_notices_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = SoundFormat(codec="aac", header=b"\x11\x90", rate=48_000, channels=2)
    notice = SourceNotice("source-stalled", "Nothing for 5 seconds.")
    opened, piece, said, _ = await fed(monkeypatch, sound, packet(3, Kind.SOUND), notice)
    assert opened == SoundOpened(session="s", codec="aac", header=b"\x11\x90", rate=48_000, channels=2)
    assert piece == SoundPacket(session="s", pts=9000, duration=3000, body=b"x")
    assert said == ("source-stalled", "Nothing for 5 seconds.")


async def test_video_that_is_not_read_live_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Rejected, match="flv1"):
        await fed(monkeypatch, VideoFormat(codec="flv1", header=b""))


async def test_files_and_playlists_are_shown_at_their_own_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    told = await fed(monkeypatch, VIDEO, packet(0), packet(3), url="https://host/list.m3u8")
    first, second = (one for one in told if isinstance(one, LivePacket))
    assert second.arrived_ns - first.arrived_ns >= 99_000_000


def test_what_comes_early_is_due_at_its_time_and_what_comes_late_moves_the_rest() -> None:
    pacer = Pacer()
    assert [pacer.due(shown, now) for shown, now in ((5.0, 100.0), (5.5, 100.0), (6.0, 100.9))] == [100.0, 100.5, 101.0]
    late = 102.0 + LATE_SECONDS + 0.5
    assert (pacer.due(7.0, late), pacer.due(8.0, late)) == (late, late + 1.0)


@pytest.mark.parametrize("sound_first", [False, True])
def test_pictures_keep_their_pace_however_sound_is_stored_between_them(sound_first: bool) -> None:
    pacer, now = Pacer(), 100.0
    for fragment in range(0, 20, 2):  # each of two seconds, as segments of HLS are
        pictures = [(fragment + number / 25, pacer.due) for number in range(50)]
        sound = [(fragment + number / 50, pacer.sound_due) for number in range(100)]
        for shown, due in [*sound, *pictures] if sound_first else [*pictures, *sound]:
            now = max(now, due(shown, now))
            if due == pacer.due:
                assert now == pytest.approx(100.0 + shown)


def test_sound_that_goes_on_after_the_pictures_is_not_handed_on_all_at_once() -> None:
    pacer = Pacer()
    assert pacer.sound_due(3.0, 100.0) == 100.0
    pacer.due(0.0, 100.0)
    assert pacer.sound_due(60.0, 100.0) == 160.0 - AHEAD_SECONDS
