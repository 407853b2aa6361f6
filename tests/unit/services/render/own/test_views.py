"""One face as an author's function sees it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.render.own.views import Views, region_of
from services.render.shape import FaceShape
from shared.model.faces import Layout
from shared.model.parts import GIVEN, Part
from shared.model.pictures import PixelFormat
from visavis.effects import FaceView


def view_of(scene: Any) -> tuple[FaceView, Any]:
    shape = FaceShape.of(scene.faces[0].known_as(3))
    assert shape is not None
    region = region_of(shape, scene.picture)
    assert region is not None
    pixels = np.zeros((*region.shape(1), 3), np.uint8)
    return Views(scene.picture, shape, region, 2.5).of(pixels), region


@pytest.mark.parametrize("kind", [PixelFormat.I420, PixelFormat.RGB24])
def test_everything_counts_from_the_regions_corner(kind: PixelFormat, studio: Any) -> None:
    scene = studio.scene(layout=kind)
    view, region = view_of(scene)
    corner = np.array((region.x0, region.y0, 0))
    assert np.allclose(view.landmarks + corner, scene.faces[0].landmarks_px, atol=1e-3)
    assert np.allclose(view.parts["mesh"], view.landmarks[:, :2])
    assert (view.layout, view.track, view.seconds) == (468, 3, 2.5)
    assert view.scale == pytest.approx(np.ptp(view.landmarks[:, 0]), rel=0.25)
    assert view.skin.shape == view.rgb.shape[:2] == region.shape(1)


def test_skin_is_on_the_cheeks_and_not_on_eyes_lips_and_ground(studio: Any) -> None:
    view, _ = view_of(studio.scene())
    at = {
        name: view.skin[tuple(np.rint(view.parts[name].mean(axis=0)[::-1]).astype(int))]
        for name in ("lips", "left-eye")
    }
    x, y = np.rint(view.landmarks[50, :2]).astype(int)
    assert view.skin[y, x] > 0.8
    assert set(at.values()) == {0.0}
    assert view.skin[0].max() == 0.0


@pytest.mark.parametrize("layout", Layout)
def test_every_layout_names_the_parts_that_it_gives(layout: Layout, studio: Any) -> None:
    view, _ = view_of(studio.scene().seen_by(layout))
    assert set(view.parts) == GIVEN[layout]
    assert len(view.parts) == len(GIVEN[layout])
    assert all(view.parts[name].dtype == np.float32 for name in view.parts)


def test_a_part_that_is_not_there_says_who_has_it(studio: Any) -> None:
    view, _ = view_of(studio.scene().seen_by(Layout.FIVE))
    assert view.parts.get("oval") is None
    with pytest.raises(KeyError, match=r"faces of 5 points have no lips; declare layouts=\(468, 68\)"):
        view.parts["lips"]
    with pytest.raises(KeyError, match=r"skin: faces of 5 points have no oval; declare layouts=\(468, 68\)"):
        _ = view.skin
    with pytest.raises(KeyError, match=f"no part 'ears' of a face; there are: {Part.OVAL}"):
        view.parts["ears"]


def test_what_effects_have_in_common_cannot_be_changed(studio: Any) -> None:
    view, _ = view_of(studio.scene())
    for array in (view.landmarks, view.parts["lips"], view.skin):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize("layout", Layout)
def test_the_whole_face_is_in_the_region(layout: Layout, studio: Any) -> None:
    scene = studio.scene(700, 700)
    x0, y0, x1, y1 = scene.faces[0].box_px
    _, region = view_of(scene.seen_by(layout))
    assert region.x0 < x0 < x1 < region.x1
    assert region.y0 < y0 < y1 < region.y1
