"""Coded frames, one by one, to pictures."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

from services.ingest.limits import IngestLimits
from services.ingest.videos.live import LiveDecoder
from shared.model.errors import Rejected
from shared.model.live import LiveCodec
from shared.model.pictures import Picture
from tests.unit.services.ingest.coded import asked, coded

EVERY = [*LiveCodec]


def decoder(codec: LiveCodec, **wanted: object) -> LiveDecoder:
    return LiveDecoder(asked(codec), IngestLimits(**wanted))


def luma(made: LiveDecoder, image: object) -> np.ndarray:
    assert made.facts is not None
    target = Picture.blank(made.facts.geometry, made.facts.colour)
    image.write_into(target)  # type: ignore[attr-defined]
    return target.planes[0].copy()


@pytest.mark.parametrize("codec", EVERY)
def test_every_packet_gives_its_frame_at_once(codec: LiveCodec) -> None:
    made, seen = decoder(codec), []
    for number, one in enumerate(coded(codec, 6)):
        seen += [(image.number, image.pts) for image in made.decode(number, one.pts, one.body)]
        assert len(seen) == number + 1
    assert seen == [(number, number * 40) for number in range(6)]
    assert list(made.flush()) == []


@pytest.mark.parametrize("codec", EVERY)
def test_a_frame_looks_like_what_was_coded(codec: LiveCodec) -> None:
    made = decoder(codec)
    [image] = [image for one in coded(codec, 1) for image in made.decode(0, one.pts, one.body)]
    shown = luma(made, image).astype(int)
    assert made.facts is not None
    assert (made.facts.geometry.width, made.facts.geometry.height, made.facts.time_base) == (64, 48, (1, 1000))
    assert shown[4:8, 4:12].mean() > 180
    assert shown[30:, 4:28].mean() == pytest.approx(shown[30:, 4:28].min(), abs=20)
    assert shown[30:, 4:28].mean() > shown[30:, 40:60].mean() + 20


def test_frames_that_were_coded_out_of_order_come_in_order_under_their_numbers() -> None:
    order = {"x264-params": "bframes=3:b-adapt=0:scenecut=0"}
    packets = coded(LiveCodec.H264, 12, preset="medium", tune="psnr", **order)
    assert [one.pts for one in packets] != sorted(one.pts for one in packets)
    made, seen = decoder(LiveCodec.H264), []
    for number, one in enumerate(packets):
        seen += [*made.decode(number, one.pts, one.body)]
    seen += [*made.flush()]
    assert [image.pts for image in seen] == [index * 40 for index in range(12)]
    assert [packets[image.number].pts for image in seen] == [index * 40 for index in range(12)]


def test_before_a_key_frame_nothing_is_shown() -> None:
    packets = coded(LiveCodec.H264, 12, g="6")
    made, seen = decoder(LiveCodec.H264), []
    for number, one in enumerate(packets):
        if number:
            with suppress(Rejected):
                seen += [image.number for image in made.decode(number, one.pts, one.body)]
    assert seen[0] >= 6
    assert seen[-1] == 11


@pytest.mark.parametrize("codec", EVERY)
def test_garbage_gives_no_frame_and_the_next_key_frame_is_decoded(codec: LiveCodec) -> None:
    made, shown = decoder(codec), []
    for number in range(10):
        with suppress(Rejected):  # dav1d says nothing of what it does not know
            shown += made.decode(number, number, np.random.default_rng(number).bytes(5000))
    assert not shown
    [one] = coded(codec, 1)
    shown = [*made.decode(11, 11, one.body), *made.flush()]
    assert [image.number for image in shown] == [11]


def test_a_stream_that_changes_its_size_is_made_to_fit_the_first_frame() -> None:
    made = decoder(LiveCodec.H264)
    small, large = coded(LiveCodec.H264, 2), coded(LiveCodec.H264, 2, (128, 96))
    packets = enumerate([*small, *large])
    images = [image for number, one in packets for image in made.decode(number, number * 40, one.body)]
    shapes = {luma(made, image).shape for image in images}
    assert (len(images), shapes) == (4, {(48, 64)})
    assert luma(made, images[-1])[4:8, 4:12].mean() > 180


def test_what_is_larger_than_allowed_is_refused_by_its_claim_and_by_its_frames() -> None:
    with pytest.raises(Rejected, match="max_pixels"):
        decoder(LiveCodec.H264, max_pixels=1000)
    made = decoder(LiveCodec.H264, max_pixels=5000)
    [one] = coded(LiveCodec.H264, 1, (128, 96))
    with pytest.raises(Rejected):
        list(made.decode(0, 0, one.body))


def test_a_raw_frame_of_another_size_is_refused_with_both() -> None:
    with pytest.raises(Rejected, match="4608 bytes, not 7"):
        list(decoder(LiveCodec.NV12).decode(0, 0, b"too few"))
