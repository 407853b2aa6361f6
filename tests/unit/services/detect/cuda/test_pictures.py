"""Pictures in a card's memory as they are to be looked at; what is seen of them: test_sampling."""

from __future__ import annotations

from services.detect.cuda.pictures import CardPixels, CardView
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Colour, Geometry, Matrix, PixelFormat
from tests.cuda.emulated import EmulatedCard

SIZE = Geometry(PixelFormat.NV12, 20, 10)


def test_a_mirror_makes_it_larger_and_half_a_turn_does_not() -> None:
    device = EmulatedCard()
    view = CardView(CardPicture.blank(device, SIZE, Colour(Matrix.BT709)), device)
    assert (view.geometry, view.colour) == (SIZE, Colour(Matrix.BT709))
    wide = view.mirrored(4)
    assert (wide.geometry.width, wide.geometry.height) == (28, 18)
    assert wide.half_turned().geometry == wide.geometry
    assert wide.half_turned().half_turned() == wide


def test_parts_of_pixels_are_where_they_were() -> None:
    device = EmulatedCard()
    pixels = CardPixels(device, device.empty((5, 2, 2, 3), "u1"))
    pixels.array[3] = 7
    assert (pixels[3:4].downloaded() == 7).all()
    assert (len(pixels), pixels[3:].shape) == (5, (2, 2, 2, 3))
