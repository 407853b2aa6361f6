"""Small RGB pictures out of large ones on a card, against those that are made on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from services.detect.cuda.pictures import CardView
from services.detect.cuda.sampling import sample_on_card
from services.detect.regions import Region
from services.detect.sampling import sample_rgb
from services.detect.upside_down import half_turned
from services.detect.watching import mirrored
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Colour, Geometry, Matrix, Picture, PixelFormat

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.cuda.device import Device

MOST_OFF, MEAN_OFF = 3, 0.02
"""Levels: where a sum is rounded the other way, a level of chroma is up to two of red or blue."""
CROPS = {
    "a face": (Region((230, 160), 150, 0.4), (192, 192), False),
    "over an edge": (Region((10, 300), 220, -2.0), (192, 192), False),
    "black beyond": (Region((390, 20), 300, 0.1), (96, 96), True),
    "far outside": (Region((5000, -9000), 80, 0.1), (64, 64), False),
    "the whole": (Region((201, 160), 420, 0.0), (192, 128), True),
}


def scenery(kind: PixelFormat, width: int = 402, height: int = 321, colour: Colour = Colour()) -> Picture:  # noqa: B008
    """Soft shapes in all colours, odd in height."""
    noise = np.random.default_rng(3)
    picture = Picture.blank(Geometry(kind, width, height), colour)
    for plane in picture.planes:
        coarse = noise.integers(0, 256, (9, 11, *plane.shape[2:]), np.uint8)
        plane[:] = cv2.resize(coarse, (plane.shape[1], plane.shape[0]), interpolation=cv2.INTER_CUBIC)
    return picture


def shown(device: Device, picture: Picture) -> CardView:
    return CardView(CardPicture.uploaded(device, picture), device)


def on_host(picture: Picture, affine: NDArray[np.float64], size: tuple[int, int], black: bool) -> NDArray[np.uint8]:
    """What the host makes of it, of NV12 by planes as its own decoders give them: of two in one OpenCV reads places to
    a 32nd of a sample only."""
    if picture.geometry.format is PixelFormat.NV12:
        luma, chroma = picture.planes
        kind = Geometry(PixelFormat.I420, picture.geometry.width, picture.geometry.height)
        picture = Picture(kind, picture.colour, (luma, *(np.ascontiguousarray(chroma[..., at]) for at in (0, 1))))
    return sample_rgb(picture, affine, size, black_outside=black)


def off(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> tuple[int, float]:
    levels = np.abs(one.astype(int) - other)
    return int(levels.max()), float(levels.mean())


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("kind", PixelFormat)
def test_a_crop_is_that_of_the_host(device: Device, kind: PixelFormat, crop: str) -> None:
    region, size, black = CROPS[crop]
    picture, affine = scenery(kind), region.affine(size[0])
    pixels = sample_on_card([(shown(device, picture), affine)], size, black_outside=black)
    assert pixels.shape == (1, size[1], size[0], 3)
    most, mean = off(pixels.downloaded()[0], on_host(picture, affine, size, black))
    assert most <= MOST_OFF
    assert mean <= MEAN_OFF


@pytest.mark.parametrize("colour", [Colour(matrix, full) for matrix in Matrix for full in (False, True)], ids=str)
def test_colours_are_those_of_the_host(device: Device, colour: Colour) -> None:
    picture, affine = scenery(PixelFormat.NV12, colour=colour), Region((200, 150), 260, 0.2).affine(128)
    [pixels] = sample_on_card([(shown(device, picture), affine)], (128, 128), black_outside=True).downloaded()
    assert off(pixels, on_host(picture, affine, (128, 128), black=True))[0] <= MOST_OFF


def test_crops_of_many_pictures_of_all_sizes_and_kinds_are_made_at_once(device: Device) -> None:
    pictures = [scenery(kind, 300 + 41 * n, 200 + 33 * n) for n, kind in enumerate([*PixelFormat, PixelFormat.NV12])]
    affines = [Region((100, 90), 80 + 10 * n, 0.3 * n).affine(64) for n in range(len(pictures))]
    shots = [(shown(device, picture), affine) for picture, affine in zip(pictures, affines, strict=True)]
    together = sample_on_card(shots, (64, 64), black_outside=False).downloaded()
    for pixels, shot in zip(together, shots, strict=True):
        [alone] = sample_on_card([shot], (64, 64), black_outside=False).downloaded()
        assert np.array_equal(pixels, alone)


@pytest.mark.parametrize("kind", PixelFormat)
@pytest.mark.parametrize("turned", [False, True])
def test_a_mirror_and_half_a_turn_are_seen_as_in_pictures_made_for_it(
    device: Device, kind: PixelFormat, turned: bool
) -> None:
    picture = scenery(kind, 402, 320)
    wide, margin_px = mirrored(picture)
    view = shown(device, picture).mirrored(margin_px)
    if turned:
        wide, view = half_turned(wide), view.half_turned()
    assert view.geometry == wide.geometry
    scale = wide.geometry.width / 192
    affine = np.array([[scale, 0, -20], [0, scale, -30]])
    [pixels] = sample_on_card([(view, affine)], (192, 160), black_outside=True).downloaded()
    most, mean = off(pixels, on_host(wide, affine, (192, 160), black=True))
    assert most <= MOST_OFF
    assert mean <= MEAN_OFF


def test_pixels_are_filled_up_behind_the_own(device: Device) -> None:
    shots = [(shown(device, scenery(PixelFormat.NV12)), Region((200, 150), 260, 0.2).affine(32))] * 3
    pixels = sample_on_card(shots, (32, 32), black_outside=True)
    filled = pixels.filled(8)
    assert len(filled) == 8
    assert np.array_equal(filled[:3].downloaded(), pixels.downloaded())
    assert pixels.filled(3) is pixels
