"""Where people are: the calmed mask, and the matte that follows the picture."""

from __future__ import annotations

from itertools import count
from typing import Any

import cv2
import numpy as np
import pytest

from services.render.people import People, coarse_alpha, matte
from services.render.region import Region, Scratch, size_of
from services.render.shape import FaceShape
from shared.model.faces import Layout
from shared.model.parts import Part
from shared.model.people import PeopleMask
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat


def blob(x: float = 32, seed: int | None = None) -> np.ndarray:
    """uint8 [64, 64]: somebody with soft edges; with a seed, as a trembling segmentation sees him."""
    rows, columns = np.mgrid[:64, :64]
    alpha = np.clip((16 - np.hypot(columns - x, rows - 34)) / 4 + 0.5, 0, 1)
    if seed is not None:
        noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, (64, 64)), (5, 5), 1.2)
        alpha += noise * 0.12 * ((alpha > 0) & (alpha < 1))
    return np.rint(np.clip(alpha, 0, 1) * 255).astype(np.uint8)


def after(*masks: np.ndarray, rate: float = 0.04) -> list[np.ndarray]:
    people = People()
    seen = [people.seen(PeopleMask.of(mask), seconds) for mask, seconds in zip(masks, count(0, rate), strict=False)]
    return [mask.astype(float) for mask in seen if mask is not None]


def test_the_first_mask_is_taken_as_it_is() -> None:
    assert np.array_equal(after(blob())[0], blob())


def test_the_mask_of_somebody_who_holds_still_is_calm() -> None:
    masks = [blob(seed=seed) for seed in range(30)]
    trembling, calm = (
        np.abs(np.diff(np.stack(film)[5:].astype(float), axis=0)).mean() for film in (masks, after(*masks))
    )
    assert trembling > 0.2
    assert calm < 0.35 * trembling


def test_somebody_who_moves_is_followed_at_once() -> None:
    seen = after(*[blob()] * 5, blob(44))[-1]
    moved = np.abs(blob().astype(float) - blob(44)) > 200
    assert np.abs(seen - blob(44))[moved].mean() < 6


def test_what_stays_changed_is_taken_over_even_if_it_is_little() -> None:
    lower = (blob() * 0.92).astype(np.uint8)
    assert np.abs(after(blob(), *[lower] * 20)[-1] - lower).max() < 2


def test_a_frame_without_a_mask_has_that_of_the_frame_before() -> None:
    people = People()
    assert people.seen(None, 0.0) is None
    people.seen(PeopleMask.of(blob()), 0.04)
    assert np.array_equal(people.seen(None, 0.08), blob())


def test_a_mask_is_as_calm_at_any_frame_rate() -> None:
    lower = (blob() * 0.92).astype(np.uint8)
    slow, quick = after(blob(), *[lower] * 5, rate=0.04)[-1], after(blob(), *[lower] * 10, rate=0.02)[-1]
    assert np.abs(slow - quick).max() <= 2


@pytest.mark.parametrize("rate", [3.0, -0.04])
def test_after_a_gap_or_a_jump_back_a_mask_is_taken_as_it_is(rate: float) -> None:
    lower = (blob() * 0.92).astype(np.uint8)
    assert np.array_equal(after(blob(), lower, rate=rate)[-1], lower)


def test_a_mask_of_another_size_begins_anew() -> None:
    assert np.array_equal(after(blob(), blob(44)[::2, ::2])[1], blob(44)[::2, ::2])


def alpha_of(picture: Picture, mask: np.ndarray, *heads: FaceShape) -> np.ndarray:
    """[height, width] 0..1."""
    made = matte(picture, mask, heads)
    luma = picture.planes[0]
    if luma.ndim == 3:
        luma = cv2.cvtColor(luma, cv2.COLOR_RGB2GRAY)
    return made.of(luma, made.region, Scratch()) / 255


def test_the_matte_ends_where_the_picture_says(silhouette: Any) -> None:
    alpha = alpha_of(silhouette.picture, silhouette.mask)
    assert np.percentile(alpha[silhouette.deep(3, outside=False)], 0.5) > 0.9
    assert np.percentile(alpha[silhouette.deep(3, outside=True)], 99.5) < 0.1
    height, width = alpha.shape
    wide = cv2.resize(silhouette.mask, (width, height)) / 255
    edge = silhouette.near(4, outside=True) | silhouette.near(4, outside=False)
    wrong, before = (np.abs(one - silhouette.inside)[edge].mean() for one in (alpha, wide))
    assert wrong < 0.3 * before


def test_far_from_edges_it_is_all_or_nothing_and_it_says_where_that_is(silhouette: Any) -> None:
    made = matte(silhouette.picture, silhouette.mask, ())
    alpha = alpha_of(silhouette.picture, silhouette.mask)
    step, (height, width) = made.region.step, alpha.shape
    some, whole = (one.repeat(step, 0).repeat(step, 1)[:height, :width] > 0 for one in made.reach)
    assert (alpha[~some] == 0).all()
    assert (alpha[whole] == 1).all()
    assert some.mean() < 0.6
    assert whole.mean() > 0.1


def test_a_doubtful_spot_amidst_somebody_is_his_and_a_gap_is_not(silhouette: Any) -> None:
    mask = silhouette.mask.copy()
    mask[26:29, 20:23], mask[26:29, 26:29] = 90, 5
    alpha = coarse_alpha(mask, mask.shape)
    assert alpha[27, 21] == 1
    assert alpha[27, 27] == 0
    mask[:29, 20:23] = 90  # no island any more
    assert coarse_alpha(mask, mask.shape)[27, 21] < 0.1


@pytest.mark.parametrize("layout", Layout)
def test_a_head_whose_landmarks_are_known_is_never_cut(layout: Layout, studio: Any) -> None:
    scene = studio.scene().seen_by(layout)
    head = FaceShape.of(scene.faces[0])
    assert head is not None
    alpha, face = alpha_of(scene.picture, np.zeros((64, 64), np.uint8), head), studio.scene().inside(Part.OVAL)
    rows, columns = np.mgrid[: alpha.shape[0], : alpha.shape[1]]
    x, y = studio.scene().faces[0].landmarks_px[4, :2]  # the tip of the nose
    core = np.hypot(columns - x, rows - y) < 0.25 * head.scale_px
    core |= (layout is not Layout.FIVE) & (cv2.erode(face.astype(np.uint8), np.ones((45, 45), np.uint8)) > 0)
    assert alpha[core].min() == 1
    assert alpha[:20].max() == 0


def test_a_part_of_the_frame_has_the_shares_that_the_whole_has(silhouette: Any) -> None:
    made = matte(silhouette.picture, silhouette.mask, ())
    luma = silhouette.picture.planes[0]
    luma = luma if luma.ndim == 2 else cv2.cvtColor(luma, cv2.COLOR_RGB2GRAY)
    whole = made.of(luma, made.region, Scratch()).copy()
    width, height = size_of(silhouette.picture)
    for x0, y0, x1, y1 in ((0, 0, 64, 40), (96, 40, width, height), (32, 80, 128, 96)):
        part = Region(x0, y0, x1, y1, made.region.step)
        assert np.array_equal(made.of(part.cut(luma, 1), part, Scratch()), part.cut(whole, 1))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 2), (1931, 3)])
def test_frames_of_any_size_have_a_matte(size: tuple[int, int]) -> None:
    picture = Picture.blank(Geometry(PixelFormat.I420, *size), Colour())
    picture.planes[0][...] = 100
    assert alpha_of(picture, np.full((64, 64), 255, np.uint8)).min() == 1
