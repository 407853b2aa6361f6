"""Effects that have more to say than a strength. Each is drawn where a look has it, and its defaults show it well."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from shared.model.parameters import AssetId, Colour, says, strength

Amount = Annotated[float, strength("How much of it.")]
Blend = Literal["normal", "multiply", "screen", "overlay", "soft-light"]
Anchor = Literal[
    "head", "forehead", "right-eye", "left-eye", "eyes", "nose", "right-cheek", "left-cheek", "mouth", "chin"
]  # fmt: skip


class _Effect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    @property
    def strength(self) -> float:
        """0 where nothing would be drawn."""
        return 1.0


class _Amounted(_Effect, frozen=True, kw_only=True):
    amount: Amount = 0.5

    @property
    def strength(self) -> float:
        """Its amount."""
        return self.amount


class Lipstick(_Amounted, frozen=True, kw_only=True):
    """Colours the lips and keeps their lines."""

    color: Annotated[Colour, says("Of the lips.")] = "#b03a48"
    finish: Annotated[Literal["matte", "gloss"], says("Gloss makes what shines shine more.")] = "matte"


class Blush(_Amounted, frozen=True, kw_only=True):
    """Reddens the cheeks."""

    color: Annotated[Colour, says("Of the cheeks.")] = "#d9546a"


class Eyeshadow(_Amounted, frozen=True, kw_only=True):
    """Shades the upper lids, up to the brows."""

    color: Annotated[Colour, says("Of the lids.")] = "#6b4658"


class Eyeliner(_Amounted, frozen=True, kw_only=True):
    """A line along the lashes, with a short wing."""

    color: Annotated[Colour, says("Of the line.")] = "#17100f"


class Brows(_Amounted, frozen=True, kw_only=True):
    """Fills the brows."""

    color: Annotated[Colour, says("Of the hairs.")] = "#3a2a20"


class Contour(_Amounted, frozen=True, kw_only=True):
    """Shades the face below the cheekbones, along jaw and nose, and lights what stands out."""

    amount: Annotated[float, strength("How dark the shades are.")] = 0.5
    highlight: Annotated[float, strength("How bright the lights are.")] = 0.5

    @property
    def strength(self) -> float:
        """The larger of the two."""
        return max(self.amount, self.highlight)


class Lenses(_Amounted, frozen=True, kw_only=True):
    """Coloured lenses on both irises."""

    color: Annotated[Colour, says("Of the irises.")] = "#3f7a8c"


class Texture(_Amounted, frozen=True, kw_only=True):
    """A picture painted on the template (`visavis looks template`), bent onto the face triangle by triangle."""

    asset: AssetId
    amount: Amount = 1.0
    blend: Annotated[Blend, says("How the picture meets the skin.")] = "normal"
    feather: Annotated[float, strength("How softly it ends at the face's edge.")] = 0.3
    shading: Annotated[float, strength("How much of the face's own light and shade falls on it.")] = 0.6


class Sticker(_Amounted, frozen=True, kw_only=True):
    """A picture or short animation with alpha, fixed to a point of the face; it turns and grows with the head."""

    asset: AssetId
    anchor: Annotated[Anchor, says("The point that it is fixed to.")] = "forehead"
    amount: Amount = 1.0
    size: Annotated[float, msgspec.Meta(description="Its width, in widths of the face.", gt=0.0, le=4.0)] = 1.0
    x: Annotated[float, msgspec.Meta(description="To the face's left, in widths of the face.", ge=-2, le=2)] = 0.0
    y: Annotated[float, msgspec.Meta(description="Down the face, in widths of the face.", ge=-2, le=2)] = 0.0
    turn: Annotated[float, msgspec.Meta(description="Clockwise, degrees.", ge=-180, le=180)] = 0.0
    behind: Annotated[bool, says("Behind the head instead of before it.")] = False


class Grade(_Amounted, frozen=True, kw_only=True):
    """Colours of the whole frame by a look-up table, as `.cube` files hold it."""

    asset: AssetId
    amount: Amount = 1.0


class Background(_Effect, frozen=True, kw_only=True):
    """What is behind the people."""

    kind: Annotated[
        Literal["blur", "picture", "color", "transparent"],
        says("`picture` needs `asset`. `transparent` needs an answer in PNG or WebP."),
    ] = "blur"
    amount: Annotated[float, strength("Of `blur`: how far out of focus.")] = 0.5
    color: Annotated[Colour, says("Of `color`.")] = "#1c8a3a"
    asset: Annotated[AssetId | None, says("Of `picture`: it fills the frame, cut to its shape.")] = None

    def __post_init__(self) -> None:
        """A picture and its kind go together."""
        if self.kind == "picture" and self.asset is None:
            raise ValueError("a background of kind `picture` needs an `asset`")
        if self.kind != "picture" and self.asset is not None:
            raise ValueError("an `asset` goes with a background of kind `picture`")

    @property
    def strength(self) -> float:
        """Only a blur can be nothing."""
        return self.amount if self.kind == "blur" else 1.0


class FaceCover(_Amounted, frozen=True, kw_only=True):
    """Hides faces, hair line and ears too, behind one colour."""

    amount: Annotated[float, strength("How opaque it is; from 0.5 on nothing shines through.")] = 1.0
    color: Annotated[Colour, says("Of the cover.")] = "#000000"
