from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.render.reading import Reading
from services.render.settings import RenderSettings
from services.render.sink_making import kept_sink
from services.render.sinks import FacesSink, StillSink, VideoSink
from shared.memory.lane_reader import LaneReader
from shared.memory.reader import HostReader
from shared.model.jobs import Want
from shared.model.looks import Look
from shared.model.media import MediaKind, StillFacts, VideoFacts
from shared.model.pictures import Colour, Geometry, PixelFormat
from shared.model.sessions import BeginSession

if TYPE_CHECKING:
    from pathlib import Path

VIDEO = VideoFacts(
    geometry=Geometry(PixelFormat.I420, 64, 48), colour=Colour(), time_base=(1, 25), frame_rate=(25, 1)
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
