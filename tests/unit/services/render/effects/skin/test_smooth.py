from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from services.render.effects.skin.smooth import EDGE_LEVELS, RADIUS
from services.render.shape import FaceShape
from shared.model.faces import Layout
from shared.model.looks import Look
from shared.model.parts import Part


@pytest.mark.parametrize("layout", [Layout.MESH, Layout.IBUG])
@pytest.mark.parametrize("part", [Part.LEFT_EYE, Part.RIGHT_EYE, Part.LEFT_BROW, Part.RIGHT_BROW, Part.LIPS])
def test_smoothing_leaves_every_bit_of_eyes_brows_and_lips(part: Part, layout: Layout, studio: Any, real: Any) -> None:
    for scene in (studio.scene(), real):
        target = scene.seen_by(layout).drawn(Look(smooth=1.0))
        inside = scene.inside(part)
        assert inside.any()
        assert np.array_equal(scene.picture.planes[0][inside], target.planes[0][inside])


def test_smoothing_takes_the_grain_off_the_skin(studio: Any) -> None:
    scene = studio.scene()
    target = scene.drawn(Look(smooth=1.0))
    cheek = studio.cheek(scene)
    assert target.planes[0][cheek].std() < 0.5 * scene.picture.planes[0][cheek].std()


def test_smoothing_keeps_an_edge_within_the_skin(studio: Any) -> None:
    scene = studio.scene()
    rows, columns = studio.cheek(scene)
    scene.picture.planes[0][rows, columns.start : columns.start + 8] -= 50
    target = scene.drawn(Look(smooth=1.0))
    before, after = (picture.planes[0][rows, columns].mean(axis=0) for picture in (scene.picture, target))
    assert after[8:].mean() - after[:8].mean() > 0.8 * (before[8:].mean() - before[:8].mean())


def test_smoothing_evens_blotches_of_colour(studio: Any) -> None:
    scene = studio.scene()
    x, y = (int(v) // 2 for v in scene.faces[0].landmarks_px[50, :2])
    blotch = np.s_[y - 1 : y + 2, x - 1 : x + 2]
    scene.picture.planes[2][blotch] += 5
    target = scene.drawn(Look(smooth=1.0))
    around = np.median(scene.picture.planes[2][y - 8 : y + 8, x - 8 : x + 8])
    assert target.planes[2][blotch].mean() - around < 0.7 * (scene.picture.planes[2][blotch].mean() - around)


def exact(luma: np.ndarray, radius: int) -> np.ndarray:
    """The guided filter that guides itself, at full size (He, Sun, Tang 2010)."""

    def mean(plane: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.blur(plane, (2 * radius + 1, 2 * radius + 1)))

    middle = mean(luma)
    variance = mean(luma * luma) - middle * middle
    kept = variance / (variance + EDGE_LEVELS**2)
    return mean(kept) * luma + mean(middle - middle * kept)


def likeness(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """SSIM of each pixel (Wang et al. 2004), Gaussian window of 1.5."""

    def mean(plane: np.ndarray) -> np.ndarray:
        return np.asarray(cv2.GaussianBlur(plane, (11, 11), 1.5))

    a, b = mean(one), mean(other)
    variances = mean(one * one) - a * a, mean(other * other) - b * b
    covariance = mean(one * other) - a * b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return np.asarray((2 * a * b + c1) * (2 * covariance + c2) / ((a * a + b * b + c1) * (sum(variances) + c2)))


@pytest.mark.parametrize("times", [1, 2, 4])
def test_it_is_like_the_exact_guided_filter_within_the_mask(times: int, clip: list[Any]) -> None:
    scene = clip[len(clip) // 2].enlarged(times)
    target, shape = scene.drawn(Look(smooth=1.0)), FaceShape.of(scene.faces[0])
    assert shape is not None
    luma = scene.picture.planes[0].astype(np.float32)
    wanted = exact(luma, max(1, round(RADIUS * shape.scale_px)))
    cheeks = (scene.inside(Part.RIGHT_CHEEK) | scene.inside(Part.LEFT_CHEEK)).astype(np.uint8)
    deep = cv2.erode(cheeks, np.ones((5, 5), np.uint8)).astype(bool)
    assert likeness(target.planes[0].astype(np.float32), wanted)[deep].mean() > 0.98
