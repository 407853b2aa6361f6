"""What kernels of textures are told of faces lies where they look for it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.render.cuda.records import JOB
from services.render.cuda.sheets import SHEET, Painted, Sheets, whole
from services.render.effects.overlay.texture import Extent
from services.render.region import size_of
from services.render.shape import FaceShape
from shared.model.template import face_template
from tests.cuda.devices import BOTH, opened
from tests.cuda.likeness import uploaded

if TYPE_CHECKING:
    from shared.cuda.device import Device
    from shared.cuda.pictures import CardPicture
    from tests.cuda.devices import Kind


@pytest.fixture(params=BOTH)
def device(request: pytest.FixtureRequest) -> Device:
    kind: Kind = request.param
    return opened(kind)


def painted_on(studio: Any, target: CardPicture) -> list[Painted]:
    wanted = np.ones(len(face_template().triangles), np.bool_)
    found = []
    for face in (studio.face(120, 130, 0.6), studio.face(300, 250)):
        shape = FaceShape.of(face)
        assert shape is not None
        extent = Extent.of(shape, wanted, size_of(target))
        assert extent is not None
        found.append(Painted(shape, extent, np.zeros((8, 8, 4), np.float32)))
    return found


def test_of_several_faces_each_part_begins_where_the_one_before_ends(device: Device, studio: Any) -> None:
    target = uploaded(device, studio.scene(361, 379).picture)
    faces = painted_on(studio, target)
    sheets = Sheets(target, faces, whole(faces[0].shape), 0.5)
    told, colours, records, points = sheets.arguments(target, [7, 9], device)
    written = device.download(told)
    read = written[records:points].view(SHEET)
    assert [sheet["level"] for sheet in read] == [7, 9]
    assert written[: 2 * JOB.itemsize].view(JOB)["luma"].tolist() == [device.address(target.planes[0])] * 2
    assert records - colours == 96
    first, second = faces
    here, there = (math.prod(face.extent.region.cells) for face in (first, second))
    assert sheets.cells == here + there
    assert read["first_cell"].tolist() == [0, here]
    rings = written[points:].view(np.int32).reshape(-1, 2)
    assert np.array_equal(rings[read["first_point"][1] :], np.concatenate(second.rings()))


def test_what_is_told_of_a_face_is_aligned_as_the_kernels_read_it(device: Device, studio: Any) -> None:
    target = uploaded(device, studio.scene().picture)
    faces = painted_on(studio, target)
    _, *begins = Sheets(target, faces, whole(faces[0].shape), 0.5).arguments(target, [0, 0], device)
    assert [int(begin) % 8 for begin in begins] == [0, 0, 0]
