"""Which parts of a face each effect is drawn by, and so which layouts of landmarks can carry a look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.model.errors import Rejected
from shared.model.faces import Layout
from shared.model.parts import GIVEN, Part

if TYPE_CHECKING:
    from shared.model.looks import Look

_EYES: Final = frozenset({Part.RIGHT_EYE, Part.LEFT_EYE})
_BROWS: Final = frozenset({Part.RIGHT_BROW, Part.LEFT_BROW})
_SKIN: Final = frozenset({Part.OVAL, Part.BARE_SKIN, Part.LIPS}) | _EYES | _BROWS
_UNDER_EYES: Final = frozenset({Part.RIGHT_UNDER_EYE, Part.LEFT_UNDER_EYE})
_FOLDS: Final = frozenset({Part.RIGHT_FOLD, Part.LEFT_FOLD})
_TURN: Final = frozenset({Part.CHEEKBONES, Part.NOSE_RIDGE})
_CHEEKS: Final = frozenset({Part.RIGHT_CHEEK, Part.LEFT_CHEEK}) | _TURN
_CONTOUR: Final = _TURN | {
    *(Part.RIGHT_HOLLOW, Part.LEFT_HOLLOW, Part.RIGHT_CHEEK_TOP, Part.LEFT_CHEEK_TOP, Part.BROW_MIDDLE),
    *(Part.RIGHT_NOSE_SIDE, Part.LEFT_NOSE_SIDE, Part.RIGHT_JAW, Part.LEFT_JAW),
}
_LIDS: Final = frozenset({Part.RIGHT_UPPER_LID, Part.LEFT_UPPER_LID})
_LID_SKIN: Final = frozenset({Part.RIGHT_LID_SKIN, Part.LEFT_LID_SKIN})
_EYE: Final = _EYES | _BROWS | {Part.BARE_SKIN}
_MOUTH: Final = frozenset({Part.LIPS, Part.MOUTH, Part.BARE_SKIN})
_SIDES: Final = frozenset({Part.RIGHT_JAW, Part.LEFT_JAW})
_AXIS: Final = frozenset({Part.CHIN, Part.NOSE_RIDGE})
_CENTRES: Final = frozenset({Part.RIGHT_EYE_CENTRE, Part.LEFT_EYE_CENTRE})
_CORNERS: Final = frozenset({Part.RIGHT_EYE_CORNERS, Part.LEFT_EYE_CORNERS})

NEEDS: Final[dict[str, frozenset[Part]]] = {
    "smooth": _SKIN,
    "even_tone": _SKIN,
    "dark_circles": _SKIN | _UNDER_EYES,
    "nasolabial": _SKIN | _FOLDS,
    "whiten": _SKIN,
    "rosy": _SKIN,
    "sharpen": _SKIN,
    "contour": _SKIN | _CONTOUR,
    "blush": _SKIN | _CHEEKS,
    "brighten_eyes": _EYE,
    "eyeshadow": _SKIN | _LIDS | _LID_SKIN,
    "eyeliner": _EYE | _LIDS | _CORNERS,
    "brows": _EYE,
    "lenses": _EYE | _CENTRES | _CORNERS,
    "whiten_teeth": _MOUTH,
    "lipstick": _MOUTH,
    "own": frozenset(),
    "texture": _SKIN | {Part.MESH},
    "slim_face": _SIDES,
    "narrow_face": _SIDES | {Part.TEMPLES, Part.CHEEKBONES},
    "v_chin": _SIDES,
    "cheekbone": frozenset({Part.CHEEKBONES}),
    "jaw": _SIDES,
    "chin_length": _AXIS | _SIDES,
    "forehead": _AXIS | {Part.HAIRLINE},
    "enlarge_eyes": _CENTRES | _CORNERS,
    "eye_distance": _CENTRES,
    "narrow_nose": frozenset({Part.NOSE_WINGS}),
    "nose_length": _AXIS | {Part.NOSE_WINGS},
    "mouth_size": frozenset({Part.MOUTH_CORNERS}),
    "smile": _AXIS | _CENTRES | {Part.MOUTH_CORNERS},
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


def layouts_of(effect: str) -> tuple[Layout, ...]:
    """The layouts whose faces can carry an effect, the richest first."""
    return tuple(layout for layout in Layout if NEEDS[effect] <= GIVEN[layout])


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
