"""One effect, one file; each is named as its field in `shared.model.looks.Look`.

A tone effect changes the skin's samples where they are, a geometry effect says how the face is bent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.render.effects.enlarge_eyes import enlarge_eyes
from services.render.effects.slim_face import slim_face
from services.render.effects.smooth import smooth
from services.render.effects.whiten import whiten

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.shape import FaceShape
    from services.render.skin import Skin
    from services.render.tone import Tone
    from services.render.warp import Bumps

    ToneEffect = Callable[[Tone, Skin, float], None]
    GeometryEffect = Callable[[FaceShape, float], Bumps]

TONE_EFFECTS: Final[dict[str, ToneEffect]] = {"smooth": smooth, "whiten": whiten}
"""In the order in which they are drawn."""
GEOMETRY_EFFECTS: Final[dict[str, GeometryEffect]] = {"slim_face": slim_face, "enlarge_eyes": enlarge_eyes}
"""Their displacements add up: the order does not matter."""
