"""One effect, one file, one folder a role; each is named as its field in `shared.model.looks.Look`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.render.effects.frame.brightness import brightness
from services.render.effects.frame.contrast import contrast
from services.render.effects.makeup.blush import blush
from services.render.effects.makeup.brows import brows
from services.render.effects.makeup.contour import contour
from services.render.effects.makeup.eyeliner import eyeliner
from services.render.effects.makeup.eyeshadow import eyeshadow
from services.render.effects.makeup.lenses import lenses
from services.render.effects.makeup.lipstick import lipstick
from services.render.effects.privacy.face_blur import face_blur
from services.render.effects.privacy.face_cover import face_cover
from services.render.effects.privacy.face_pixelate import face_pixelate
from services.render.effects.shape.cheekbone import cheekbone
from services.render.effects.shape.chin_length import chin_length
from services.render.effects.shape.enlarge_eyes import enlarge_eyes
from services.render.effects.shape.eye_distance import eye_distance
from services.render.effects.shape.forehead import forehead
from services.render.effects.shape.jaw import jaw
from services.render.effects.shape.mouth_size import mouth_size
from services.render.effects.shape.narrow_face import narrow_face
from services.render.effects.shape.narrow_nose import narrow_nose
from services.render.effects.shape.nose_length import nose_length
from services.render.effects.shape.slim_face import slim_face
from services.render.effects.shape.smile import smile
from services.render.effects.shape.v_chin import v_chin
from services.render.effects.skin.brighten_eyes import brighten_eyes
from services.render.effects.skin.dark_circles import dark_circles
from services.render.effects.skin.even_tone import even_tone
from services.render.effects.skin.nasolabial import nasolabial
from services.render.effects.skin.rosy import rosy
from services.render.effects.skin.sharpen import sharpen
from services.render.effects.skin.smooth import smooth
from services.render.effects.skin.whiten import whiten
from services.render.effects.skin.whiten_teeth import whiten_teeth

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.bumps import Bumps
    from services.render.canvas import Canvas
    from services.render.eyes import Eye
    from services.render.region import Grid, Plane
    from services.render.shape import FaceShape
    from services.render.tone import Tone
    from services.render.veil import Veil

    ToneEffect = Callable[[Tone, Canvas, Any], None]
    EyeEffect = Callable[[Tone, Canvas, Eye, Any], None]
    ShapeEffect = Callable[[FaceShape, float], Bumps]
    PrivacyEffect = Callable[[Veil, Any], tuple[Plane, ...]]
    LumaCurve = Callable[[Grid, float], Grid]

FACE_EFFECTS: Final[dict[str, ToneEffect]] = {
    "smooth": smooth,
    "even_tone": even_tone,
    "dark_circles": dark_circles,
    "nasolabial": nasolabial,
    "whiten": whiten,
    "rosy": rosy,
    "sharpen": sharpen,
    "contour": contour,
    "blush": blush,
}
"""Drawn over the whole face, in this order."""
EYE_EFFECTS: Final[dict[str, EyeEffect]] = {
    "brighten_eyes": brighten_eyes,
    "eyeshadow": eyeshadow,
    "eyeliner": eyeliner,
    "brows": brows,
    "lenses": lenses,
}
"""Drawn over one eye and its brow after the other, in this order."""
MOUTH_EFFECTS: Final[dict[str, ToneEffect]] = {"whiten_teeth": whiten_teeth, "lipstick": lipstick}
"""Drawn over the mouth, in this order."""
SHAPE_EFFECTS: Final[dict[str, ShapeEffect]] = {
    "slim_face": slim_face,
    "narrow_face": narrow_face,
    "v_chin": v_chin,
    "cheekbone": cheekbone,
    "jaw": jaw,
    "chin_length": chin_length,
    "forehead": forehead,
    "enlarge_eyes": enlarge_eyes,
    "eye_distance": eye_distance,
    "narrow_nose": narrow_nose,
    "nose_length": nose_length,
    "mouth_size": mouth_size,
    "smile": smile,
}
"""Their displacements add up: the order does not matter."""
PRIVACY_EFFECTS: Final[dict[str, PrivacyEffect]] = {
    "face_blur": face_blur,
    "face_pixelate": face_pixelate,
    "face_cover": face_cover,
}
"""Drawn over whole heads, in this order, after all others."""
LUMA_CURVES: Final[dict[str, LumaCurve]] = {"brightness": brightness, "contrast": contrast}
"""Drawn over the whole frame by one table, in this order."""
