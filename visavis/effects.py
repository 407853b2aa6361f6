"""What an effect of your own is made of: the contract between Visavis and a file or a package of yours.

docs/own-effects.md has a complete example and says what is promised.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Draw = Callable[..., None]

MESH = 468
"""Points of the MediaPipe Face Mesh, which is the default."""


@dataclass(frozen=True, slots=True)
class Number:
    """A parameter that is a number; `draw` gets a float. One that is named `amount` and is 0 draws nothing."""

    sentence: str
    """What it does."""
    default: float = 0.5
    low: float = 0.0
    """The least that is taken."""
    high: float = 1.0
    """The most that is taken."""


@dataclass(frozen=True, slots=True)
class Color:
    """A parameter that is a colour; `draw` gets red, green and blue (sRGB): float32 [3], 0..255."""

    sentence: str
    """What it does."""
    default: str
    """`#` and six hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A parameter that is one of some words; `draw` gets the word."""

    sentence: str
    """What it does."""
    choices: Sequence[str]
    """Two or more."""
    default: str
    """One of them."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A parameter that is true or false; `draw` gets a bool."""

    sentence: str
    """What it does."""
    default: bool = False


Parameter = Number | Color | Choice | Flag


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect. `effect` makes it from a function."""

    name: str
    """What looks call it: a small letter, then at most 39 of a-z, 0-9 and `_`; none that Visavis has itself."""
    sentence: str
    """What it does."""
    draw: Draw
    """`draw(face, **parameters)` changes `face.rgb` in place and returns nothing."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    """By their names, which are made as the effect's."""
    layouts: Sequence[int] = (MESH,)
    """The landmarks that it can be drawn by, by their number: 468, 68 or 5. Looks are refused on others."""


def effect(sentence: str, *, layouts: Sequence[int] = (MESH,), **parameters: Parameter) -> Callable[[Draw], Effect]:
    """Makes an Effect of the function below, which gives it its name."""

    def made(draw: Draw) -> Effect:
        return Effect(getattr(draw, "__name__", ""), sentence, draw, MappingProxyType(parameters), tuple(layouts))

    return made


@dataclass(frozen=True)
class FaceView:
    """One face of one frame, as `draw` gets it. Pixels count from the upper left corner of `rgb`, x to the right.

    All arrays but `rgb` are read-only. `rgb` is a copy: what becomes of it after `draw` does not matter.
    """

    rgb: NDArray[np.uint8]
    """[h, w, 3], 0..255: the face and a quarter of its width around, as far as the picture goes; change it in place."""
    landmarks: NDArray[np.float32]
    """[n, 3]: x, y and depth in pixels, smaller is nearer; may lie outside of `rgb`. Depth is 0 but in the mesh."""
    layout: int
    """Which points these are: 468 (MediaPipe Face Mesh), 68 (iBUG 300-W) or 5 (eyes, nose, corners of the mouth)."""
    scale: float
    """About the face's width in pixels, however the head is turned: the measure for sizes and widths."""
    track: int
    """Who it is within the picture or video, from 1; 0 where nobody has said."""
    seconds: float
    """When the frame is shown, in the medium's own time; 0 in a still."""
    parts: Mapping[str, NDArray[np.float32]]
    """[m, 2] x, y by name, e.g. `parts["lips"]`: rings, lines and points that mean the same in every layout."""
    find_skin: Callable[[], NDArray[np.float32]]
    """Finds `skin`, which is worked out where it is asked for."""

    @cached_property
    def skin(self) -> NDArray[np.float32]:
        """[h, w], 0..1: how much of a pixel is bare skin; 0 on eyes, brows, lips, hair and whatever hides the face."""
        return self.find_skin()

    def mix(self, color: ArrayLike, share: NDArray[np.float32]) -> None:
        """Mix a colour [3] or a picture [h, w, 3], 0..255, into `rgb`; share: [h, w], 0..1. Where it is 0 all stays."""
        pixels = self.rgb.reshape(-1, 3, copy=False)
        at = np.flatnonzero(share > 0)  # three to five times as fast as a mask
        other = np.asarray(color, np.float32)
        if other.ndim > 1:
            other = np.broadcast_to(other, self.rgb.shape).reshape(-1, 3).take(at, axis=0)
        mixed = pixels.take(at, axis=0).astype(np.float32)
        mixed += (other - mixed) * np.minimum(share.reshape(-1).take(at), 1)[:, np.newaxis]
        pixels[at] = np.clip(np.rint(mixed), 0, 255)
