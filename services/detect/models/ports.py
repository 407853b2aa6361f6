"""The inputs and outputs that every prepared model has, as ONNX nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from onnx import helper

from services.detect.models.emitting import FLOAT, UINT8

if TYPE_CHECKING:
    from services.detect.models.emitting import Emitter


class Composed(NamedTuple):
    """A prepared file, and what it says of itself."""

    content: bytes
    """Of an .onnx file with the inputs and outputs below."""
    points: int
    """Landmarks, or a detector's key points."""
    size_px: int
    """Side of a landmark model's crops; 0 for a detector, which takes any size."""


def planar_floats(e: Emitter) -> str:
    """The input `image` as float32 [n, 3, height, width], 0..255."""
    return e.node("Transpose", e.node("Cast", "image", to=FLOAT), perm=(0, 3, 1, 2))


def detector_model(e: Emitter, name: str, points: int) -> bytes:
    """The file of a detector whose nodes write `boxes`, `keypoints` and `scores`.

    It takes `image` uint8 [1, height, width, 3] (RGB) and `min_score` float32 [1], and gives `boxes` float32 [faces, 4]
    (x0, y0, x1, y1), `keypoints` [faces, points, 2] (x, y) and `scores` [faces], 0..1, best first, in pixels of the
    image.
    """
    inputs = [
        helper.make_tensor_value_info("image", UINT8, [1, "height", "width", 3]),
        helper.make_tensor_value_info("min_score", FLOAT, [1]),
    ]
    shapes: dict[str, list[str | int]] = {"boxes": ["faces", 4], "keypoints": ["faces", points, 2], "scores": ["faces"]}
    return e.model(name, inputs, [helper.make_tensor_value_info(port, FLOAT, shape) for port, shape in shapes.items()])


def landmark_model(e: Emitter, name: str, size_px: int, points: int) -> bytes:
    """The file of a landmark model whose nodes write `landmarks` and `presence`.

    It takes `image` uint8 [faces, size, size, 3] (RGB) and gives `landmarks` float32 [faces, points, 3] in pixels of
    the crop, depth 0 where the model knows none, and `presence` [faces], 0..1.
    """
    inputs = [helper.make_tensor_value_info("image", UINT8, ["faces", size_px, size_px, 3])]
    outputs = [
        helper.make_tensor_value_info("landmarks", FLOAT, ["faces", points, 3]),
        helper.make_tensor_value_info("presence", FLOAT, ["faces"]),
    ]
    return e.model(name, inputs, outputs)


def segmenter_model(e: Emitter, name: str, size_px: int) -> bytes:
    """The file of a segmenter whose nodes write `people`.

    It takes `image` uint8 [1, size, size, 3] (RGB) and gives `people` uint8 [1, size, size], 255 where a person is.
    """
    inputs = [helper.make_tensor_value_info("image", UINT8, [1, size_px, size_px, 3])]
    return e.model(name, inputs, [helper.make_tensor_value_info("people", UINT8, [1, size_px, size_px])])


def flat_landmarks(e: Emitter, places: str) -> None:
    """Write `landmarks` from places [faces, points, 2] in pixels of the crop, without depth."""
    e.node("Pad", places, e.integers(0, 0, 0, 0, 0, 1), name="landmarks")
