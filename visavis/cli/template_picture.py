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


class _Tint(NamedTuple):
    """How a part is shown."""

    words: str
    rgba: tuple[int, int, int, int]


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
_FINER = 4
"""Drawn so many times as large and reduced, so that lines are thin and smooth."""


def template_picture(size: int) -> Pixels:
    """RGBA uint8 [size, size, 4]: the mesh as fine lines, its regions lightly coloured, and nothing elsewhere."""
    side = size * _FINER
    sheet = _Sheet(side)
    template = face_template()
    for part, tint in TINTS.items():
        sheet.fill(part, tint.rgba)
    for triangle in template.triangles:
        sheet.line(template.uv[triangle], MESH, closed=True)
    for part, tint in OPENINGS.items():
        sheet.fill(part, (0, 0, 0, 0))
        sheet.line(template.uv[template.lines[part]], tint.rgba, closed=True)
    sheet.line(template.uv[template.lines[Part.NOSE_RIDGE]], NOSE.rgba)
    for part, tint in (TINTS | OPENINGS | {Part.NOSE_RIDGE: NOSE}).items():
        sheet.write(tint.words, template.uv[template.lines[part]])
    return sheet.reduced(size)


class _Sheet:
    def __init__(self, side: int) -> None:
        self._side = side
        self._pixels = np.zeros((side, side, 4), np.uint8)

    def fill(self, part: Part, rgba: tuple[int, int, int, int]) -> None:
        template = face_template()
        cv2.fillPoly(self._pixels, [self._cells(template.uv[template.lines[part]])], rgba)

    def line(self, uv: Points, rgba: tuple[int, int, int, int], *, closed: bool = False) -> None:
        cv2.polylines(self._pixels, [self._cells(uv)], closed, rgba, max(1, round(self._side / 1024)))

    def write(self, words: str, uv: Points) -> None:
        """Words in the middle, below the points."""
        scale = self._side / 2600
        thick = max(1, round(self._side / 1400))
        (width, height), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
        x = round(float(uv[:, 0].min() + uv[:, 0].max()) / 2 * self._side) - width // 2
        y = round(float(uv[:, 1].max()) * self._side) + 2 * height
        cv2.putText(self._pixels, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, INK, thick)

    def reduced(self, size: int) -> Pixels:
        """With straight alpha: means of colours that count by their alpha."""
        alpha = self._pixels[..., 3:].astype(np.float32)
        light = np.concatenate([self._pixels[..., :3] * alpha, alpha], axis=-1)
        light = np.asarray(cv2.resize(light, (size, size), interpolation=cv2.INTER_AREA))
        colour = light[..., :3] / np.maximum(light[..., 3:], 1)
        return np.rint(np.concatenate([colour, light[..., 3:]], axis=-1)).astype(np.uint8)

    def _cells(self, uv: Points) -> NDArray[np.int32]:
        cells: NDArray[np.int32] = np.rint(uv * self._side - 0.5).astype(np.int32)
        return cells
