"""Published models of other families, composed, and what the mesh says of the places that they give."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import helper, numpy_helper

from services.detect.engine import Engine
from services.detect.models.emitting import FLOAT
from services.detect.models.store import sha256_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from services.detect.contracts import Detection, Detector

MODELS = Path(__file__).parents[6].parent / "shared" / "models"
FIVE_OF_MESH = ((33, 133), (263, 362), (4,), (61,), (291,))
"""Corners of the right eye and of the left, tip of the nose, right and left corner of the mouth."""


@pytest.fixture(scope="session")
def published() -> Callable[[str], bytes]:
    """A published file by its name."""

    def read(name: str) -> bytes:
        path = MODELS / name
        if not path.exists():
            pytest.skip(f"The model {path} is not on this machine.")
        return path.read_bytes()

    return read


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[bytes], Engine]:
    """An engine with a prepared file."""

    def start(content: bytes) -> Engine:
        path = tmp_path / "model.onnx"
        path.write_bytes(content)
        return Engine(path, sha256_of(content))

    return start


@pytest.fixture
def stride_outputs() -> Callable[[dict[str, tuple[int, int]]], bytes]:
    """A published file with outputs of these rows and columns, whatever the picture's size."""

    def build(ports: dict[str, tuple[int, int]]) -> bytes:
        picture = helper.make_tensor_value_info("picture", FLOAT, [1, 3, "height", "width"])
        mean = helper.make_node("ReduceMean", ["picture"], ["mean"], keepdims=0)
        shapes = [numpy_helper.from_array(np.array([1, *shape]), f"{port}/shape") for port, shape in ports.items()]
        nodes = [helper.make_node("Expand", ["mean", f"{port}/shape"], [port]) for port in ports]
        outputs = [helper.make_tensor_value_info(port, FLOAT, [1, *shape]) for port, shape in ports.items()]
        graph = helper.make_graph([mean, *nodes], "fixed", [picture], outputs, shapes)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        return bytes(model.SerializeToString())

    return build


@pytest.fixture(scope="session")
def five_of_mesh() -> Callable[[NDArray[Any]], NDArray[Any]]:
    """The five points [5, 2] of a mesh [468, 3]."""
    return lambda mesh: np.array([mesh[list(corners), :2].mean(axis=0) for corners in FIVE_OF_MESH])


@pytest.fixture
def boxes_met(golden: Any, clip: Any) -> Callable[[Detector, str], list[bool]]:
    """For each box of MediaPipe's in some frames of a clip, whether the detector sees a face in its middle."""

    def ask(detector: Detector, name: str) -> list[bool]:
        expected, pictures, met = golden(Path(name).stem), clip(name, 50), []
        for number in range(0, 50, 10):
            found = detector.detect(pictures[number])
            boxes = expected["box"][expected["box_frame"] == number]
            met += [any(_inside(seen, box) for seen in found) for box in boxes]
        assert met
        return met

    return ask


@pytest.fixture
def keypoints_off(golden: Any, clip: Any, five_of_mesh: Any) -> Callable[[Detector], list[NDArray[Any]]]:
    """How far five key points [5] lie from the mesh's, over the distance of the eyes, in each of five frames."""

    def ask(detector: Detector) -> list[NDArray[Any]]:
        expected, off = golden("signer_plain"), []
        for number, picture in enumerate(clip("signer_plain.mkv", 5)):
            (seen,) = detector.detect(picture)
            points = five_of_mesh(expected["mesh"][expected["mesh_frame"] == number][0])
            off.append(np.linalg.norm(seen.keypoints_px - points, axis=1) / np.linalg.norm(points[0] - points[1]))
        return off

    return ask


def _inside(seen: Detection, box: Any) -> bool:
    x0, y0, x1, y1 = seen.box_px
    return bool(box[0] < (x0 + x1) / 2 < box[2] and box[1] < (y0 + y1) / 2 < box[3])
