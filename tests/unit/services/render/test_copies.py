from __future__ import annotations

import numpy as np
import pytest

from services.render.copies import HostCopies, on_host
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

SIZE = Geometry(PixelFormat.I420, 16, 16)


def test_a_copy_is_there_at_once_and_stays_as_it_is() -> None:
    frame = Picture.over(SIZE, Colour(full_range=True), np.full(SIZE.size_bytes, 7, np.uint8))
    copies = HostCopies()
    copy = copies.blank(frame)
    copies.begin(frame, copy)()
    frame.planes[0][:] = 8
    assert (copy.geometry, copy.colour, int(copy.planes[0].max())) == (frame.geometry, frame.colour, 7)
    assert copies.here(frame) is frame


def test_a_frame_of_a_card_is_not_taken_for_one_of_the_host() -> None:
    with pytest.raises(TypeError, match="card"):
        on_host(CardPicture(SIZE, Colour(), ()))
