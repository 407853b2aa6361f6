"""Which parts of a face each effect is drawn by, and so which layouts of landmarks can carry a look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.model.errors import Rejected
from shared.model.faces import Layout
from shared.model.parts import GIVEN, Part

if TYPE_CHECKING:
    from shared.model.looks import Look

_EYES: Final = frozenset({Part.RIGHT_EYE, Part.LEFT_EYE})
_SKIN: Final = frozenset({Part.OVAL, Part.BARE_SKIN, Part.LIPS, Part.RIGHT_BROW, Part.LEFT_BROW}) | _EYES
_PAINTED: Final = _SKIN | {Part.MESH}
_MOUTH: Final = frozenset({Part.LIPS, Part.MOUTH})
_SIDES: Final = frozenset({Part.RIGHT_JAW, Part.LEFT_JAW})
_AXIS: Final = frozenset({Part.CHIN, Part.NOSE_RIDGE})
_CENTRES: Final = frozenset({Part.RIGHT_EYE_CENTRE, Part.LEFT_EYE_CENTRE})
_CORNERS: Final = frozenset({Part.RIGHT_EYE_CORNERS, Part.LEFT_EYE_CORNERS})

NEEDS: Final[dict[str, frozenset[Part]]] = {
    "smooth": _SKIN,
    "even_tone": _SKIN,
    "dark_circles": _PAINTED,
    "nasolabial": _PAINTED,
    "whiten": _SKIN,
    "rosy": _SKIN,
    "brighten_eyes": _EYES,
    "whiten_teeth": _MOUTH,
    "sharpen": _SKIN,
    "contour": _PAINTED,
    "blush": _PAINTED,
    "eyeshadow": _PAINTED,
    "eyeliner": _EYES | _CORNERS,
    "brows": _SKIN,
    "lenses": _EYES | _CENTRES | _CORNERS,
    "lipstick": _SKIN | _MOUTH,
    "own": frozenset(),
    "texture": frozenset({Part.MESH, Part.OVAL}),
    "slim_face": _SIDES,
    "narrow_face": _SIDES | {Part.TEMPLES},
    "v_chin": _SIDES,
    "cheekbone": frozenset({Part.CHEEKBONES}),
    "jaw": _SIDES,
    "chin_length": _AXIS,
    "forehead": _AXIS | {Part.HAIRLINE},
    "enlarge_eyes": _CENTRES | _CORNERS,
    "eye_distance": _CENTRES | _CORNERS,
    "narrow_nose": frozenset({Part.NOSE_WINGS}),
    "nose_length": frozenset({Part.NOSE_WINGS, Part.NOSE_RIDGE}),
    "mouth_size": frozenset({Part.MOUTH_CORNERS}),
    "smile": frozenset({Part.MOUTH_CORNERS, Part.NOSE_TIP}) | _CENTRES,
    "stickers": frozenset({Part.NOSE_TIP, Part.MOUTH_CORNERS}) | _CENTRES,
    "background": frozenset(),
    "brightness": frozenset(),
    "contrast": frozenset(),
    "saturation": frozenset(),
    "temperature": frozenset(),
    "grade": frozenset(),
    "face_blur": frozenset(),
    "face_pixelate": frozenset(),
    "face_cover": frozenset(),
}
"""Every effect and the parts of a face that it is drawn by."""


def unsupported(look: Look, layout: Layout) -> list[str]:
    """The effects that a look asks for and that faces of this layout lack a part for, in the look's order."""
    return [name for name in look.drawn if not NEEDS[name] <= GIVEN[layout]]


def refuse_unsupported(look: Look, layout: Layout) -> None:
    """Raise Rejected (`unsupported-look`) where faces of this layout lack a part that the look is drawn by.

    The sentence names the effects, the parts, and the layouts that have them all.
    """
    refused = unsupported(look, layout)
    if not refused:
        return
    lacking = [part for part in Part if any(part in NEEDS[name] for name in refused) and part not in GIVEN[layout]]
    enough = [str(int(other)) for other in Layout if not unsupported(look, other)]
    raise Rejected(
        "unsupported-look",
        f"{', '.join(refused)} cannot be drawn on faces of {int(layout)} points, which lack {', '.join(lacking)}: "
        f"choose a landmark model of {' or '.join(enough)} points, or leave the effects out.",
    )


def refuse_opaque(look: Look, *, keeps_alpha: bool) -> None:
    """Raise Rejected (`unsupported-look`) where a look makes a transparent background and the answer can have none."""
    if look.transparent and not keeps_alpha:
        raise Rejected(
            "unsupported-look",
            "A transparent background needs a picture in PNG or WebP as its answer: ask for image/png or image/webp, "
            "or choose another kind of `background`.",
        )
