from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from services.render.effects import EYE_EFFECTS, FACE_EFFECTS, MOUTH_EFFECTS
from services.render.eyes import EYES
from services.render.region import Scratch
from services.render.shape import FaceShape
from services.render.toning import FACE, MOUTH, Toning, of_eye, region_of
from shared.model.effects import Eyeliner, Lipstick
from shared.model.looks import EFFECTS, Look
from shared.model.needs import NEEDS


def toned(scene: Any, look: Look) -> np.ndarray:
    target, shape = scene.copy(), FaceShape.of(scene.faces[0])
    assert shape is not None
    Toning(look).draw(target, shape, Scratch())
    return np.asarray(target.planes[0])


def test_only_what_the_look_draws_on_is_touched(studio: Any) -> None:
    scene = studio.scene()
    luma = scene.picture.planes[0]
    lips, eyes = toned(scene, Look(lipstick=Lipstick(amount=1))), toned(scene, Look(eyeliner=Eyeliner(amount=1)))
    around_lips, around_eyes = np.nonzero(lips != luma)[0], np.nonzero(eyes != luma)[0]
    assert around_eyes.max() < around_lips.min()


def test_later_passes_draw_over_earlier_ones(studio: Any) -> None:
    scene = studio.scene()
    both = toned(scene, Look(whiten=1, lipstick=Lipstick(amount=1)))
    assert not np.array_equal(both, toned(scene, Look(whiten=1)))
    cheek = studio.cheek(scene)
    assert np.array_equal(both[cheek], toned(scene, Look(whiten=1))[cheek])


def test_fine_features_are_drawn_finer_than_skin(studio: Any) -> None:
    scene = studio.scene(width=900, height=900)
    large = type(scene)(scene.picture, (studio.face(450, 450, 3.0),))
    scene.picture.planes[0][...] = 150
    steps = np.abs(np.diff(toned(large, Look(lipstick=Lipstick(amount=1))).astype(int), axis=0)).max()
    assert steps > 3  # on the grid of the skin it would be 2


def test_a_look_without_tones_draws_nothing(studio: Any) -> None:
    scene = studio.scene()
    assert np.array_equal(toned(scene, Look(slim_face=1)), scene.picture.planes[0])


EXTENTS = {
    **dict.fromkeys(FACE_EFFECTS, (FACE,)),
    **dict.fromkeys(MOUTH_EFFECTS, (MOUTH,)),
    **dict.fromkeys(EYE_EFFECTS, tuple(of_eye(eye) for eye in EYES)),
}


@pytest.mark.parametrize("effect", EXTENTS)
def test_nothing_is_drawn_along_the_border_of_what_is_drawn_on(effect: str, clip: list[Any]) -> None:
    for scene in (clip[0], clip[-1].enlarged(2)):
        shape = FaceShape.of(scene.faces[0])
        assert shape is not None
        changed = toned(scene, Look.of(effect, 1.0)) != scene.picture.planes[0]
        regions = [region_of(scene.picture, shape, extent) for extent in EXTENTS[effect]]
        for region in regions:
            assert region is not None
            own = changed.copy()
            for other in regions:  # on a head that tilts what is drawn on the other eye may lie in this one's corner
                if other is not region and other is not None:
                    other.cut(own, 1)[...] = False
            inside = region.cut(own, 1)
            assert not inside[[0, -1]].any()
            assert not inside[:, [0, -1]].any()


@pytest.mark.parametrize("effect", EXTENTS)
def test_an_effect_asks_for_the_parts_that_it_is_said_to_need_and_no_others(effect: str, studio: Any) -> None:
    scene = studio.scene()
    shape = FaceShape.of(scene.faces[0])
    assert shape is not None
    Toning(Look.of(effect, 1.0)).draw(scene.copy(), shape, Scratch())
    assert shape.asked == NEEDS[effect]


def test_passes_laid_end_to_end_follow_the_order_of_the_definition() -> None:
    drawn = [*FACE_EFFECTS, *EYE_EFFECTS, *MOUTH_EFFECTS]
    assert drawn == [name for name in EFFECTS if name in drawn]
