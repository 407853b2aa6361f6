from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.render.outputs.flv import FlvMuxer, FlvTag
from services.render.outputs.muxing import Tracks
from shared.model.live import LiveCodec, LiveOutput
from tests.unit.services.render.live import BETWEEN, encoded, facts, sound_opened, sounds

if TYPE_CHECKING:
    from collections.abc import Iterable

SOUND, PICTURE, WORDS = 8, 9, 18


def of(kind: int, tags: Iterable[FlvTag]) -> list[FlvTag]:
    return [tag for tag in tags if tag.kind == kind]


@pytest.mark.parametrize("codec", BETWEEN)
def test_each_picture_is_a_tag_at_once_after_words_and_header(codec: LiveCodec) -> None:
    encoder, packets = encoded(facts(), LiveOutput(codec=codec), range(9000, 9000 + 36000, 3600))
    muxer = FlvMuxer(Tracks(encoder.track, packets[0]), 9000)
    first = muxer.write(packets[0])
    assert [tag.kind for tag in first] == [WORDS] + [PICTURE] * (len(first) - 1)
    assert b"onMetaData" in first[0].body
    for number, packet in enumerate(packets[1:], 1):
        (tag,) = muxer.write(packet)
        assert (tag.kind, tag.timestamp_ms) == (PICTURE, 40 * number)


def test_times_longer_than_24_bits_are_whole() -> None:
    encoder, packets = encoded(facts(), LiveOutput(), [0, 90_000 * 20_000])
    muxer = FlvMuxer(Tracks(encoder.track, packets[0]), 0)
    muxer.write(packets[0])
    assert muxer.write(packets[1])[-1].timestamp_ms == 20_000_000


def test_sound_is_tags_too() -> None:
    encoder, packets = encoded(facts(), LiveOutput(), range(0, 36000, 3600))
    muxer, tags = FlvMuxer(Tracks(encoder.track, packets[0], sound_opened()), 0), []
    for packet, sound in zip(packets, sounds(0.4), strict=False):
        tags += muxer.write(packet) + muxer.write_sound(sound)
    tags += muxer.close()
    assert len(of(SOUND, tags)) == 1 + 10  # the first one is the decoder's configuration
    times = [tag.timestamp_ms for tag in of(SOUND, tags)[1:]]
    assert times == [round(1024 * number / 48) for number in range(10)]
