"""Pictures in a card's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from shared.cuda.pictures import CardPicture
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.cuda.devices import BOTH, opened

if TYPE_CHECKING:
    from shared.cuda.device import Device
    from tests.cuda.devices import Kind


@pytest.fixture(params=BOTH)
def device(request: pytest.FixtureRequest) -> Device:
    kind: Kind = request.param
    return opened(kind)


@pytest.mark.parametrize("kind", list(PixelFormat))
def test_it_goes_to_the_card_and_back(device: Device, kind: PixelFormat) -> None:
    geometry = Geometry(kind, 17, 9)
    samples = np.random.default_rng(2).integers(0, 256, geometry.size_bytes, np.uint8)
    picture = Picture.over(geometry, Colour(), samples)
    there = CardPicture.uploaded(device, picture)
    copy = CardPicture.blank(device, geometry, picture.colour)
    there.copy_to(device, copy)
    back = copy.downloaded(device)
    assert back.geometry == geometry
    for plane, expected in zip(back.planes, picture.planes, strict=True):
        assert (plane == expected).all()


def test_its_planes_lie_in_the_memory_that_it_is_given(device: Device) -> None:
    geometry = Geometry(PixelFormat.NV12, 6, 4)
    memory = device.upload(np.arange(100, dtype=np.uint8))
    luma, chroma = CardPicture.over(geometry, Colour(), memory).planes
    assert luma.shape == (4, 6)
    assert chroma.shape == (2, 3, 2)
    assert device.download(chroma)[0, 0].tolist() == [24, 25]
