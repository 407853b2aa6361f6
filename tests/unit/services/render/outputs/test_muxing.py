from __future__ import annotations

import io
from fractions import Fraction

import av
import pytest

from services.render.outputs.muxing import CARRIED, Muxer, Tracks, refuse_uncarried
from shared.model.errors import Rejected
from shared.model.live import LiveCodec, LiveOutput
from tests.unit.services.render.live import BETWEEN, encoded, facts, sound_opened, sounds


@pytest.mark.parametrize("codec", BETWEEN)
def test_packets_come_out_of_the_container_as_they_went_in(codec: LiveCodec) -> None:
    encoder, packets = encoded(facts(), LiveOutput(codec=codec, low_delay=False), range(0, 72_000, 3600))
    target = io.BytesIO()
    muxer = Muxer(target, "matroska", Tracks(encoder.track, packets[0]))
    for packet in packets:
        muxer.write(packet)
    muxer.close()
    with av.open(io.BytesIO(target.getvalue())) as file:
        read = [packet for packet in file.demux(video=0) if packet.size]
    assert [packet.is_keyframe for packet in read] == [packet.key for packet in packets]
    assert len(read) == len(packets)


def test_times_can_begin_anywhere() -> None:
    encoder, packets = encoded(facts(), LiveOutput(), range(9000, 81_000, 3600))
    target = io.BytesIO()
    muxer = Muxer(target, "mp4", Tracks(encoder.track, packets[0], sound_opened()), start=9000)
    for packet in packets:
        muxer.write(packet)
    for sound in sounds(0.5, start=9000):
        muxer.write_sound(sound)
    muxer.close()
    with av.open(io.BytesIO(target.getvalue())) as file:
        starts = {stream.type: stream.start_time * stream.time_base for stream in file.streams}
        assert starts == {"video": 0, "audio": 0}
        assert file.streams.video[0].time_base == Fraction(1, 90_000)
        sound = file.streams.audio[0].codec_context
        assert (sound.sample_rate, sound.layout.name, bytes(sound.extradata)) == (48000, "stereo", b"\x11\x90")


def test_a_container_without_sound_takes_none() -> None:
    encoder, packets = encoded(facts(), LiveOutput(), [0])
    target = io.BytesIO()
    muxer = Muxer(target, "mp4", Tracks(encoder.track, packets[0], sound_opened("opus")))
    muxer.write(packets[0])
    muxer.write_sound(sounds(0.1)[0])
    muxer.close()
    with av.open(io.BytesIO(target.getvalue())) as file:
        assert [stream.type for stream in file.streams] == ["video"]


@pytest.mark.parametrize("codec", LiveCodec)
def test_only_what_containers_hold_is_taken(codec: LiveCodec) -> None:
    if codec in CARRIED:
        refuse_uncarried(codec)
    else:
        with pytest.raises(Rejected, match=f"not {codec}: ask for one of these"):
            refuse_uncarried(codec)
