"""Looks: named sets of effects. This is the one definition that REST, gRPC, the command line and the docs share."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, get_args

import msgspec

from shared.model.effects import (
    Background,
    Blush,
    Brows,
    Contour,
    Eyeliner,
    Eyeshadow,
    FaceCover,
    Grade,
    Lenses,
    Lipstick,
    Sticker,
    Texture,
)
from shared.model.own_effects import OwnValues
from shared.model.parameters import says, strength, two_way

MOST_STICKERS = 8
MOST_OWN = 32
Track = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class Look(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is drawn on faces and frames. What is 0 or left out leaves the picture as it is, bit by bit.

    The order of the fields is the order of drawing, but for `background`, which comes first: skin, make-up, effects of
    your own, texture, shape, stickers, colours of the frame, and at last what hides faces.
    """

    # skin: over the whole face
    smooth: Annotated[float, strength("Evens the skin and keeps its edges, eyes, brows, lips and hair.")] = 0.0
    even_tone: Annotated[float, strength("Takes redness and spots out of the skin's colour.")] = 0.0
    dark_circles: Annotated[float, strength("Lightens the shadows below the eyes.")] = 0.0
    nasolabial: Annotated[float, strength("Softens the folds from the nose to the corners of the mouth.")] = 0.0
    whiten: Annotated[float, strength("Lightens the skin and keeps its shading.")] = 0.0
    rosy: Annotated[float, strength("Gives the skin a warm, fresh colour.")] = 0.0
    sharpen: Annotated[float, strength("Brings out the detail of eyes, brows, lips and hair within the face.")] = 0.0
    # make-up: over the whole face, then eye by eye, then the mouth
    contour: Contour | None = None
    blush: Blush | None = None
    brighten_eyes: Annotated[float, strength("Lightens the eyes and takes redness out of their white.")] = 0.0
    eyeshadow: Eyeshadow | None = None
    eyeliner: Eyeliner | None = None
    brows: Brows | None = None
    lenses: Lenses | None = None
    whiten_teeth: Annotated[float, strength("Lightens the teeth where the mouth is open, and takes yellow out.")] = 0.0
    lipstick: Lipstick | None = None
    # in a document they stand beside the others
    own: Annotated[dict[str, OwnValues], says("Effects of your own, by their names.")] = {}
    # pictures on the face
    texture: Texture | None = None
    # shape
    slim_face: Annotated[float, strength("Draws cheeks and jaw inwards.")] = 0.0
    narrow_face: Annotated[float, strength("Makes the whole face narrower, temples too.")] = 0.0
    v_chin: Annotated[float, strength("Makes the lower face taper to the chin.")] = 0.0
    cheekbone: Annotated[float, strength("Draws the cheekbones inwards.")] = 0.0
    jaw: Annotated[float, strength("Draws the corners of the jaw inwards.")] = 0.0
    chin_length: Annotated[float, two_way("Makes the chin longer, or shorter below 0.")] = 0.0
    forehead: Annotated[float, two_way("Makes the forehead higher, or lower below 0.")] = 0.0
    enlarge_eyes: Annotated[float, strength("Enlarges both eyes around their centres.")] = 0.0
    eye_distance: Annotated[float, two_way("Moves the eyes apart, or together below 0.")] = 0.0
    narrow_nose: Annotated[float, strength("Draws the wings of the nose inwards.")] = 0.0
    nose_length: Annotated[float, two_way("Makes the nose longer, or shorter below 0.")] = 0.0
    mouth_size: Annotated[float, two_way("Makes the mouth larger, or smaller below 0.")] = 0.0
    smile: Annotated[float, two_way("Lifts the corners of the mouth, or lowers them below 0.")] = 0.0
    stickers: Annotated[
        tuple[Sticker, ...], msgspec.Meta(description="Pictures fixed to the face.", max_length=MOST_STICKERS)
    ] = ()
    # the whole frame
    background: Background | None = None
    brightness: Annotated[float, two_way("Makes the frame brighter, or darker below 0.")] = 0.0
    contrast: Annotated[float, two_way("Parts light from dark, or brings them together below 0.")] = 0.0
    saturation: Annotated[float, two_way("Makes colours stronger, or paler below 0; -1 is grey.")] = 0.0
    temperature: Annotated[float, two_way("Makes the light warmer, or colder below 0.")] = 0.0
    grade: Grade | None = None
    # privacy
    face_blur: Annotated[float, strength("Blurs whole heads; from 0.5 on nobody is recognised.")] = 0.0
    face_pixelate: Annotated[float, strength("Shows whole heads as coarse squares: from 0.5 on 8 across or less.")] = (
        0.0
    )
    face_cover: FaceCover | None = None
    # whose
    faces: Annotated[
        Literal["all", "largest"] | Annotated[tuple[Track, ...], msgspec.Meta(min_length=1)],
        says("Whose faces are drawn on: all, the largest of a frame, or those of these tracks."),
    ] = "all"

    @classmethod
    def of(cls, effect: str, value: float) -> Look:
        """One effect alone, as strong as that; what else it has to say as its defaults are."""
        kind = AMOUNTED.get(effect)
        amounts = {name: value for name in ("amount", "highlight") if kind and name in kind.__struct_fields__}
        return msgspec.convert({effect: amounts or value}, cls)

    @property
    def drawn(self) -> tuple[str, ...]:
        """Names of the effects that draw something, in the order of the fields."""
        return tuple(name for name in EFFECTS if strength_of(getattr(self, name)))

    @property
    def invisible(self) -> bool:
        """True if no effect has any strength."""
        return not self.drawn

    @property
    def hides_faces(self) -> bool:
        """True if what it draws is there so that nobody is recognised: no face may be missed then."""
        return any(strength_of(getattr(self, name)) for name in PRIVACY)

    @property
    def needs_people(self) -> bool:
        """True if it must be known which part of the frame shows people."""
        return "background" in self.drawn or any(sticker.behind for sticker in self.stickers)

    @property
    def on_frames(self) -> bool:
        """True if something is drawn on frames without faces, too."""
        return not FRAME_EFFECTS.isdisjoint(self.drawn)

    @property
    def transparent(self) -> bool:
        """True if what comes of it has an alpha channel."""
        return self.background is not None and self.background.kind == "transparent"

    @property
    def asset_ids(self) -> tuple[str, ...]:
        """The pictures and tables that it refers to, each once."""
        parts = (self.texture, self.background, self.grade, *self.stickers)
        return tuple(dict.fromkeys(part.asset for part in parts if part is not None and part.asset))

    def document(self) -> dict[str, Any]:
        """As it stands in answers: what differs from the defaults, effects of one's own beside the others."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        own = document.pop("own", {})
        return {**document, **own}


EFFECTS: Final = tuple(name for name in Look.__struct_fields__ if name != "faces")
"""Names of all effects, and `own` for those of others."""
DRAWING_ORDER: Final = ("background", *(name for name in EFFECTS if name != "background"))
"""The same, as they are drawn one after the other."""
ROLES: Final = {
    "smooth": "Skin", "contour": "Make-up, eyes and mouth",
    "own": "Your own", "texture": "Pictures on the face", "slim_face": "Shape",
    "stickers": "Stickers", "background": "Frame", "face_blur": "Privacy", "faces": "Whose",
}  # fmt: skip
"""The first field of each role, in the order of the fields."""
AMOUNTED: Final[dict[str, type[msgspec.Struct]]] = {
    field.name: kind
    for field in msgspec.structs.fields(Look)
    for kind in get_args(field.type)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    and not any(member.required for member in msgspec.structs.fields(kind))
}  # fmt: skip
"""Effects that have an amount, and no picture of the user's that they cannot do without."""
PRIVACY: Final = ("face_blur", "face_pixelate", "face_cover")
"""Those that hide faces. They are drawn last, over everything."""
FRAME_EFFECTS: Final = frozenset({"background", "brightness", "contrast", "saturation", "temperature", "grade"})
"""Those that are drawn on the whole frame, whether it has faces or not."""


def strength_of(value: Any) -> float:
    """Of what a look has in the place of an effect: 0 where nothing is drawn."""
    if isinstance(value, float | int):
        return abs(value)
    if isinstance(value, dict | tuple):
        return float(len(value))
    return float(value.strength) if value is not None else 0.0
