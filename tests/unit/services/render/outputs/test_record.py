from __future__ import annotations

import shutil
from fractions import Fraction
from itertools import count
from typing import TYPE_CHECKING

import av
import pytest

from services.render.outputs.outlet import RunningOutlet
from services.render.outputs.record import Recorder
from services.render.outputs.shelf import part_name
from shared.model.errors import Rejected
from shared.model.live import LiveCodec, LiveOutput
from tests.unit.services.render.live import BETWEEN, encoded, facts, moving, psnr, sound_opened, sounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from services.render.encoding.packets import EncodedPacket
    from tests.unit.services.render.outputs.conftest import Notices


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    (tmp_path / "kept").mkdir()
    return tmp_path / "kept"


@pytest.fixture
def keep(kept: Path) -> Callable[[Path], None]:
    numbers = count(1)
    return lambda path: shutil.copy(path, kept / part_name(next(numbers)))


def written(recorder: Recorder, packets: Sequence[EncodedPacket]) -> None:
    for packet in packets:
        recorder.write(packet)


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as file:
        return [frame.pts * frame.time_base for frame in file.decode(video=0)]


@pytest.mark.parametrize("low_delay", [True, False])
@pytest.mark.parametrize("codec", BETWEEN)
def test_a_recording_has_every_frame_at_its_time_from_0_on(
    codec: LiveCodec, low_delay: bool, tmp_path: Path, kept: Path, keep: Callable[[Path], None], notices: Notices
) -> None:
    recorder = Recorder(tmp_path / "work", 60, keep, notices)
    output = LiveOutput(codec=codec, low_delay=low_delay, key_interval_seconds=0.4, quality=0.9)
    encoder, packets = encoded(facts(), output, range(10**9, 10**9 + 30 * 3600, 3600))
    recorder.begin(encoder.track)
    written(recorder, packets)
    recorder.close()
    with av.open(str(kept / "record.mp4")) as file:
        frames = list(file.decode(video=0))
        assert file.streams.video[0].frames == 30
        assert file.streams.video[0].duration * file.streams.video[0].time_base == Fraction(30, 25)
    assert [frame.pts * frame.time_base for frame in frames] == [Fraction(number, 25) for number in range(30)]
    assert min(psnr(frame, moving(facts(), number)) for number, frame in enumerate(frames)) > 34
    assert not (tmp_path / "work").exists()
    assert notices == []


@pytest.mark.parametrize("low_delay", [True, False])
def test_sound_is_where_it_was_beside_the_pictures(
    low_delay: bool, tmp_path: Path, kept: Path, keep: Callable[[Path], None], notices: Notices
) -> None:
    recorder, heard = Recorder(tmp_path / "work", 60, keep, notices), sounds(1.2, start=10**9)
    encoder, packets = encoded(facts(), LiveOutput(low_delay=low_delay), range(10**9, 10**9 + 30 * 3600, 3600))
    recorder.open_sound(sound_opened())
    recorder.begin(encoder.track)
    for packet in packets:
        recorder.write(packet)
        while heard and heard[0].pts <= packet.pts:
            recorder.write_sound(heard.pop(0))
    recorder.close()
    with av.open(str(kept / "record.mp4")) as file:
        assert [p.pts for p in file.demux(audio=0) if p.size][:3] == [0, 1024, 2048]
    assert times(kept / "record.mp4")[0] == 0


def test_while_it_is_written_it_can_be_read_up_to_the_last_key_frame(
    tmp_path: Path, kept: Path, keep: Callable[[Path], None], notices: Notices
) -> None:
    recorder = Recorder(tmp_path / "work", 60, keep, notices)
    encoder, packets = encoded(facts(), LiveOutput(key_interval_seconds=0.4), range(0, 35 * 3600, 3600))
    recorder.begin(encoder.track)
    written(recorder, packets)
    (path,) = (tmp_path / "work").iterdir()
    shutil.copy(path, kept / "as_after_a_crash.mp4")
    recorder.close()
    assert len(times(kept / "as_after_a_crash.mp4")) == 30


def test_a_recording_ends_when_it_is_long_enough(
    tmp_path: Path, kept: Path, keep: Callable[[Path], None], notices: Notices
) -> None:
    recorder = Recorder(tmp_path / "work", 0.5, keep, notices)
    encoder, packets = encoded(facts(64, 48), LiveOutput(key_interval_seconds=0.2), range(0, 60 * 3600, 3600))
    recorder.begin(encoder.track)
    written(recorder, packets)
    recorder.close()
    assert len(times(kept / "record.mp4")) == 12
    assert [path.name for path in kept.iterdir()] == ["record.mp4"]
    assert notices.kinds == ["recording-full"]


def test_another_encoder_begins_another_file_and_the_same_one_does_not(
    tmp_path: Path, kept: Path, keep: Callable[[Path], None], notices: Notices
) -> None:
    recorder = Recorder(tmp_path / "work", 60, keep, notices)
    for size, first in ((64, 0), (96, 72_000), (96, 144_000)):
        encoder, packets = encoded(facts(size, 48), LiveOutput(), range(first, first + 72_000, 3600))
        recorder.begin(encoder.track)
        written(recorder, packets)
    recorder.close()
    assert {path.name: len(times(path)) for path in kept.iterdir()} == {"record.mp4": 20, "record-2.mp4": 40}


def test_nothing_is_kept_of_nothing(tmp_path: Path, notices: Notices) -> None:
    recorder = Recorder(tmp_path / "work", 60, lambda _: pytest.fail("there is nothing"), notices)
    encoder, packets = encoded(facts(64, 48), LiveOutput(), range(0, 36000, 3600))
    recorder.begin(encoder.track)
    written(recorder, packets[1:])
    recorder.close()


def test_a_file_that_nobody_has_taken_stays(tmp_path: Path, notices: Notices) -> None:
    def full(path: Path) -> None:
        raise OSError(f"no room for {path}")

    recorder = Recorder(tmp_path / "work", 60, full, notices)
    encoder, packets = encoded(facts(64, 48), LiveOutput(), range(0, 36000, 3600))
    recorder.begin(encoder.track)
    written(recorder, packets)
    with pytest.raises(OSError, match="no room"):
        recorder.close()
    recorder.close()
    (path,) = (tmp_path / "work").iterdir()
    assert len(times(path)) == 10


def test_what_there_is_of_a_recording_that_fails_is_kept(
    tmp_path: Path, kept: Path, keep: Callable[[Path], None], notices: Notices
) -> None:
    running = RunningOutlet(Recorder(tmp_path / "work", 60, keep, notices), "The recording", notices)
    encoder, packets = encoded(facts(64, 48), LiveOutput(key_interval_seconds=0.2), range(0, 20 * 3600, 3600))
    backwards = packets[-1]._replace(pts=0, dts=0)
    for item in (encoder.track, *packets, backwards, *packets):
        running.offer(item)
    running.close()
    assert notices.kinds == ["output-failed"]
    assert len(times(kept / "record.mp4")) == 20


@pytest.mark.parametrize("codec", [LiveCodec.MJPEG, LiveCodec.I420])
def test_what_is_not_recorded_is_refused(codec: LiveCodec, tmp_path: Path, notices: Notices) -> None:
    encoder, _ = encoded(facts(64, 48), LiveOutput(codec=codec), [0])
    with pytest.raises(Rejected, match="carry"):
        Recorder(tmp_path / "work", 60, lambda _: None, notices).begin(encoder.track)
