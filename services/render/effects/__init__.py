"""One effect, one file, one folder a role; each is named as its field in `shared.model.looks.Look`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.render.effects.frame.brightness import brightness
from services.render.effects.frame.contrast import contrast
from services.render.effects.shape.enlarge_eyes import enlarge_eyes
from services.render.effects.shape.slim_face import slim_face
from services.render.effects.skin.smooth import smooth
from services.render.effects.skin.whiten import whiten

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.canvas import Canvas
    from services.render.eyes import Eye
    from services.render.region import Grid
    from services.render.shape import FaceShape
    from services.render.tone import Tone
    from services.render.warp import Bumps

    ToneEffect = Callable[[Tone, Canvas, Any], None]
    EyeEffect = Callable[[Tone, Canvas, Any, Eye], None]
    ShapeEffect = Callable[[FaceShape, float], Bumps]
    LumaCurve = Callable[[Grid, float], Grid]

FACE_EFFECTS: Final[dict[str, ToneEffect]] = {"smooth": smooth, "whiten": whiten}
"""Drawn over the whole face, in this order."""
EYE_EFFECTS: Final[dict[str, EyeEffect]] = {}
"""Drawn over one eye and its brow after the other, in this order."""
MOUTH_EFFECTS: Final[dict[str, ToneEffect]] = {}
"""Drawn over the mouth, in this order."""
SHAPE_EFFECTS: Final[dict[str, ShapeEffect]] = {"slim_face": slim_face, "enlarge_eyes": enlarge_eyes}
"""Their displacements add up: the order does not matter."""
LUMA_CURVES: Final[dict[str, LumaCurve]] = {"brightness": brightness, "contrast": contrast}
"""Drawn over the whole frame by one table, in this order."""
