"""Faces bent on a card, beside the same faces bent by the CPU.

OpenCV's resampling works in floating point and rounds once, and so does the card: samples differ by one level, and only
where both are within rounding of a half.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.render.bending import Bending, bend
from services.render.cuda import bending as bending_module
from services.render.cuda.bending import CardBending
from services.render.effects import SHAPE_EFFECTS
from services.render.region import Scratch
from services.render.shape import FaceShape
from shared.model.looks import Look
from tests.cuda.likeness import fetched, most_apart, psnr, uploaded
from tests.unit.services.render.pictures import same

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.render.bumps import Bumps
    from shared.cuda.device import Device
    from shared.model.faces import Face
    from shared.model.pictures import Picture

TWO_WAY = ("chin_length", "forehead", "eye_distance", "nose_length", "mouth_size", "smile")
VALUES = [(name, value) for name in SHAPE_EFFECTS for value in (-1.0, 0.5, 1.0) if value > 0 or name in TWO_WAY]
EVERYTHING = Look(**dict.fromkeys(SHAPE_EFFECTS, 1.0))
LEAST_DB = 60.0
"""What is asked of the card is 40; what it reaches is kept."""


def shapes_of(faces: Sequence[Face]) -> list[FaceShape]:
    return [shape for face in faces if (shape := FaceShape.of(face)) is not None]


def by_cpu(scene: Any, look: Look) -> tuple[Picture, list[Bumps | None]]:
    target, bending, drawn = scene.copy(), Bending(look), []
    for shape in shapes_of(scene.faces):
        bumps = bending.bumps(shape)
        drawn.append(bumps and bend(target, shape, bumps, Scratch()))
    return target, drawn


def compared(device: Device, scene: Any, look: Look) -> None:
    """Outside of what the CPU changes nothing may change, and inside little may differ."""
    expected, _ = by_cpu(scene, look)
    there = uploaded(device, scene.picture)
    CardBending(look).draw(there, shapes_of(scene.faces), device)
    drawn = fetched(device, there)
    assert psnr(scene.picture, expected, drawn) >= LEAST_DB
    assert most_apart(expected, drawn) <= 1


@pytest.mark.parametrize(("effect", "value"), VALUES)
def test_an_effect_bends_a_face_as_by_the_cpu(effect: str, value: float, device: Device, studio: Any) -> None:
    compared(device, studio.scene(361, 379), Look.of(effect, value))


def test_a_real_face_is_bent_as_by_the_cpu(device: Device, real: Any) -> None:
    for look in (Look(slim_face=1), Look(slim_face=0.5, enlarge_eyes=0.7, smile=-0.4), EVERYTHING):
        compared(device, real, look)


def test_full_range_is_bent_as_by_the_cpu(device: Device, studio: Any) -> None:
    compared(device, studio.scene(full_range=True), Look(enlarge_eyes=1, slim_face=1))


@pytest.mark.parametrize("at", [(0, 0), (361, 190), (180, 379), (-20, 380), (370, 390)])
def test_a_face_that_is_half_out_of_the_picture_is_bent_as_by_the_cpu(
    at: tuple[int, int], device: Device, studio: Any
) -> None:
    scene = studio.scene(361, 379)
    compared(device, type(scene)(scene.picture, (studio.face(*at),)), EVERYTHING)


@pytest.mark.parametrize("scale", [0.08, 0.3, 3.0, 40.0])
def test_a_face_of_any_size_is_bent_as_by_the_cpu(scale: float, device: Device, studio: Any) -> None:
    scene = studio.scene(361, 379)
    compared(device, type(scene)(scene.picture, (studio.face(180, 190 + 20 * scale, scale),)), EVERYTHING)


def test_a_face_that_is_out_of_the_picture_changes_nothing(device: Device, studio: Any) -> None:
    scene = studio.scene()
    there = uploaded(device, scene.picture)
    bent = CardBending(Look(smile=1)).draw(there, shapes_of([studio.face(-900, 100)]), device)
    assert bent.told[0] is not None
    assert bent.times() == [0]
    assert same(fetched(device, there), scene.picture)


def test_faces_that_overlap_are_bent_in_their_order(device: Device, studio: Any) -> None:
    scene = studio.scene(560, 420)
    faces = (studio.face(200, 210, 0.7), studio.face(430, 200, 0.5), studio.face(280, 215))
    compared(device, type(scene)(scene.picture, faces), Look(slim_face=1, enlarge_eyes=1, mouth_size=1))
    there, backwards = uploaded(device, scene.picture), uploaded(device, scene.picture)
    bending = CardBending(Look(slim_face=1))
    bending.draw(there, shapes_of(faces), device)
    bending.draw(backwards, shapes_of(faces[::-1]), device)
    assert not same(fetched(device, there), fetched(device, backwards))


def test_how_much_bumps_were_weakened_that_would_fold_the_face_stands_on_the_card(
    device: Device, studio: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the larger face they are: its eyes are then magnified so little that a linear resampling does."""
    scene = studio.scene(560, 420)
    scene = type(scene)(scene.picture, (studio.face(150, 210, 0.6), studio.face(400, 210, 0.8)))
    plain = Bending.bumps

    def strong(own: Bending, shape: FaceShape) -> Bumps | None:
        bumps = plain(own, shape)
        return bumps and replace(bumps, pulls_px=bumps.pulls_px * np.float32(9 if shape.scale_px > 130 else 1))

    monkeypatch.setattr(Bending, "bumps", strong)
    look = Look(slim_face=1, enlarge_eyes=0.5)
    expected, weakened = by_cpu(scene, look)
    there = uploaded(device, scene.picture)
    bent = CardBending(look).draw(there, shapes_of(scene.faces), device)
    drawn = fetched(device, there)
    assert psnr(scene.picture, expected, drawn) >= LEAST_DB
    assert most_apart(expected, drawn) <= 1
    for where, told, other in zip(bent.times(), bent.told, weakened, strict=True):
        assert told is not None
        assert other is not None
        times = float(device.download(device.borrowed(where, (4,))).view(np.float32)[0])
        assert told.times(times).pulls_px == pytest.approx(other.pulls_px, abs=1e-4)
        assert told.times(times).zooms == pytest.approx(other.zooms, abs=1e-4)


def test_a_look_without_shapes_bends_nothing(device: Device, studio: Any) -> None:
    scene = studio.scene()
    there = uploaded(device, scene.picture)
    bent = CardBending(Look(smooth=1)).draw(there, shapes_of(scene.faces), device)
    assert (bent.told, bent.times()) == ((None,), [0])
    assert same(fetched(device, there), scene.picture)


def test_what_is_magnified_stays_within_the_extremes_around(device: Device, studio: Any) -> None:
    scene = studio.scene()
    scene.picture.planes[0][...] = np.where(np.indices(scene.picture.planes[0].shape).sum(0) % 6 < 3, 16, 235)
    there = uploaded(device, scene.picture)
    CardBending(Look(enlarge_eyes=1)).draw(there, shapes_of(scene.faces), device)
    drawn = fetched(device, there).planes[0]
    assert drawn.min() == 16
    assert drawn.max() == 235


def test_blocks_have_as_many_threads_as_their_kernels_have_room_for() -> None:
    assert f"#define THREADS {bending_module.THREADS}\n" in bending_module.SOURCE.read_text()
