from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from services.render.encoding.stills import encode_still
from shared.model.media import MediaKind, StillFacts, sniff
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

KINDS = [MediaKind.JPEG, MediaKind.PNG, MediaKind.WEBP]


def ramp(width: int = 41, height: int = 23) -> Picture:
    picture = Picture.blank(Geometry(PixelFormat.RGB24, width, height), Colour(full_range=True))
    rows, columns = np.mgrid[:height, :width]
    picture.planes[0][...] = np.stack([columns * 6, rows * 10, (columns + rows) * 3], axis=-1)
    return picture


def facts_of(picture: Picture, **more: bytes) -> StillFacts:
    return StillFacts(geometry=picture.geometry, kind=MediaKind.PNG, **more)


def opened(encoded: bytes) -> Image.Image:
    return Image.open(io.BytesIO(encoded))


@pytest.mark.parametrize("kind", KINDS)
def test_a_still_is_of_the_kind_asked_for_and_shows_the_picture(kind: MediaKind) -> None:
    encoded = encode_still(ramp(), facts_of(ramp()), kind)
    assert sniff(encoded) is kind
    shown = np.asarray(opened(encoded).convert("RGB"), np.int16)
    assert np.abs(shown - ramp().planes[0]).mean() < 3


def test_a_png_is_lossless() -> None:
    assert np.array_equal(np.asarray(opened(encode_still(ramp(), facts_of(ramp()), MediaKind.PNG))), ramp().planes[0])


def test_a_jpeg_keeps_its_colour_at_full_size() -> None:
    encoded = encode_still(ramp(), facts_of(ramp()), MediaKind.JPEG)
    assert {layer[1:3] for layer in opened(encoded).layer} == {(1, 1)}


@pytest.mark.parametrize("kind", KINDS)
def test_exif_and_colour_profile_are_kept(kind: MediaKind) -> None:
    exif = Image.Exif()
    exif[0x010F] = "A maker"
    profile = b"a profile of some colours" * 9
    still = opened(encode_still(ramp(), facts_of(ramp(), exif=exif.tobytes(), icc_profile=profile), kind))
    assert still.getexif()[0x010F] == "A maker"
    assert still.info["icc_profile"] == profile


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_added_where_there_was_no_exif(kind: MediaKind) -> None:
    still = opened(encode_still(ramp(), facts_of(ramp()), kind))
    assert not still.getexif()
    assert "icc_profile" not in still.info


def test_another_layout_or_kind_is_refused() -> None:
    video = Picture.blank(Geometry(PixelFormat.I420, 4, 4), Colour())
    with pytest.raises(ValueError, match="rgb24"):
        encode_still(video, facts_of(video), MediaKind.PNG)
    with pytest.raises(ValueError, match="no kind of still"):
        encode_still(ramp(), facts_of(ramp()), MediaKind.MP4)


@pytest.mark.parametrize("kind", [MediaKind.PNG, MediaKind.WEBP])
def test_alpha_is_kept(kind: MediaKind) -> None:
    alpha = np.full((23, 41), 255, np.uint8)
    alpha[:, :9], alpha[:, 9:13] = 0, 120
    still = opened(encode_still(replace(ramp(), alpha=alpha), facts_of(ramp()), kind))
    assert still.mode == "RGBA"
    assert np.array_equal(np.asarray(still)[..., 3], alpha)
    shown = np.asarray(still)[..., :3][alpha > 0].astype(int)
    assert np.abs(shown - ramp().planes[0][alpha > 0]).mean() < 4


def test_alpha_in_a_jpeg_is_refused() -> None:
    with pytest.raises(ValueError, match="alpha"):
        encode_still(replace(ramp(), alpha=np.zeros((23, 41), np.uint8)), facts_of(ramp()), MediaKind.JPEG)
