"""Faces looked at on a card, beside the same faces looked at by the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from services.render.cuda.fetching import Fetched
from services.render.cuda.looking import upright
from tests.cuda.likeness import uploaded

if TYPE_CHECKING:
    from shared.cuda.device import Device
    from shared.model.pictures import Picture

SIDE = 80


def turned(degrees: float, scale: float, x: float, y: float) -> np.ndarray:
    """[2, 3] from a square of SIDE samples to a place in a picture."""
    turn = np.deg2rad(degrees)
    linear = scale * np.array(((np.cos(turn), -np.sin(turn)), (np.sin(turn), np.cos(turn))))
    return np.column_stack([linear, np.array((x, y)) - linear @ (SIDE / 2, SIDE / 2)])


def by_cpu(picture: Picture, affine: np.ndarray) -> np.ndarray:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(picture.planes[0], affine, (SIDE, SIDE), flags=flags, borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("size", [(360, 380), (131, 77)])
def test_faces_come_upright_as_the_cpu_has_them(device: Device, studio: Any, size: tuple[int, int]) -> None:
    picture, fetched = studio.scene(*size).picture, Fetched()
    affines = [
        turned(0, 1, 70, 40), turned(33, 0.4, 60, 60), turned(-120, 2.3, 90, 50), turned(12, 1.1, 3, 9),
        turned(5, 1, -5000, 3e6),
    ]  # fmt: skip
    seen = upright(device, uploaded(device, picture), affines, SIDE, fetched)
    apart = [np.abs(grey.astype(int) - by_cpu(picture, one)) for grey, one in zip(seen, affines, strict=True)]
    assert seen.shape == (5, SIDE, SIDE)
    assert max(int(one.max()) for one in apart) <= 1
    assert max(float(one.mean()) for one in apart) < 0.02
    assert (fetched.crops, fetched.crop_bytes, fetched.frames) == (5, 5 * SIDE * SIDE, 0)
