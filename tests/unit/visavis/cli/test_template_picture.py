"""The picture to paint on shows the mesh where textures are taken from, and nothing elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from shared.model.parts import Part
from shared.model.template import face_template
from visavis.cli.template_picture import template_picture

SIZE = 512


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return template_picture(SIZE)


def at(picture: np.ndarray, uv: np.ndarray) -> np.ndarray:
    u, v = np.rint(uv * SIZE - 0.5).astype(int)
    return picture[v, u].astype(int)


def middle(part: Part) -> np.ndarray:
    template = face_template()
    ring = template.uv[template.lines[part]]
    return (ring.min(axis=0) + ring.max(axis=0)) / 2


def test_it_is_transparent_beyond_the_face_and_in_eyes_and_mouth(picture: np.ndarray) -> None:
    assert picture.shape == (SIZE, SIZE, 4)
    assert not picture[:40].any()
    assert not picture[:, :6].any()
    for part in (Part.RIGHT_EYE, Part.LEFT_EYE, Part.MOUTH):
        assert at(picture, middle(part))[3] == 0


def test_the_face_is_tinted_lightly_and_its_parts_in_their_colours(picture: np.ndarray) -> None:
    template = face_template()
    middles = template.uv[template.triangles].mean(axis=1)
    assert np.mean([at(picture, one)[3] > 0 for one in middles]) > 0.98
    within = {
        part: middles[np.isin(template.triangles, template.lines[part]).all(axis=1)]
        for part in (Part.RIGHT_BROW, Part.LEFT_BROW)
    }
    for part, ones in within.items():
        brow = np.median([at(picture, one) for one in ones], axis=0)
        assert brow[0] > brow[2] + 40, part
    assert at(picture, template.uv[[50, 101, 36]].mean(axis=0))[3] < 60  # a cheek
    u, v = np.rint(template.uv[17] * SIZE).astype(int)
    lip = picture[v - 6 : v, u - 6 : u + 6].reshape(-1, 4).astype(int)
    assert (lip[:, 0] - lip[:, 1]).max() > 60


def test_every_edge_of_the_mesh_is_a_line(picture: np.ndarray) -> None:
    template = face_template()
    for triangle in template.triangles[::29]:
        ends = template.uv[triangle[:2]]
        assert at(picture, ends.mean(axis=0))[3] > 45


def test_it_is_symmetric_but_for_the_words(picture: np.ndarray) -> None:
    differ = np.abs(picture.astype(int) - picture[:, ::-1]).max(axis=-1) > 60
    assert differ.mean() < 0.02
