"""BlazeFace without its head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime
import pytest

from services.detect.models.headless import headless
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path

IMAGES: Any = np.random.default_rng(4).integers(0, 256, (3, 64, 96, 3), np.uint8)


def run(content: bytes, images: Any) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return dict(zip([one.name for one in session.get_outputs()], session.run(None, {"image": images}), strict=True))


@pytest.mark.parametrize(("name", "anchors"), [("full", 16 * 24), ("short", 8 * 12 * 2 + 4 * 6 * 6)])
def test_what_is_said_of_many_pictures_is_what_is_said_of_each(models_folder: Path, name: str, anchors: int) -> None:
    content = headless((models_folder / f"blazeface_{name}_range.onnx").read_bytes())
    together = run(content, IMAGES)
    assert together["rows"].shape == (3, anchors, 16)
    assert together["logits"].shape == (3, anchors, 1)
    for number in range(len(IMAGES)):
        alone = run(content, IMAGES[number : number + 1])
        for output, values in alone.items():
            np.testing.assert_allclose(together[output][number], values[0], atol=1e-4)


def test_nothing_of_the_head_is_left(models_folder: Path) -> None:
    whole = (models_folder / "blazeface_full_range.onnx").read_bytes()
    kinds = {node.op_type for node in onnx.load_from_string(headless(whole)).graph.node}
    assert not kinds & {"TopK", "NonMaxSuppression", "Gather", "CumSum"}


def test_a_model_of_another_family_is_refused(models_folder: Path) -> None:
    with pytest.raises(Misconfigured, match="has no head as BlazeFace's"):
        headless((models_folder / "face_mesh.onnx").read_bytes())
