"""The face template as a picture to paint on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

from shared.model.parts import Part
from shared.model.template import face_template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Points = NDArray[np.float32]
    Rgba = tuple[int, int, int, int]


class _Tint(NamedTuple):
    """How a part is shown."""

    words: str
    rgba: Rgba


TINTS: Final = {
    Part.OVAL: _Tint("", (120, 120, 120, 28)),
    Part.RIGHT_BROW: _Tint("right brow", (150, 100, 50, 90)),
    Part.LEFT_BROW: _Tint("left brow", (150, 100, 50, 90)),
    Part.LIPS: _Tint("lips", (200, 60, 90, 80)),
}
"""Filled rings. Right is the person's own, as everywhere: it lies on the left."""
OPENINGS: Final = {
    Part.RIGHT_EYE: _Tint("right eye", (40, 110, 190, 255)),
    Part.LEFT_EYE: _Tint("left eye", (40, 110, 190, 255)),
    Part.MOUTH: _Tint("", (200, 60, 90, 255)),
}
"""Rings where nothing is drawn: transparent, with an outline."""
NOSE: Final = _Tint("nose", (70, 150, 90, 200))
MESH: Final = (90, 90, 90, 130)
INK: Final = (60, 60, 60, 255)
_SUBPIXEL_BITS = 4


def template_picture(size: int) -> Pixels:
    """RGBA uint8 [size, size, 4]: the mesh as fine lines, its regions lightly coloured, and nothing elsewhere."""
    sheet = _Sheet(size)
    template = face_template()
    for part, tint in TINTS.items():
        sheet.fill(template.uv[template.lines[part]], tint.rgba)
    for triangle in template.triangles:
        sheet.line(template.uv[triangle], MESH, closed=True)
    for part, tint in OPENINGS.items():
        sheet.fill(template.uv[template.lines[part]], (0, 0, 0, 0))
        sheet.line(template.uv[template.lines[part]], tint.rgba, closed=True)
    sheet.line(template.uv[template.lines[Part.NOSE_RIDGE]], NOSE.rgba)
    for part, tint in (TINTS | OPENINGS | {Part.NOSE_RIDGE: NOSE}).items():
        sheet.write(tint.words, template.uv[template.lines[part]])
    return sheet.straight()


class _Sheet:
    """Draws on premultiplied colours, so that smooth edges over a transparent ground are right."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._pixels = np.zeros((size, size, 4), np.uint8)

    def fill(self, uv: Points, rgba: Rgba) -> None:
        cv2.fillPoly(self._pixels, [self._fixed(uv)], _premultiplied(rgba), cv2.LINE_AA, _SUBPIXEL_BITS)

    def line(self, uv: Points, rgba: Rgba, *, closed: bool = False) -> None:
        ink, width = _premultiplied(rgba), max(1, round(self._size / 1024))
        cv2.polylines(self._pixels, [self._fixed(uv)], closed, ink, width, cv2.LINE_AA, _SUBPIXEL_BITS)

    def write(self, words: str, uv: Points) -> None:
        """Words in the middle, below the points."""
        font, scale, width = cv2.FONT_HERSHEY_SIMPLEX, self._size / 2200, max(1, round(self._size / 1400))
        (wide, tall), _ = cv2.getTextSize(words, font, scale, width)
        low, high = uv.min(axis=0) * self._size, uv.max(axis=0) * self._size
        at = (round(float(low[0] + high[0]) / 2) - wide // 2, round(float(high[1])) + 2 * tall)
        cv2.putText(self._pixels, words, at, font, scale, INK, width, cv2.LINE_AA)

    def straight(self) -> Pixels:
        """With straight alpha."""
        alpha = np.maximum(self._pixels[..., 3:], 1).astype(np.uint16)
        colours = np.minimum((self._pixels[..., :3] * np.uint16(255) + alpha // 2) // alpha, 255)
        return np.concatenate([colours, self._pixels[..., 3:]], axis=-1).astype(np.uint8)

    def _fixed(self, uv: Points) -> NDArray[np.int32]:
        fixed: NDArray[np.int32] = np.rint((uv * self._size - 0.5) * 2**_SUBPIXEL_BITS).astype(np.int32)
        return fixed


def _premultiplied(rgba: Rgba) -> Rgba:
    red, green, blue, alpha = rgba
    return red * alpha // 255, green * alpha // 255, blue * alpha // 255, alpha
