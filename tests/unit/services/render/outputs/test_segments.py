from __future__ import annotations

import io
import itertools
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import pytest

from services.render.outputs.segments import Cutter, Segment, SegmentMaker
from shared.model.errors import Rejected
from shared.model.live import LiveCodec, LiveOutput
from shared.model.pictures import Colour, Matrix
from tests.unit.services.render.live import BETWEEN, encoded, facts, moving, psnr, sound_opened, sounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.render.encoding.packets import EncodedPacket, PictureTrack

BEGAN = 1_700_000_000.0


def maker(seconds: float = 0.4) -> SegmentMaker:
    return SegmentMaker(seconds, "run", lambda: BEGAN)


def segments(track: PictureTrack, packets: Sequence[EncodedPacket], seconds: float = 0.4) -> list[Segment]:
    one = maker(seconds)
    one.begin(track)
    return [segment for packet in packets for segment in one.write(packet)] + one.close()


def opened(made: Sequence[Segment]) -> av.container.InputContainer:
    assert len({segment.init for segment in made}) == 1
    return av.open(io.BytesIO(made[0].init.body + b"".join(segment.body for segment in made)))


@pytest.mark.parametrize("start", [0, 1_000_000_007, 90_000 * 86_400 * 300])
@pytest.mark.parametrize("low_delay", [True, False])
@pytest.mark.parametrize("codec", BETWEEN)
def test_head_and_segments_together_are_the_stream_with_every_pts(
    codec: LiveCodec, low_delay: bool, start: int
) -> None:
    pts = [start + 3600 * number for number in range(45)]
    output = LiveOutput(codec=codec, low_delay=low_delay, quality=0.9, key_interval_seconds=0.4)
    encoder, packets = encoded(facts(), output, pts)
    made = segments(encoder.track, packets)
    assert [segment.duration_seconds for segment in made] == pytest.approx([0.4, 0.4, 0.4, 0.4, 0.2])
    shift = min(0, packets[0].dts)
    with opened(made) as file:
        frames = list(file.decode(video=0))
        assert [frame.pts * frame.time_base for frame in frames] == [Fraction(at - shift, 90000) for at in pts]
        assert min(psnr(frame, moving(facts(), number)) for number, frame in enumerate(frames)) > 34


@pytest.mark.parametrize("codec", BETWEEN)
def test_each_segment_begins_with_a_key_frame_and_is_enough_with_its_head(codec: LiveCodec) -> None:
    encoder, packets = encoded(facts(), LiveOutput(codec=codec, key_interval_seconds=0.4), range(0, 36 * 3600, 3600))
    for number, segment in enumerate(segments(encoder.track, packets)):
        with opened([segment]) as file:
            read = [packet for packet in file.demux(video=0) if packet.size]
            assert read[0].is_keyframe
            assert read[0].pts * read[0].time_base == Fraction(4 * number, 10)
        with opened([segment]) as file:
            assert len(list(file.decode(video=0))) == len(read)


@pytest.mark.parametrize(("codec", "tag"), [*zip(BETWEEN, ("avc1", "hvc1", "av01", "vp09"), strict=True)])
def test_the_head_says_what_players_ask_for(codec: LiveCodec, tag: str) -> None:
    of = facts(
        64, 46, colour=Colour(Matrix.BT709, full_range=True), colour_primaries=1, colour_transfer=1, colour_matrix=1,
        sample_aspect=(16, 11),
    )  # fmt: skip
    encoder, packets = encoded(of, LiveOutput(codec=codec), range(0, 36000, 3600))
    with opened(segments(encoder.track, packets)) as file:
        (stream,), context = file.streams.video, file.streams.video[0].codec_context
        assert (context.codec_tag, stream.sample_aspect_ratio) == (tag, Fraction(16, 11))
        assert (context.width, context.height) == (64, 46)
        assert (context.color_primaries, context.color_trc, context.colorspace, context.color_range) == (1, 1, 1, 2)


@pytest.mark.parametrize("time_base", [(1, 1000), (1001, 30000), (1, 1_000_000_000), (1, 15360)])
def test_any_clock_is_kept_exactly(time_base: tuple[int, int]) -> None:
    of = facts(64, 48, time_base=time_base)
    step = int(Fraction(1, 25) / Fraction(*time_base)) or 1
    pts = [77 + step * number for number in range(30)]
    encoder, packets = encoded(of, LiveOutput(key_interval_seconds=0.5), pts, step)
    with opened(segments(encoder.track, packets)) as file:
        assert [f.pts * f.time_base for f in file.decode(video=0)] == [at * Fraction(*time_base) for at in pts]


def test_sound_goes_beside_its_pictures_without_a_gap() -> None:
    encoder, packets = encoded(facts(), LiveOutput(key_interval_seconds=0.4), range(9000, 50 * 3600 + 9000, 3600))
    one, made = maker(), []
    made += one.begin(encoder.track) + one.open_sound(sound_opened())
    for packet in sounds(2.3):
        one.write_sound(packet)
    for packet in packets:
        made += one.write(packet)
    made += one.close()
    with opened(made) as file:
        heard = [packet for packet in file.demux(audio=0) if packet.size]
        assert heard[0].pts * heard[0].time_base <= Fraction(1, 10)
        assert {b.pts - a.pts for a, b in itertools.pairwise(heard)} == {1024}
        assert 2.1 > float(heard[-1].pts * heard[-1].time_base) > 2.05
    with opened(made) as file:
        assert sum(frame.samples for frame in file.decode(audio=0)) == 1024 * len(heard)
    with opened(made) as file:
        assert [f.pts * f.time_base for f in file.decode(video=0)] == [Fraction(p.pts, 90000) for p in packets]


def test_sound_of_another_codec_is_left_out() -> None:
    encoder, packets = encoded(facts(), LiveOutput(), range(0, 36000, 3600))
    one = maker()
    one.begin(encoder.track)
    one.open_sound(sound_opened("opus"))
    one.write_sound(sounds(0.1)[0])
    made = [segment for packet in packets for segment in one.write(packet)] + one.close()
    with opened(made) as file:
        assert not file.streams.audio


def test_another_encoder_is_another_head_and_said_to_be() -> None:
    one, made = maker(), []
    for size, first in ((64, 0), (96, 72_000), (96, 144_000)):
        encoder, packets = encoded(facts(size, 48), LiveOutput(), range(first, first + 72_000, 3600))
        made += one.begin(encoder.track)
        for packet in packets:
            made += one.write(packet)
    made += one.close()
    assert [segment.discontinuity for segment in made] == [False, True, False]
    assert made[0].init.name != made[1].init.name == made[2].init.name
    assert [segment.began - BEGAN for segment in made] == [0, 0, pytest.approx(0.8)]


def test_where_pictures_pause_a_new_timeline_begins_at_a_key_frame() -> None:
    encoder, packets = encoded(facts(64, 48), LiveOutput(key_interval_seconds=0.4), range(0, 60 * 3600, 3600))
    made = segments(encoder.track, [*packets[:15], *packets[45:]])
    assert [segment.discontinuity for segment in made] == [False, False, True]
    assert [segment.duration_seconds for segment in made] == pytest.approx([0.4, 0.2, 0.4])
    with opened(made[2:]) as file:
        assert [round(25 * float(f.pts * f.time_base)) for f in file.decode(video=0)] == list(range(50, 60))


def test_pictures_before_the_first_key_frame_are_left_out() -> None:
    encoder, packets = encoded(facts(64, 48), LiveOutput(key_interval_seconds=0.4), range(0, 20 * 3600, 3600))
    assert [segment.duration_seconds for segment in segments(encoder.track, packets[3:])] == pytest.approx([0.4])


def test_names_never_come_twice() -> None:
    encoder, packets = encoded(facts(64, 48), LiveOutput(key_interval_seconds=0.4), range(0, 40 * 3600, 3600))
    names = [segment.name for segment in segments(encoder.track, packets)]
    assert names == [f"segment-run-{number}.m4s" for number in range(4)]


@pytest.mark.parametrize("codec", [codec for codec in LiveCodec if codec.is_intra])
def test_what_hls_does_not_carry_is_refused_with_what_it_does(codec: LiveCodec) -> None:
    encoder, _ = encoded(facts(64, 48), LiveOutput(codec=codec), [0])
    with pytest.raises(Rejected, match="av1, h264, hevc, vp9, not"):
        maker().begin(encoder.track)


def test_a_segment_is_due_by_time_to_half_a_frame() -> None:
    cutter = Cutter(1.0)
    encoder, _ = encoded(facts(64, 48), LiveOutput(), [0])
    cutter.begin(encoder.track)
    assert cutter.due(5)
    cutter.cut(5)
    assert not cutter.due(5 + 24 * 3600)
    assert cutter.due(5 + 25 * 3600 - 1000)
