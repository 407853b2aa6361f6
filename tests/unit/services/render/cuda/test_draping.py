"""The face template on grids of faces, on a card, beside what the CPU says of the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.render.cuda import draping as draping_module
from services.render.cuda.draping import MOST_TRIANGLES, Draping
from services.render.effects.overlay.texture import Extent
from services.render.shape import FaceShape
from services.render.uv import laid, template_net
from shared.model.faces import Face
from shared.model.template import face_template

if TYPE_CHECKING:
    from services.render.region import Region
    from shared.cuda.device import Device

SIZE = (361, 379)
EVERYTHING = np.ones(len(face_template().triangles), np.bool_)


def turned(face: Face, degrees: float) -> Face:
    """To its side."""
    points, (cos, sin) = face.landmarks_px, (np.cos(np.radians(degrees)), np.sin(np.radians(degrees)))
    middle = points.mean(axis=0)
    turn = np.array([(cos, 0, sin), (0, 1, 0), (-sin, 0, cos)])
    return Face.of(((points - middle) @ turn.T + middle).astype(np.float32), 1.0)


def on_grids(faces: list[Face], wanted: np.ndarray) -> list[tuple[FaceShape, Region]]:
    found = []
    for face in faces:
        shape = FaceShape.of(face)
        assert shape is not None
        extent = Extent.of(shape, wanted, SIZE)
        assert extent is not None
        found.append((shape, extent.region))
    return found


def compared(device: Device, faces: list[Face], wanted: np.ndarray) -> None:
    """But for cells on the edge of two triangles all is what the CPU says, to a thousandth of the template."""
    given, draping = on_grids(faces, wanted), Draping(device)
    drawn = device.download(draping.laid(given, draping.wanted(wanted)))
    cells = len(drawn) // 3
    begin = 0
    for shape, region in given:
        expected, count = laid(shape, region, wanted), region.cells[0] * region.cells[1]
        uv = drawn[2 * begin : 2 * (begin + count)].reshape(expected.uv.shape)
        facing = drawn[2 * cells + begin : 2 * cells + begin + count].reshape(expected.facing.shape)
        shown = expected.facing > 0
        assert shown.any()
        assert np.mean(np.abs(facing - expected.facing) > 1e-3) < 0.002
        assert np.mean(np.abs(uv - expected.uv)[shown].max(axis=-1) > 1e-3) < 0.002
        begin += count
    assert begin == cells


@pytest.mark.parametrize("degrees", [0, 35, -70])
def test_it_lies_as_the_cpu_lays_it(device: Device, studio: Any, degrees: float) -> None:
    compared(device, [turned(studio.face(180, 190), degrees)], EVERYTHING)


@pytest.mark.parametrize("at", [(0, 0), (361, 190), (-20, 380)])
def test_on_a_face_that_is_half_out_of_the_picture_too(device: Device, studio: Any, at: tuple[int, int]) -> None:
    compared(device, [studio.face(*at)], EVERYTHING)


def test_several_faces_lie_one_behind_the_other(device: Device, studio: Any) -> None:
    compared(device, [studio.face(120, 130, 0.3), turned(studio.face(200, 190), 20), studio.face(330, 20)], EVERYTHING)


def test_what_is_not_wanted_is_left_out(device: Device, studio: Any) -> None:
    wanted = np.zeros_like(EVERYTHING)
    wanted[200:500] = True
    compared(device, [studio.face(180, 190)], wanted)


def test_kernels_have_room_for_the_template() -> None:
    assert template_net().corners.shape[1] <= MOST_TRIANGLES


def test_blocks_have_as_many_threads_as_their_kernel_has_room_for() -> None:
    assert f"__launch_bounds__({draping_module.THREADS}) seen(" in draping_module.SOURCE.read_text()
