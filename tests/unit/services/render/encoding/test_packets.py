from __future__ import annotations

from services.render.encoding.live import LiveEncoder
from services.render.encoding.packets import PictureTrack
from shared.model.live import LiveCodec, LiveOutput
from tests.unit.services.render.live import facts


def test_two_encoders_that_are_asked_for_the_same_have_the_same_track() -> None:
    one, other = (LiveEncoder(facts(), LiveOutput(), 1).track for _ in range(2))
    assert isinstance(one, PictureTrack)
    assert one == other


def test_another_size_or_codec_is_another_track() -> None:
    tracks = {
        LiveEncoder(facts(), LiveOutput(), 1).track,
        LiveEncoder(facts(64, 48), LiveOutput(), 1).track,
        LiveEncoder(facts(), LiveOutput(codec=LiveCodec.VP9), 1).track,
    }
    assert len(tracks) == 3
