"""A fetched source feeds a live session: when packets are due, what is told of sound, how they are numbered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.ingest.live import feed as source_feed
from services.ingest.live.feed import AHEAD_SECONDS, EARLY_BYTES, EARLY_PIECES, LATE_SECONDS, Pacer, SourceFeed
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


class Clock:
    """Stands for `time` and for `asyncio.sleep`: whoever sleeps is woken at once, and it is later."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def time_ns(self) -> int:
        return round(self.now * 1_000_000_000)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class TimedSession(Session):
    """Remembers how long after its time each packet came, too, in seconds since it began."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.pictures: list[float] = []
        self.sounds: list[float] = []
        self.ended = 0.0

    def put(self, packet: LivePacket) -> None:
        super().put(packet)
        self.pictures.append(self._clock.now - 100.0 - packet.pts / TICKS)

    async def sound(self, said: SoundOpened | SoundPacket) -> None:
        await super().sound(said)
        if isinstance(said, SoundPacket):
            self.sounds.append(self._clock.now - 100.0 - said.pts / TICKS)

    async def switch(self, asked: LiveInput | None) -> None:
        await super().switch(asked)
        self.ended = self._clock.now - 100.0


async def fed_in_time(monkeypatch: pytest.MonkeyPatch, items: list[Any]) -> TimedSession:
    clock = Clock()
    monkeypatch.setattr(source_feed, "time", clock)
    monkeypatch.setattr(source_feed, "asyncio", clock)
    monkeypatch.setattr(source_feed, "PulledSource", source_of(*items))
    session = TimedSession(clock)
    await SourceFeed("https://host/list.m3u8", SourceRules(), None, session).run()  # type: ignore[arg-type]
    return session


def at(seconds: float, kind: Kind, body: bytes = b"x") -> SourcePacket:
    ticks = round(seconds * TICKS)
    return SourcePacket(kind, pts=ticks, dts=ticks, duration=1800, key=False, body=body)


SOUND = SoundFormat(codec="aac", header=b"\x11\x90", rate=48_000, channels=2)


@pytest.mark.parametrize("sound_first", [False, True])
@pytest.mark.parametrize("length", [2, 6, 10])
async def test_pictures_keep_their_pace_however_sound_is_stored_between_them(
    monkeypatch: pytest.MonkeyPatch, length: int, sound_first: bool
) -> None:
    items: list[Any] = [VIDEO, SOUND]
    for fragment in range(0, 60, length):
        pictures = [at(fragment + number / 25, Kind.VIDEO) for number in range(length * 25)]
        sound = [at(fragment + number / 50, Kind.SOUND) for number in range(length * 50)]
        items += [*sound, *pictures] if sound_first else [*pictures, *sound]
    session = await fed_in_time(monkeypatch, items)
    assert session.ended == pytest.approx(59.96)
    assert session.pictures == pytest.approx([0.0] * 1500, abs=1e-6)
    sound_pts = [one.pts for one in session.fed if isinstance(one, SoundPacket)]
    assert sound_pts == [number * 1800 for number in range(3000)]
    if sound_first:  # what comes before the first picture goes on at once: nobody knows yet when that is shown
        assert min(session.sounds[length * 50 :]) >= -AHEAD_SECONDS - 1e-6
        assert max(session.sounds) <= 0.0


async def test_of_sound_that_has_come_early_only_so_much_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    body = bytes(EARLY_BYTES // 100)
    sound = [at(number / 10, Kind.SOUND, body) for number in range(200)]  # twice the bytes that are kept
    session = await fed_in_time(monkeypatch, [VIDEO, SOUND, at(0.0, Kind.VIDEO), *sound, at(0.04, Kind.VIDEO)])
    waited = sound[-1 - 100].dts / TICKS - AHEAD_SECONDS
    assert session.pictures == pytest.approx([0.0, waited - 0.04], abs=0.11)
    assert len(session.sounds) == 200


async def test_and_so_many_pieces_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = [at(number / 50, Kind.SOUND) for number in range(EARLY_PIECES + 500)]
    session = await fed_in_time(monkeypatch, [VIDEO, SOUND, at(0.0, Kind.VIDEO), *sound, at(0.04, Kind.VIDEO)])
    assert session.pictures == pytest.approx([0.0, 500 / 50 - AHEAD_SECONDS - 0.04], abs=0.03)


async def test_another_sound_is_told_between_what_goes_before_and_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    other = SoundFormat(codec="aac", header=b"\x12\x10", rate=44_100, channels=2)
    sounds = [at(5.0, Kind.SOUND), other, at(6.0, Kind.SOUND)]
    session = await fed_in_time(monkeypatch, [VIDEO, SOUND, at(0.0, Kind.VIDEO), *sounds])
    told = [one for one in session.fed if isinstance(one, SoundOpened | SoundPacket)]
    assert [one.rate if isinstance(one, SoundOpened) else one.pts // TICKS for one in told] == [48_000, 5, 44_100, 6]
    assert session.ended == pytest.approx(6.0 - AHEAD_SECONDS)


def test_sound_that_goes_on_after_the_pictures_is_not_handed_on_all_at_once() -> None:
    pacer = Pacer()
    assert pacer.sound_due(3.0, 100.0) == 100.0
    pacer.due(0.0, 100.0)
    assert pacer.sound_due(60.0, 100.0) == 160.0 - AHEAD_SECONDS
