"""Which videos a card decodes."""

from __future__ import annotations

import msgspec
import pytest

from services.ingest.cuda.fitness import why_not
from services.ingest.cuda.messages import CodecRange
from services.ingest.messages.coded import CodedStream
from shared.model.pictures import Geometry, PixelFormat
from tests.unit.services.ingest.conftest import VIDEO

RANGES = (CodecRange("h264", (48, 4096), (16, 2304)), CodecRange("av1", (128, 8192), (128, 8192)))
FIT = CodedStream(codec="h264", pixels="yuv420p", begins=0)


def test_a_plain_video_is_taken() -> None:
    assert why_not(FIT, VIDEO, RANGES) == ""
    assert why_not(msgspec.structs.replace(FIT, pixels="yuvj420p"), VIDEO, RANGES) == ""


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"codec": "vp8"}, "does not decode vp8"),
        ({"pixels": "yuv420p10le"}, "samples are yuv420p10le"),
        ({"pixels": "gray"}, "samples are gray"),
        ({"upright": False}, "turned or mirrored"),
        ({"interlaced": True}, "interlaced"),
        ({"fits": False}, "another size"),
        ({"begins": None}, "first frame has no time"),
        ({"codec": "av1"}, "does not decode av1 of 64x48"),
    ],
)
def test_others_are_left_to_a_cpu_with_the_reason(change: dict[str, object], why: str) -> None:
    assert why in why_not(msgspec.structs.replace(FIT, **change), VIDEO, RANGES)


def test_frames_beyond_the_cards_range_are_left_to_a_cpu() -> None:
    large = msgspec.structs.replace(VIDEO, geometry=Geometry(PixelFormat.I420, 4098, 2304))
    assert "4098x2304" in why_not(FIT, large, RANGES)
