"""Pictures to lay on faces, drawn by code: a painted face, glasses, a hat, a halo, a heart that beats; and a LUT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from shared.model.assets import PreparedLut, PreparedPicture
from shared.model.parts import Part
from shared.model.template import face_template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

_AA = cv2.LINE_AA
_BITS = 4
INK = (18, 18, 26, 255)


def tiger(side: int = 1024) -> PreparedPicture:
    """On the face template: stripes all over, dark lids, a black nose and red lips."""
    template = face_template()
    rows, columns = np.mgrid[:side, :side] / side
    wave = np.sin((rows + 0.35 * np.abs(columns - 0.5)) * 92)
    share = np.clip(wave * 3 + 0.5, 0, 1)[..., None]
    skin = np.rint(np.array((246, 232, 212)) * share + np.array((232, 122, 30)) * (1 - share)).astype(np.uint8)
    paint = np.dstack([skin, np.zeros((side, side), np.uint8)])
    alpha = np.zeros((side, side), np.uint8)
    cv2.fillPoly(alpha, [_fixed(template.uv[template.lines[Part.OVAL]], side)], 255, _AA, _BITS)
    for part in (Part.RIGHT_EYE, Part.LEFT_EYE):
        ring = template.uv[template.lines[part]]
        middle = (ring.min(axis=0) + ring.max(axis=0)) / 2
        cv2.fillPoly(paint, [_fixed((ring - middle) * (1.35, 1.9) + middle, side)], INK, _AA, _BITS)
    cv2.fillPoly(paint, [_fixed(template.uv[[6, 48, 64, 2, 294, 278]], side)], INK, _AA, _BITS)
    cv2.fillPoly(paint, [_fixed(template.uv[template.lines[Part.LIPS]], side)], (150, 16, 40, 255), _AA, _BITS)
    paint[..., 3] = alpha
    return picture(paint)


def stripes(side: int = 1024) -> PreparedPicture:
    """On the face template: three strokes on each cheek, and nothing elsewhere."""
    paint = np.zeros((side, side, 4), np.uint8)
    for cheek in (50, 280):
        for number, colour in enumerate(((200, 30, 40), (250, 250, 250), (30, 60, 190))):
            middle = face_template().uv[cheek] + (0, 0.036 * (number - 1))
            ends = _fixed(middle + np.array([(-0.085, 0), (0.085, 0)]), side)
            cv2.polylines(paint, [ends], False, (*colour, 255), side // 48, _AA, _BITS)
    return picture(_straight(paint))


def glasses() -> PreparedPicture:
    """Round and dark; for the anchor `eyes`, 1 wide."""
    paint = np.zeros((200, 500, 4), np.uint8)
    for x in (130, 370):
        cv2.circle(paint, (x, 100), 84, (13, 16, 20, 170), -1, _AA)
        cv2.circle(paint, (x, 100), 84, INK, 12, _AA)
    for ends in (((212, 86), (288, 86)), ((6, 74), (48, 84)), ((494, 74), (452, 84))):
        cv2.line(paint, *ends, INK, 12, _AA)
    return picture(_straight(paint))


def hat() -> PreparedPicture:
    """A top hat; for the anchor `head`, 1.5 wide, 0.1 up."""
    paint = np.zeros((400, 600, 4), np.uint8)
    cv2.ellipse(paint, (300, 340), (290, 48), 0, 0, 360, (58, 40, 34, 255), -1, _AA)
    body = np.array([(150, 50), (450, 50), (435, 345), (165, 345)])
    cv2.fillPoly(paint, [body], (74, 52, 44, 255), _AA)
    cv2.fillPoly(paint, [np.array([(160, 250), (440, 250), (435, 330), (165, 330)])], (170, 34, 44, 255), _AA)
    cv2.ellipse(paint, (300, 50), (150, 28), 0, 0, 360, (92, 66, 56, 255), -1, _AA)
    return picture(_straight(paint))


def halo() -> PreparedPicture:
    """Rays; for the anchor `forehead`, 2.4 wide, behind."""
    side = 600
    paint = np.zeros((side, side, 4), np.uint8)
    for degrees in range(0, 360, 20):
        ray = [(170, -8.0), (292, 0.0), (170, 8.0)]
        angles = [(radius, np.radians(degrees + away)) for radius, away in ray]
        corners = [(side / 2 + radius * np.cos(a), side / 2 + radius * np.sin(a)) for radius, a in angles]
        cv2.fillPoly(paint, [np.rint(corners).astype(np.int32)], (255, 196, 40, 255), _AA)
    cv2.circle(paint, (side // 2, side // 2), 185, (255, 226, 120, 255), -1, _AA)
    return picture(_straight(paint))


def heart() -> PreparedPicture:
    """Beats once in 0.8 s; for cheeks, 0.25 wide."""
    return picture(*(_heart(size) for size in (0.8, 0.9, 1.0, 0.9)), lasts_ms=200)


def warm(size: int = 17) -> PreparedLut:
    """A table that makes light warm and shadows blue-green, as films like it."""
    blue, green, red = np.meshgrid(*(np.linspace(0, 1, size),) * 3, indexing="ij")
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    warmth = (luma - 0.45) * 0.35
    table = np.stack([red + warmth, green + 0.15 * warmth, blue - warmth], axis=-1).clip(0, 1)
    return PreparedLut(size=size, body=table.astype("<f4").tobytes())


def picture(*frames: Pixels, lasts_ms: int = 0) -> PreparedPicture:
    """What the shelf of assets would give for such frames, [rows, columns, 4] with straight alpha."""
    height, width = frames[0].shape[:2]
    pixels = tuple(np.ascontiguousarray(frame).tobytes() for frame in frames)
    return PreparedPicture(width=width, height=height, frames=pixels, durations_ms=(lasts_ms,) * len(frames))


def _heart(size: float, side: int = 160) -> Pixels:
    along = np.linspace(0, 2 * np.pi, 90)
    x = 16 * np.sin(along) ** 3
    y = -(13 * np.cos(along) - 5 * np.cos(2 * along) - 2 * np.cos(3 * along) - np.cos(4 * along))
    outline = np.stack([x, y], axis=1) * (size / 36) + 0.5
    paint = np.zeros((side, side, 4), np.uint8)
    cv2.fillPoly(paint, [_fixed(outline, side)], (226, 38, 84, 255), _AA, _BITS)
    return _straight(paint)


def _fixed(uv: NDArray[np.floating], side: int) -> NDArray[np.int32]:
    fixed: NDArray[np.int32] = np.rint((uv * side - 0.5) * 2**_BITS).astype(np.int32)
    return fixed


def _straight(paint: Pixels) -> Pixels:
    """Smooth edges over nothing leave colours that are times alpha: divides them by it."""
    alpha = np.maximum(paint[..., 3:], 1).astype(np.float32)
    colour = np.minimum(paint[..., :3] * (255 / alpha), 255)
    return np.rint(np.concatenate([colour, paint[..., 3:]], axis=-1)).astype(np.uint8)
