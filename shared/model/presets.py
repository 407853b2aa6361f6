"""Looks that have a name."""

from __future__ import annotations

from typing import Final

from shared.model.effects import Blush, Contour, Eyeliner, Eyeshadow, Lipstick
from shared.model.looks import Look

PRESETS: Final[dict[str, Look]] = {
    "none": Look(),
    "natural": Look(
        smooth=0.45, whiten=0.2, sharpen=0.3, slim_face=0.2, enlarge_eyes=0.15,
        lipstick=Lipstick(color="#b5525c", amount=0.25),
    ),
    "default": Look(smooth=0.65, whiten=0.35, slim_face=0.35, enlarge_eyes=0.3),
    "fresh": Look(
        smooth=0.5, even_tone=0.5, dark_circles=0.6, rosy=0.35, brighten_eyes=0.4, whiten_teeth=0.4, sharpen=0.2,
    ),
    "glamour": Look(
        smooth=0.75, even_tone=0.4, dark_circles=0.5, whiten=0.3, brighten_eyes=0.5, whiten_teeth=0.5, sharpen=0.3,
        contour=Contour(amount=0.4, highlight=0.4), blush=Blush(amount=0.35), eyeshadow=Eyeshadow(amount=0.45),
        eyeliner=Eyeliner(amount=0.6), lipstick=Lipstick(color="#a8243c", amount=0.6, finish="gloss"),
        slim_face=0.4, v_chin=0.2, enlarge_eyes=0.35, narrow_nose=0.2,
    ),
    "stage": Look(
        smooth=0.6, whiten_teeth=0.6, brighten_eyes=0.6, contour=Contour(amount=0.8, highlight=0.7),
        blush=Blush(amount=0.6), eyeshadow=Eyeshadow(color="#3d4a7a", amount=0.8), eyeliner=Eyeliner(amount=1.0),
        lipstick=Lipstick(color="#c0182f", amount=0.85), contrast=0.1, saturation=0.1,
    ),
    "privacy": Look(face_pixelate=0.8),
}  # fmt: skip
