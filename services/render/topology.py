"""Which landmarks make up which part of a face: index sets of the MediaPipe Face Mesh (468 points).

Source: the connection sets FACEMESH_FACE_OVAL, _LIPS, _LEFT_EYE, _RIGHT_EYE, _LEFT_EYEBROW and _RIGHT_EYEBROW of
MediaPipe 0.10, walked into closed rings. Left and right are the person's own, so "right" lies left in the picture.
"""

from __future__ import annotations

from typing import Final

FACE_OVAL: Final = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288),
    *(397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136),
    *(172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""From the top of the forehead round the face."""

TOP: Final = 10
CHIN: Final = 152
"""The ends of FACE_OVAL on the middle line."""

RIGHT_EYE: Final = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE: Final = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
"""Rings from the outer corner along the lower lid to the inner corner and back along the upper lid."""

RIGHT_EYE_CORNERS: Final = (33, 133)
LEFT_EYE_CORNERS: Final = (263, 362)
"""Outer, inner."""

RIGHT_BROW: Final = (46, 53, 52, 65, 55, 107, 66, 105, 63, 70)
LEFT_BROW: Final = (276, 283, 282, 295, 285, 336, 296, 334, 293, 300)

LIPS: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
"""The outer ring; an open mouth lies inside."""

JAW_PAIRS: Final = (
    *((93, 323), (132, 361), (58, 288), (172, 397), (136, 365)),
    *((150, 379), (149, 378), (176, 400), (148, 377)),
)
"""Opposite points of FACE_OVAL, right and left, from beside the ear down to the chin."""

BARE_SKIN: Final = (
    *(50, 101, 36, 205, 187, 117, 118, 280, 330, 266, 425, 411, 346, 347),
    *(151, 9, 108, 337, 69, 299, 104, 333, 4, 5, 195, 197),
)
"""Cheeks, forehead and the ridge of the nose: where hair, lips and shadows are rare."""
