"""SCRFD, a single-shot detector with five key points (Guo et al., Sample and Computation Redistribution, 2021).

What goes in and what comes out is that of the authors' own reader (insightface, detection/scrfd/tools/scrfd.py):
RGB, (value - 127.5) / 128; anchors at the upper left corners of cells, two in each; boxes as distances to the left,
top, right and bottom and points as distances, in strides; scores are probabilities already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models.emitting import Emitter
from services.detect.models.grafting import graft, output_shapes, read_published
from services.detect.models.ports import Composed, detector_model, planar_floats
from services.detect.models.registry import AnchorLayer
from services.detect.models.stride_head import POINTS, emit_corner_faces
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    import onnx

LAYERS = tuple(AnchorLayer(stride_px=stride, per_cell=2) for stride in (8, 16, 32))
_TRIED_PX = (192, 256)
"""Height and width at which the outputs are counted: neither square nor what models are exported for."""
_COLUMNS = (1, 4, 2 * POINTS)
_OUTWARDS = (-1.0, -1.0, 1.0, 1.0, *(1.0,) * 2 * POINTS)


def compose(name: str, content: bytes) -> Composed:
    """The prepared file of the published .onnx `content`.

    Raises Misconfigured if it is no SCRFD with key points, or cannot take pictures of any size.
    """
    published = read_published(content, name)
    e = Emitter()
    picture = e.node("Mul", e.node("Sub", planar_floats(e), e.floats(127.5)), e.floats(1 / 128))
    values = graft(e, published, picture)
    scores, boxes, points = ([values[port] for port in ports] for ports in _ports(published, name))
    rows = [
        e.node("Mul", e.node("Concat", _table(e, box, 4), _table(e, five, 2 * POINTS), axis=1), e.floats(*_OUTWARDS))
        for box, five in zip(boxes, points, strict=True)
    ]
    emit_corner_faces(e, rows, [e.node("Reshape", score, e.integers(-1)) for score in scores], LAYERS)
    return Composed(detector_model(e, name, POINTS), POINTS, 0)


def _ports(model: onnx.ModelProto, name: str) -> list[list[str]]:
    """Names of the outputs with scores, boxes and points, each from the finest stride to the coarsest."""
    height, width = _TRIED_PX
    shapes = output_shapes(model, (1, 3, height, width))
    sorted_out = [[port for port, shape in shapes.items() if shape[-1:] == (columns,)] for columns in _COLUMNS]
    counts = [layer.per_cell * (height // layer.stride_px) * (width // layer.stride_px) for layer in LAYERS]
    for ports in sorted_out:
        if len(ports) != len(LAYERS):
            raise Misconfigured(
                f"The model {name} has outputs {tuple(shapes.values())}: an SCRFD with key points has scores, boxes "
                f"and points of {len(LAYERS)} strides, in columns of 1, 4 and 10."
            )
        ports.sort(key=lambda port: -shapes[port][-2])
        if any(shapes[port][-2] not in {0, count} for port, count in zip(ports, counts, strict=True)):
            raise Misconfigured(
                f"The model {name} takes one size of pictures only; export it for any height and width."
            )
    return sorted_out


def _table(e: Emitter, value: str, columns: int) -> str:
    return e.node("Reshape", value, e.integers(-1, columns))
