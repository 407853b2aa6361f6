"""Heat maps, drawn by a small model that is warm where a crop is bright."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import helper, numpy_helper

from services.detect.models.emitting import FLOAT
from services.detect.models.families.heatmap import DEVIATION, MEAN, compose
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE_PX, STRIDE_PX = 64, 4
SIDE = SIZE_PX // STRIDE_PX
PLACES = np.array([[13.0, 14], [50, 13.5], [31.3, 33], [13, 50], [48.75, 50.5]])
"""One in each corner, and one in the middle."""


def parts() -> NDArray[np.float32]:
    """[5, 16, 16]: 1 where a map's part of the crop is."""
    low, high, middle = slice(0, 6), slice(10, 16), slice(6, 10)
    masks = np.zeros((5, SIDE, SIDE), np.float32)
    for mask, (rows, columns) in zip(
        masks, ((low, low), (low, high), (middle, middle), (high, low), (high, high)), strict=True
    ):
        mask[rows, columns] = 1
    return masks


def drawing(points: int = 5) -> bytes:
    """A published file: maps [n, points, 16, 16] of how bright the crop is, each in a part of its own."""
    grey = np.tile((DEVIATION / 3)[None, :, None, None], (1, 1, STRIDE_PX, STRIDE_PX)) / STRIDE_PX**2
    constants = {"grey": grey, "mean": np.array([MEAN.mean()]), "parts": np.resize(parts(), (points, SIDE, SIDE))}
    tensors = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()]
    nodes = [
        helper.make_node("Conv", ["crop", "grey", "mean"], ["bright"], strides=(STRIDE_PX, STRIDE_PX)),
        helper.make_node("Mul", ["bright", "parts"], ["maps"]),
    ]
    crop = helper.make_tensor_value_info("crop", FLOAT, ["n", 3, SIZE_PX, SIZE_PX])
    maps = helper.make_tensor_value_info("maps", FLOAT, ["n", points, SIDE, SIDE])
    graph = helper.make_graph(nodes, "drawing", [crop], [maps], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString())


def crop_of(places: NDArray[np.float64], strength: float = 1.0) -> NDArray[np.uint8]:
    """Black, with a soft white dot at each place."""
    row, column = np.mgrid[0:SIZE_PX, 0:SIZE_PX] + 0.5
    dots = [np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * 3.5**2)) for x, y in places]
    grey = np.clip(255 * strength * np.sum(dots, axis=0), 0, 255).round().astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def answers(opened: Any, *crops: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    found: dict[str, NDArray[np.float32]] = opened(compose("drawing", drawing()).content).run(image=np.stack(crops))
    return found


def test_points_lie_between_cells_where_the_heat_is(opened: Any) -> None:
    moved = PLACES + np.array((1.5, -2.25))
    found = answers(opened, crop_of(PLACES), crop_of(moved))
    assert found["landmarks"].shape == (2, 5, 3)
    np.testing.assert_allclose(found["landmarks"][0, :, :2], PLACES, atol=0.4)
    np.testing.assert_allclose(found["landmarks"][1, :, :2], moved, atol=0.4)
    assert not found["landmarks"][:, :, 2].any()


def test_presence_is_the_height_of_the_peaks(opened: Any) -> None:
    warm, faint, black = answers(opened, crop_of(PLACES), crop_of(PLACES, 0.3), crop_of(PLACES, 0))["presence"]
    assert warm > 0.6
    assert faint == pytest.approx(0.3 * warm, abs=0.02)
    assert black == pytest.approx(0, abs=1e-6)


def test_what_it_says_of_itself_comes_from_the_file() -> None:
    assert compose("drawing", drawing(68))[1:] == (68, SIZE_PX)


def test_maps_of_an_unknown_layout_are_refused() -> None:
    with pytest.raises(Misconfigured, match="one map for each of 68 or 5 points"):
        compose("drawing", drawing(98))
