"""YuNet, a tiny single-shot detector with five key points (Wu et al., YuNet, Machine Intelligence Research 2023).

What goes in and what comes out is that of OpenCV's own reader (modules/objdetect/src/face_detect.cpp): BGR, 0..255; one
anchor at the upper left corner of each cell; x, y of the box's centre in strides and the logarithm of its width and
height in strides, points in strides; the score is the geometric mean of the two probabilities.
"""

from __future__ import annotations

from services.detect.models.emitting import Emitter
from services.detect.models.grafting import graft, output_shapes, read_published
from services.detect.models.ports import Composed, detector_model, planar_floats
from services.detect.models.registry import AnchorLayer
from services.detect.models.stride_head import POINTS, emit_corner_faces
from shared.model.errors import Misconfigured

LAYERS = tuple(AnchorLayer(stride_px=stride, per_cell=1) for stride in (8, 16, 32))
_COLUMNS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 2 * POINTS}
_TRIED_PX = (192, 256)


def compose(name: str, content: bytes) -> Composed:
    """The prepared file of the published .onnx `content`.

    Raises Misconfigured if it is no YuNet, or cannot take pictures of any size.
    """
    published = read_published(content, name)
    height, width = _TRIED_PX
    _check(output_shapes(published, (1, 3, height, width)), name)
    e = Emitter()
    values = graft(e, published, e.node("Gather", planar_floats(e), e.integers(2, 1, 0), axis=1))
    rows, scores = [], []
    for layer in LAYERS:
        sure, there, box, points = (
            e.node("Reshape", values[f"{kind}_{layer.stride_px}"], e.integers(-1, columns))
            for kind, columns in _COLUMNS.items()
        )
        both = e.node("Clip", e.node("Mul", sure, there), e.scalar(0.0), e.scalar(1.0))
        scores.append(e.node("Reshape", e.node("Sqrt", both), e.integers(-1)))
        rows.append(e.node("Concat", *_corners(e, box), points, axis=1))
    emit_corner_faces(e, rows, scores, LAYERS)
    return Composed(detector_model(e, name, POINTS), POINTS, 0)


def _corners(e: Emitter, box: str) -> tuple[str, str]:
    """Upper left and lower right, in strides."""
    middle, size = e.nodes("Split", 2, box, e.integers(2, 2), axis=1)
    half = e.node("Mul", e.node("Exp", size), e.floats(0.5))
    return e.node("Sub", middle, half), e.node("Add", middle, half)


def _check(shapes: dict[str, tuple[int, ...]], name: str) -> None:
    height, width = _TRIED_PX
    for layer in LAYERS:
        cells = (height // layer.stride_px) * (width // layer.stride_px)
        for kind, columns in _COLUMNS.items():
            port = f"{kind}_{layer.stride_px}"
            if port not in shapes or shapes[port][-1:] != (columns,):
                raise Misconfigured(f"The model {name} has no output {port} with {columns} columns, so it is no YuNet.")
            if shapes[port][-2] not in {0, cells}:
                raise Misconfigured(
                    f"The model {name} takes one size of pictures only; export it for any height and width."
                )
