from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.render.nvenc.coder import NvencFailed
from services.render.nvenc.encoders import CardEncoders
from services.render.reading import Devices, NoDevice, Reading
from services.render.settings import RenderSettings
from services.render.sink_making import encoder_of, kept_sink, refused_for
from services.render.sinks import FacesSink, StillSink, VideoSink
from shared.memory.lane_reader import LaneReader
from shared.memory.reader import HostReader
from shared.model.errors import Rejected
from shared.model.frames import CapturedFrame, FrameReference
from shared.model.jobs import Problem, Want
from shared.model.live import LiveCodec, LiveSettings
from shared.model.looks import Look
from shared.model.media import MediaKind, StillFacts, VideoFacts
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from shared.model.sessions import BeginSession, SessionRefused
from tests.cuda.emulated import EmulatedCard
from tests.cuda.nvenc_stand_in import stand_in

if TYPE_CHECKING:
    from pathlib import Path

VIDEO = VideoFacts(
    geometry=Geometry(PixelFormat.I420, 176, 160), colour=Colour(), time_base=(1, 25), frame_rate=(25, 1)
)  # fmt: skip
STILL = StillFacts(geometry=Geometry(PixelFormat.RGB24, 64, 48), kind=MediaKind.PNG)


@pytest.mark.parametrize(
    ("facts", "want", "reply", "sink", "kind"),
    [
        (VIDEO, Want.PICTURE, None, VideoSink, None),
        (VIDEO, Want.FACES, None, FacesSink, None),
        (STILL, Want.PICTURE, None, StillSink, MediaKind.PNG),
        (STILL, Want.PICTURE, MediaKind.JPEG, StillSink, MediaKind.JPEG),
        (STILL, Want.FACES, MediaKind.JPEG, StillSink, None),
    ],
)
def test_a_session_has_the_sink_of_what_is_wanted(
    tmp_path: Path, facts: Any, want: Want, reply: MediaKind | None, sink: type[Any], kind: MediaKind | None
) -> None:
    settings = RenderSettings(var=tmp_path)
    settings.render_work.mkdir(parents=True)
    reading = Reading(LaneReader(HostReader(tmp_path / "pool", "w")), None, pytest.fail)
    begun = BeginSession(session="s", epoch=1, want=want, look=Look(), facts=facts, reply_kind=reply)
    made = kept_sink(begun, settings, reading)
    assert type(made) is sink
    assert getattr(made, "kind", None) == kind
    made.abort()


@pytest.mark.parametrize(
    ("wanted", "made_by"),
    [
        ({"facts": STILL}, None),
        ({"want": Want.FACES}, None),
        ({"job": "j"}, "nvenc"),
        ({"live": LiveSettings(input=None, look=Look(), want_picture=False)}, None),
        ({"live": LiveSettings(input=None, look=Look())}, "nvenc"),
    ],
)
async def test_an_encoder_is_made_of_what_is_a_video_and_wanted(
    tmp_path: Path, wanted: dict[str, Any], made_by: str | None
) -> None:
    encoders = CardEncoders(frozenset({LiveCodec.H264}), EmulatedCard, stand_in, jobs=True)
    devices = Devices(EmulatedCard(), EmulatedCard())
    reading = Reading(LaneReader(HostReader(tmp_path / "pool", "w")), devices, pytest.fail, encoders)
    fields = {"session": "s", "epoch": 1, "want": Want.PICTURE, "look": Look(), "facts": VIDEO, **wanted}
    settings = RenderSettings(var=tmp_path)
    settings.render_work.mkdir(parents=True)
    encoder = await encoder_of(BeginSession(**fields), settings, reading)
    assert getattr(encoder, "made_by", None) == made_by
    if "job" in wanted:
        sink = kept_sink(BeginSession(**fields), settings, reading, encoder)
        assert isinstance(sink, VideoSink)
        told: list[str] = []
        sink.encoded = lambda codec, _, by: told.append(f"{codec} {by}")
        frame = CapturedFrame(FrameReference(1, 0, 1), 0, 0, 1, None)
        sink.write(Picture.blank(VIDEO.geometry, VIDEO.colour), frame, ())
        assert sink.close().stat().st_size > 0
        assert told == ["h264 nvenc"]


def test_who_asked_is_told_why_or_to_ask_again() -> None:
    refused = refused_for(Rejected("unsupported-output", "No."))
    assert refused == SessionRefused(retry_after_seconds=0, problem=Problem("unsupported-output", "No."))
    detail = "The lane's card has no encoder for a job's video now: too many."
    assert refused_for(NvencFailed("too many")) == SessionRefused(retry_after_seconds=1.0, detail=detail)
    assert refused_for(NoDevice("It is full.")) == SessionRefused(retry_after_seconds=1.0, detail="It is full.")
