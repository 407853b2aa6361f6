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
from services.detect.sampling import sample_rgb
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from shared.model.faces import Face

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
def close_up() -> Callable[[Picture, Face, float], Picture]:
    """A picture so near that the face is `part` times as high as it."""

    def zoom(picture: Picture, face: Face, part: float) -> Picture:
        x0, y0, x1, y1 = face.box_px
        scale = (y1 - y0) / part / 720
        affine = np.array([[scale, 0, (x0 + x1) / 2 - scale * 640], [0, scale, (y0 + y1) / 2 - scale * 360]])
        pixels = sample_rgb(picture, affine, (1280, 720), black_outside=False)
        return Picture.over(Geometry(PixelFormat.RGB24, 1280, 720), Colour(), pixels)

    return zoom


@pytest.fixture(scope="session")
def five_of_mesh() -> Callable[[NDArray[Any]], NDArray[Any]]:
    """The five points [5, 2] of a mesh [468, 3]."""
    return lambda mesh: np.array([mesh[list(corners), :2].mean(axis=0) for corners in FIVE_OF_MESH])
