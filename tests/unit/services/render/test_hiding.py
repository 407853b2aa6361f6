"""What hides heads: nothing is left within, every bit far away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from services.render.head import Head
from services.render.hiding import FEATHER, hide
from services.render.region import Scratch
from shared.model.effects import FaceCover
from shared.model.looks import PRIVACY, Look
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.unit.services.render.pictures import HOST_LAYOUTS

LOOKS = {
    "face_blur": Look(face_blur=1.0),
    "face_pixelate": Look(face_pixelate=1.0),
    "face_cover": Look(face_cover=FaceCover()),
}
PICTURES = {
    "i420": {},
    "i420 odd": {"width": 361, "height": 379},
    "i420 full range": {"full_range": True},
    "rgb24": {"layout": PixelFormat.RGB24, "width": 361, "height": 379},
}
EVERY_WAY = pytest.mark.parametrize("name", PRIVACY)
EVERY_PICTURE = pytest.mark.parametrize("kind", PICTURES)


def hidden(picture: Picture, heads: list[Head], look: Look) -> Picture:
    target = Picture.blank(picture.geometry, picture.colour)
    picture.copy_to(target)
    hide(target, heads, look, Scratch())
    return target


def within(picture: Picture, head: Head, plane: int) -> np.ndarray:
    """True for the samples of a plane that show nothing but the head."""
    mask = np.zeros((picture.geometry.height, picture.geometry.width), np.uint8)
    cv2.fillConvexPoly(mask, np.rint(head.ring_px * 16).astype(np.int32), 1, shift=4)
    if picture.planes[plane].shape[:2] == mask.shape:
        return mask.astype(bool)
    mask = np.pad(mask, [(0, size % 2) for size in mask.shape], mode="edge")
    return mask.reshape(mask.shape[0] // 2, 2, mask.shape[1] // 2, 2).min(axis=(1, 3)).astype(bool)


def head_of(scene: Any) -> Head:
    head = Head.of(scene.faces[0])
    assert head is not None
    return head


@EVERY_WAY
@EVERY_PICTURE
def test_no_fine_detail_within_a_head_has_anything_to_do_with_what_is_shown(kind: str, name: str, studio: Any) -> None:
    """A pattern of single samples, of no mean, is laid over all that is hidden: what comes out is the same."""
    scene = studio.scene(**PICTURES[kind])
    head, noise = head_of(scene), np.random.default_rng(1)
    other = scene.copy()
    for number, plane in enumerate(other.planes):
        inside = within(scene.picture, head.grown(0.97), number)
        pairs = noise.integers(-20, 21, (*plane.shape[:1], plane.shape[1] // 2, *plane.shape[2:]))
        pattern = np.stack([pairs, -pairs], axis=2).reshape(plane.shape[0], -1, *plane.shape[2:])
        whole = (inside[:, : pattern.shape[1] : 2] & inside[:, 1 : pattern.shape[1] : 2]).repeat(2, axis=1)
        region = plane[:, : pattern.shape[1]]
        region[whole] = np.clip(region.astype(int) + pattern, 0, 255)[whole]
    one, two = hidden(scene.picture, [head], LOOKS[name]), hidden(other, [head], LOOKS[name])
    for number, (a, b, source) in enumerate(zip(one.planes, two.planes, scene.picture.planes, strict=True)):
        inside = within(scene.picture, head, number)
        assert np.abs(source.astype(int) - other.planes[number])[inside].max() >= 20
        assert np.abs(a.astype(int) - b)[inside].max() <= (0 if name == "face_cover" else 3)


@EVERY_WAY
@EVERY_PICTURE
def test_what_lies_beyond_the_soft_edge_stays_bit_by_bit(kind: str, name: str, studio: Any) -> None:
    scene = studio.scene(**{"width": 700, "height": 720, **PICTURES[kind]})
    if scene.picture.geometry.width < 700:
        scene = replace(scene, faces=(studio.face(180, 190, 0.5),))
    head = head_of(scene)
    target = hidden(scene.picture, [head], LOOKS[name])
    reach = head.widened(2.5 * FEATHER * head.size_px + 16)
    for number, (before, after) in enumerate(zip(scene.picture.planes, target.planes, strict=True)):
        near = within(scene.picture, reach, number)
        assert np.array_equal(before[~near], after[~near])
        assert not np.array_equal(before[near], after[near])


def test_the_edge_is_soft(studio: Any) -> None:
    scene = studio.scene()
    scene.picture.planes[0][...] = np.linspace(60, 90, scene.picture.planes[0].shape[0])[:, None]
    target = hidden(scene.picture, [head_of(scene)], Look(face_cover=FaceCover(color="#ffffff")))
    assert np.abs(np.diff(target.planes[0].astype(int), axis=1)).max() < 40


@EVERY_WAY
@pytest.mark.parametrize("layout", HOST_LAYOUTS)
@pytest.mark.parametrize(
    "place", [(0, 0, 1), (359, 379, 1), (180, -60, 1), (-90, 190, 1), (180, 190, 4), (5000, 5000, 1), (180, 190, 0.02)]
)
def test_a_head_anywhere_and_of_any_size_is_hidden_without_harm(
    place: tuple[float, float, float], layout: PixelFormat, name: str, studio: Any
) -> None:
    scene = studio.scene(361, 379, layout)
    head = head_of(replace(scene, faces=(studio.face(*place),)))
    target = hidden(scene.picture, [head], LOOKS[name])
    shown = within(scene.picture, head, 0)
    assert target.geometry == scene.picture.geometry
    if name == "face_cover" and shown.any():
        assert np.ptp(target.planes[0][shown], axis=0).max() == 0


@EVERY_WAY
@pytest.mark.parametrize("size", [(1, 1), (1, 4), (2, 8), (1, 9), (9, 1), (2, 2), (17, 3)])
@pytest.mark.parametrize("layout", HOST_LAYOUTS)
def test_the_smallest_pictures_are_hidden_whole(size: tuple[int, int], layout: PixelFormat, name: str) -> None:
    picture = Picture.blank(Geometry(layout, *size), Colour())
    for plane in picture.planes:
        plane[...] = np.arange(plane.size).reshape(plane.shape) % 200
    target = hidden(picture, [Head.at((-5, -5, 22, 14))], LOOKS[name])
    if name == "face_cover":
        assert all(np.ptp(plane, axis=(0, 1)).max() == 0 for plane in target.planes)


def test_several_ways_are_drawn_over_each_other_in_the_order_of_the_fields(studio: Any) -> None:
    scene = studio.scene()
    head = head_of(scene)
    both = hidden(scene.picture, [head], Look(face_blur=1.0, face_cover=FaceCover(color="#00ff00")))
    assert np.ptp(both.planes[0][within(scene.picture, head, 0)]) == 0


def test_heads_that_overlap_are_both_hidden(studio: Any) -> None:
    scene = studio.scene(600, 420)
    heads = [Head.at((100, 100, 200, 200)), Head.at((180, 120, 280, 220))]
    target = hidden(scene.picture, heads, LOOKS["face_cover"])
    for head in heads:
        assert np.ptp(target.planes[0][within(scene.picture, head, 0)]) == 0


@EVERY_WAY
def test_no_outline_is_left_of_a_head_that_is_cut_out(name: str, studio: Any) -> None:
    scene = studio.scene(layout=PixelFormat.RGB24)
    head = head_of(scene)
    stripes = np.arange(360) // 3 % 2
    shown = []
    for there in (stripes, 1 - stripes):
        alpha = np.repeat(there[None].astype(np.uint8) * 255, 380, axis=0)
        target = replace(scene.copy(), alpha=alpha)
        target.planes[0][alpha == 0] = 0
        hide(target, [head], LOOKS[name], Scratch())
        assert target.alpha is not None
        shown.append(target.alpha[within(target, head, 0)].astype(int))
        far = np.hypot(*(np.mgrid[:380, :360] - head.ring_px.mean(axis=0)[::-1, None, None])) > head.size_px
        assert (target.alpha[far] == np.repeat(there[None] * 255, 380, axis=0)[far]).all()
    assert np.abs(shown[0] - shown[1]).max() <= 32  # of 255 that the stripes have
    assert name != "face_cover" or (shown[0] == 255).all()
