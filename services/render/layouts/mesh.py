"""Where the 468 points of the MediaPipe Face Mesh have the parts of a face.

Source: its connection sets FACEMESH_FACE_OVAL, _LIPS, _LEFT_EYE, _RIGHT_EYE, _LEFT_EYEBROW and _RIGHT_EYEBROW of
MediaPipe 0.10, walked into closed rings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from services.render.topology import Topology, at, enclosed, middle
from shared.model.parts import Part

if TYPE_CHECKING:
    from services.render.topology import Points


_OVAL: Final = at(
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288),
    *(397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136),
    *(172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""From the top of the forehead round the face."""
_TOP, _CHIN = 10, 152
_RIGHT_EYE: Final = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
_LEFT_EYE: Final = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
"""From the outer corner along the lower lid to the inner corner and back along the upper lid."""
FOREHEAD = 0.06
"""How far the forehead goes on above the mesh, in heights of the mesh. Hair that hangs lower is told by its colour."""


def _to_the_hairline(points: Points) -> Points:
    ring, top, chin = _OVAL(points), points[_TOP], points[_CHIN]
    up = top - chin
    height = (ring - (top + chin) / 2) @ up / max(1.0, float(up @ up))  # -0.5 at the chin, 0.5 at the top
    return np.asarray(ring + np.clip(2 * height, 0, 1)[:, None] ** 2 * up * np.float32(FOREHEAD), np.float32)


MESH: Final = Topology(
    places={
        Part.OVAL: _to_the_hairline,
        Part.RIGHT_JAW: at(93, 132, 58, 172, 136, 150, 149, 176, 148),
        Part.LEFT_JAW: at(323, 361, 288, 397, 365, 379, 378, 400, 377),
        Part.CHIN: at(_CHIN),
        Part.RIGHT_EYE: at(*_RIGHT_EYE),
        Part.LEFT_EYE: at(*_LEFT_EYE),
        Part.RIGHT_UPPER_LID: at(33, 246, 161, 160, 159, 158, 157, 173, 133),
        Part.LEFT_UPPER_LID: at(263, 466, 388, 387, 386, 385, 384, 398, 362),
        Part.RIGHT_LID_SKIN: at(*(33, 246, 161, 160, 159, 158, 157, 173, 133), *(189, 221, 222, 223, 224, 225, 113)),
        Part.LEFT_LID_SKIN: at(*(263, 466, 388, 387, 386, 385, 384, 398, 362), *(413, 441, 442, 443, 444, 445, 342)),
        Part.RIGHT_UNDER_EYE: at(*(25, 110, 24, 23, 22, 26, 112), *(128, 121, 120, 119, 118, 117, 31)),
        Part.LEFT_UNDER_EYE: at(*(255, 339, 254, 253, 252, 256, 341), *(357, 350, 349, 348, 347, 346, 261)),
        Part.RIGHT_EYE_CENTRE: middle(*_RIGHT_EYE),
        Part.LEFT_EYE_CENTRE: middle(*_LEFT_EYE),
        Part.RIGHT_EYE_CORNERS: at(33, 133),
        Part.LEFT_EYE_CORNERS: at(263, 362),
        Part.RIGHT_BROW: at(46, 53, 52, 65, 55, 107, 66, 105, 63, 70),
        Part.LEFT_BROW: at(276, 283, 282, 295, 285, 336, 296, 334, 293, 300),
        Part.NOSE_RIDGE: at(168, 197, 5, 4),
        Part.NOSE_TIP: at(4),
        Part.LIPS: at(
            *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
        ),
        Part.MOUTH: at(
            *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
        ),
        Part.MOUTH_CORNERS: at(61, 291),
        Part.NOSE_WINGS: at(64, 294),
        Part.RIGHT_FOLD: at(129, 203, 206, 216, 212, 57, 186, 92, 165, 98),
        Part.LEFT_FOLD: at(358, 423, 426, 436, 432, 287, 410, 322, 391, 327),
        Part.RIGHT_CHEEK: at(116, 117, 118, 101, 36, 205, 187, 147, 123),
        Part.LEFT_CHEEK: at(345, 346, 347, 330, 266, 425, 411, 376, 352),
        Part.RIGHT_HOLLOW: at(227, 123, 50, 205, 207, 192, 213, 177, 137),
        Part.LEFT_HOLLOW: at(447, 352, 280, 425, 427, 416, 433, 401, 366),
        Part.RIGHT_CHEEK_TOP: at(143, 111, 117, 118, 101, 50, 123, 116),
        Part.LEFT_CHEEK_TOP: at(372, 340, 346, 347, 330, 280, 352, 345),
        Part.RIGHT_NOSE_SIDE: at(193, 122, 174, 198, 131),
        Part.LEFT_NOSE_SIDE: at(417, 351, 399, 420, 360),
        Part.BROW_MIDDLE: at(9, 107, 108, 151, 337, 336),
        Part.CHEEKBONES: at(234, 454),
        Part.TEMPLES: at(162, 389),
        Part.HAIRLINE: at(54, 67, 10, 297, 284),
        Part.MESH: lambda points: points,
        Part.BARE_SKIN: at(
            *(50, 101, 36, 205, 187, 117, 118, 280, 330, 266, 425, 411, 346, 347),
            *(151, 9, 108, 337, 69, 299, 104, 333, 4, 5, 195, 197),
        ),
    },
    area_px2=lambda points: enclosed(_OVAL(points)),
)
