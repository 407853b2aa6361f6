from __future__ import annotations

import msgspec
import numpy as np

from services.render.drawing import Painter
from services.render.easel import HostEasel
from services.render.moment import BEGINNING
from shared.model.effects import Background
from shared.model.looks import Look
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

GREY = Geometry(PixelFormat.I420, 32, 16)
LOOK = Look(brightness=0.5)


def grey(geometry: Geometry = GREY) -> Picture:
    return Picture.over(geometry, Colour(), np.full(geometry.size_bytes, 120, np.uint8))


def test_a_look_is_drawn_on_a_copy() -> None:
    easel, frame = HostEasel(), grey()
    target = easel.copied(frame, LOOK, keeps_alpha=False)
    easel.draw(target, Painter(), (), LOOK, BEGINNING)
    assert (target.planes[0] > 120).all()
    assert (frame.planes[0] == 120).all()


def test_its_memory_is_used_again_for_frames_of_the_same_size() -> None:
    easel = HostEasel()
    first = easel.copied(grey(), LOOK, keeps_alpha=False)
    assert easel.copied(grey(), LOOK, keeps_alpha=False) is first
    larger = easel.copied(grey(msgspec.structs.replace(GREY, width=64)), LOOK, keeps_alpha=False)
    assert larger.geometry.width == 64


def test_a_copy_has_alpha_where_something_becomes_transparent_and_that_can_be_shown() -> None:
    easel, look = HostEasel(), Look(background=Background(kind="transparent"))
    assert easel.copied(grey(), LOOK, keeps_alpha=True).alpha is None
    assert easel.copied(grey(), look, keeps_alpha=False).alpha is None
    alpha = HostEasel().copied(grey(), look, keeps_alpha=True).alpha
    assert alpha is not None
    assert (alpha == 255).all()
