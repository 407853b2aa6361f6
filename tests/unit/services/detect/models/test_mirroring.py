"""How two answers about one face, one of them through a mirror, become one."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import helper

from services.detect.models.emitting import FLOAT, Emitter
from services.detect.models.mirroring import DOUBTFUL, MIRRORED_68, OUTER_EYES, emit_agreed, emit_with_mirror

random = np.random.default_rng(5)
FACE = random.uniform(0.2, 0.8, (68, 2)).astype(np.float32)


def run(e: Emitter, inputs: dict[str, list[Any]], outputs: dict[str, list[Any]], **feeds: Any) -> list[Any]:
    infos = [[helper.make_tensor_value_info(n, FLOAT, s) for n, s in ends.items()] for ends in (inputs, outputs)]
    session = onnxruntime.InferenceSession(e.model("mirror", *infos), providers=["CPUExecutionProvider"])
    return list(session.run(None, feeds))


def mirrored(face: Any) -> Any:
    """What a model says of the mirror image."""
    other = face[:, list(MIRRORED_68)].copy()
    other[..., 0] = 1 - other[..., 0]
    return other


def agreed(straight: Any, mirror: Any) -> list[Any]:
    e = Emitter()
    mean, presence = emit_agreed(e, "answers")
    e.node("Identity", mean, name="mean")
    e.node("Identity", presence, name="presence")
    outputs = {"mean": ["n", 68, 2], "presence": ["n"]}
    return run(e, {"answers": ["m", 68, 2]}, outputs, answers=np.concatenate([straight, mirror]))


def test_crops_stand_before_their_mirror_images() -> None:
    e = Emitter()
    e.node("Identity", emit_with_mirror(e, "crops"), name="both")
    crops = random.random((2, 3, 4, 4), np.float32)
    (both,) = run(e, {"crops": ["n", 3, 4, 4]}, {"both": ["m", 3, 4, 4]}, crops=crops)
    np.testing.assert_array_equal(both, np.concatenate([crops, crops[..., ::-1]]))


def test_a_mirror_shows_each_point_as_another_and_twice_as_itself() -> None:
    twice = [MIRRORED_68[other] for other in MIRRORED_68]
    assert twice == list(range(68))
    assert [n for n in range(68) if MIRRORED_68[n] == n] == [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]
    assert MIRRORED_68[OUTER_EYES[0]] == OUTER_EYES[1]


def test_two_answers_that_agree_are_believed_as_they_are() -> None:
    faces = np.stack([FACE, FACE[::-1]])
    mean, presence = agreed(faces, mirrored(faces))
    np.testing.assert_allclose(mean, faces, atol=1e-6)
    np.testing.assert_allclose(presence, 1, atol=1e-5)


@pytest.mark.parametrize(("share", "expected"), [(DOUBTFUL / 2, 0.75), (DOUBTFUL, 0.5), (3 * DOUBTFUL, 0.0)])
def test_the_farther_apart_the_less_they_are_believed(share: float, expected: float) -> None:
    eyes = np.linalg.norm(FACE[OUTER_EYES[0]] - FACE[OUTER_EYES[1]])
    moved = (FACE + np.array((0, share * eyes))).astype(np.float32)
    mean, presence = agreed(FACE[None], mirrored(moved[None]))
    np.testing.assert_allclose(presence, [expected], atol=1e-4)
    np.testing.assert_allclose(mean[0], (FACE + moved) / 2, atol=1e-6)
