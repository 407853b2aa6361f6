"""Frames of a live session, to packets that are told one by one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from services.render.live_sink import LiveSink, Passing
from shared.model.faces import Face
from shared.model.frames import CapturedFrame, DetectedFrame, FrameReference, LiveMark
from shared.model.hops import Hop
from shared.model.live import FramesSkipped, LiveCodec, LiveFrame, LiveInput, LiveOutput, LiveSettings, Place, Reason
from shared.model.looks import Look
from shared.model.media import VideoFacts
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

VIDEO = VideoFacts(
    geometry=Geometry(PixelFormat.I420, 64, 48), colour=Colour(), time_base=(1, 1000), frame_rate=(25, 1)
)  # fmt: skip
FACE = Face.of(np.random.default_rng(1).uniform(0, 40, (468, 3)).astype(np.float32), 0.75).known_as(3)
ASKED = LiveInput(codec=LiveCodec.H264, width=64, height=48)
NEVER = time.time_ns() + 10**15


class Studio:
    """A sink and what it told."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.sinks: list[LiveSink] = []

    def sink(self, output: LiveOutput | None = None, **wanted: Any) -> LiveSink:
        settings = LiveSettings(input=wanted.pop("input", ASKED), look=Look(), output=output or LiveOutput(), **wanted)
        self.sinks.append(LiveSink(settings, VIDEO, self.told.append, 1))
        return self.sinks[-1]


@pytest.fixture
def studio() -> Iterator[Studio]:
    made = Studio()
    yield made
    for sink in made.sinks:
        sink.abort()


def frame(number: int, *, key: bool = False, look: int = 0, deadline_ns: int = NEVER) -> CapturedFrame:
    mark = LiveMark(10 + number, 5, deadline_ns, look, key)
    return CapturedFrame(FrameReference(1, 0, 1), number, number * 40, 40, mark)


def write(sink: LiveSink, *frames: CapturedFrame) -> None:
    for one in frames:
        samples = np.full(VIDEO.geometry.size_bytes, 60 + 20 * (one.sequence % 8), np.uint8)
        sink.write(Picture.over(VIDEO.geometry, Colour(), samples), one, [FACE])


def test_each_frame_is_told_with_its_number_and_decodes_to_what_was_drawn(studio: Studio) -> None:
    sink = studio.sink()
    write(sink, *[frame(number) for number in range(6)])
    sink.close()
    assert [(one.number, one.pts, one.arrived_ns, one.key) for one in studio.told] == [
        (10 + number, number * 40, 5, number == 0) for number in range(6)
    ]
    decoder: Any = av.CodecContext.create("h264", "r")
    shown = [image for one in studio.told for image in decoder.decode(av.Packet(one.body))] + decoder.decode(None)
    means = [image.to_ndarray()[:48].mean() for image in shown]
    assert means == pytest.approx([60 + 20 * number for number in range(6)], abs=3)


def test_who_asks_is_told_what_encoding_takes(studio: Studio) -> None:
    told: list[str] = []
    sink = studio.sink(LiveOutput(codec=LiveCodec.MJPEG))
    sink.encoded = lambda codec, _, made_by: told.append(f"{codec} {made_by}")
    write(sink, frame(0), frame(1))
    sink.close()
    assert told == ["mjpeg cpu", "mjpeg cpu"]


def test_only_the_first_brings_the_header(studio: Studio) -> None:
    sink = studio.sink()
    write(sink, frame(0), frame(1))
    sink.close()
    assert [bool(one.header) for one in studio.told] == [True, False]


def test_a_key_frame_that_is_wanted_is_one_and_a_look_goes_with_its_frame(studio: Studio) -> None:
    sink = studio.sink()
    write(sink, frame(0), frame(1), frame(2, key=True, look=4), frame(3))
    sink.close()
    assert [(one.key, one.look) for one in studio.told] == [(True, 0), (False, 0), (True, 4), (False, 0)]


def test_an_encoder_that_holds_frames_back_gives_all_of_them_in_the_end(studio: Studio) -> None:
    sink = studio.sink(LiveOutput(low_delay=False))
    write(sink, *[frame(number) for number in range(9)])
    sink.close()
    assert sorted(one.number for one in studio.told) == list(range(10, 19))


def test_faces_and_times_are_told_to_who_wants_them(studio: Studio) -> None:
    plain, told = studio.sink(), studio.sink(want_faces=True, want_timings=True)
    for sink in (plain, told):
        sink.expect([DetectedFrame(frame(0), ())], Passing((Hop("ingest", 1, 2), Hop("detect", 3, 4)), 0.5, 0.0))
        write(sink, frame(0))
        sink.close()
    first, second = studio.told
    assert (first.faces, first.hops) == ((), ())
    assert (second.faces, [hop.name for hop in second.hops]) == ((FACE,), ["ingest", "detect", "render"])
    assert second.hops[-1].waited_ms == 0.5


def test_where_no_picture_is_wanted_none_is_coded(studio: Studio) -> None:
    sink = studio.sink(want_picture=False, want_faces=True)
    write(sink, frame(0))
    sink.close()
    assert [(type(one), one.body, one.faces) for one in studio.told] == [(LiveFrame, b"", (FACE,))]


def test_raw_frames_can_be_had(studio: Studio) -> None:
    sink = studio.sink(LiveOutput(codec=LiveCodec.I420))
    write(sink, frame(0))
    sink.close()
    assert studio.told[0].body == bytes([60]) * VIDEO.geometry.size_bytes


def test_of_a_source_that_is_fetched_nobody_waits_for_the_packets(studio: Studio) -> None:
    sink = studio.sink(input=None)
    write(sink, frame(0))
    sink.close()
    assert [(one.number, one.body) for one in studio.told] == [(10, b"")]


def test_while_the_next_frame_is_there_encoding_goes_on_beside_and_in_order(studio: Studio) -> None:
    sink, frames = studio.sink(), [frame(number) for number in range(8)]
    sink.expect([DetectedFrame(one, ()) for one in frames], Passing((), 0.0, 0.0))
    write(sink, *frames)
    sink.close()
    assert [one.number for one in studio.told] == list(range(10, 18))


def test_what_is_too_old_is_passed_over_and_told_by_its_place(studio: Studio) -> None:
    sink = studio.sink()
    late = [DetectedFrame(frame(0, deadline_ns=1), ()), DetectedFrame(frame(1), (), is_late=True)]
    assert [sink.pass_over(one) for one in (*late, DetectedFrame(frame(2), ()))] == [True, True, False]
    assert studio.told == [
        FramesSkipped(numbers=(10,), place=Place.RENDER, reason=Reason.LATE),
        FramesSkipped(numbers=(11,), place=Place.DETECT, reason=Reason.LATE),
    ]


def test_a_frame_that_would_be_too_old_when_it_is_coded_is_not_begun(studio: Studio) -> None:
    sink = studio.sink(max_delay_ms=60_000)
    sink._took_ns = 10e9
    soon, later = (frame(number, deadline_ns=time.time_ns() + number * 10**9) for number in (5, 100))
    assert [sink.pass_over(DetectedFrame(one, ())) for one in (soon, later)] == [True, False]


def test_what_a_frame_takes_is_learnt_from_those_before(studio: Studio) -> None:
    sink = studio.sink()
    for number in range(20):
        assert not sink.pass_over(DetectedFrame(frame(number), ()))
        write(sink, frame(number))
    assert 0 < sink._took_ns < 5e9


def test_a_frame_of_no_live_session_is_refused(studio: Studio) -> None:
    with pytest.raises(ValueError, match="no live session"):
        write(studio.sink(), CapturedFrame(FrameReference(1, 0, 1), 0, 0))


def test_a_key_frame_that_was_asked_for_comes_with_the_next_where_its_frame_was_too_old(studio: Studio) -> None:
    sink = studio.sink()
    write(sink, frame(0))
    assert sink.pass_over(DetectedFrame(frame(1, key=True, deadline_ns=1), ()))
    write(sink, frame(2), frame(3))
    sink.close()
    assert [one.key for one in studio.told if isinstance(one, LiveFrame)] == [True, True, False]
