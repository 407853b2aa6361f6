from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.render.cuda.places import EFFECTS, PARTS, Extent, Places
from services.render.cuda.records import BARE_POINTS, MOST_POINTS
from services.render.effects import EYE_EFFECTS, FACE_EFFECTS, MOUTH_EFFECTS
from services.render.effects.makeup.eyeliner import lash_line
from services.render.eyes import EYES
from services.render.shape import FaceShape
from services.render.skin import FEATURES
from shared.model.faces import Layout
from shared.model.needs import NEEDS, layouts_of
from shared.model.parts import Part

LAYOUTS = (Layout.MESH, Layout.IBUG)


def extents(layout: Layout) -> list[Extent]:
    """Each with all effects that faces of a layout can carry."""
    found = [(FACE_EFFECTS, None), (MOUTH_EFFECTS, None), *((EYE_EFFECTS, eye) for eye in EYES)]
    return [Extent(tuple(name for name in names if layout in layouts_of(name)), eye) for names, eye in found]


def shape_of(layouts: dict[Layout, Any], layout: Layout) -> FaceShape:
    shape = FaceShape.of(layouts[layout])
    assert shape is not None
    return shape


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_part_is_where_the_layout_has_it(layout: Layout, layouts: dict[Layout, Any]) -> None:
    shape = shape_of(layouts, layout)
    for extent in extents(layout):
        places = Places(extent, shape.topology, len(shape.points_px))
        points, start = np.concatenate(places.points_px(shape)), 0
        expected: dict[str, Any] = {name: shape.part(part) for name, part in extent.parts()}
        if extent.is_face:
            expected[Part.OVAL] = shape.part(Part.OVAL)
        if extent.eye is not None:
            eye = extent.eye
            expected["lashes"] = lash_line(shape.part(eye.upper_lid), shape.part(eye.corners), shape.part(eye.brow))
        assert places.counts.keys() == expected.keys()
        for name, count in places.counts.items():
            assert np.allclose(points[start : start + count], expected[name], atol=1e-3)
            start += count
        assert start == len(points)


def test_of_a_face_without_effects_it_is_told_where_its_skin_is(layouts: dict[Layout, Any]) -> None:
    shape = shape_of(layouts, Layout.MESH)
    bare = Extent((), None)
    assert bare.is_face
    places = Places(bare, shape.topology, len(shape.points_px))
    assert set(places.counts) == {Part.BARE_SKIN, Part.OVAL, *FEATURES}
    assert not Extent((), EYES[0]).is_face


@pytest.mark.parametrize("effect", EFFECTS)
def test_no_part_is_looked_for_that_an_effect_does_not_need(effect: str) -> None:
    for eye in EYES if effect in EYE_EFFECTS else (None,):
        assert {part for _, part in Extent((effect,), eye).parts()} <= NEEDS[effect]


def test_kernels_know_every_part_by_one_number() -> None:
    assert len(set(PARTS)) == len(PARTS)
    named = {name for layout in LAYOUTS for extent in extents(layout) for name, _ in extent.parts()}
    assert named | {Part.OVAL, "lashes"} == set(PARTS)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_kernels_have_room_for_the_points_of_every_layout(layout: Layout, layouts: dict[Layout, Any]) -> None:
    shape = shape_of(layouts, layout)
    for extent in extents(layout):
        counts = Places(extent, shape.topology, len(shape.points_px)).counts
        assert sum(counts.values()) <= MOST_POINTS
        assert counts[Part.BARE_SKIN] <= BARE_POINTS
