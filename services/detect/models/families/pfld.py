"""PFLD, a small regressor of 68 landmarks (Guo et al., PFLD: A Practical Facial Landmark Detector, 2019).

RGB in 0..1, as ToTensor of its PyTorch trainings gives it; x and y of each point in 0..1 of the crop. The model says
nothing of how sure it is, so it is asked for the mirror image too: see `services.detect.models.mirroring`.
"""

from __future__ import annotations

from services.detect.models.emitting import Emitter
from services.detect.models.grafting import graft, input_shape, output_shapes, read_published
from services.detect.models.mirroring import emit_agreed, emit_with_mirror
from services.detect.models.ports import Composed, flat_landmarks, landmark_model, planar_floats
from shared.model.errors import Misconfigured

POINTS = 68


def compose(name: str, content: bytes) -> Composed:
    """The prepared file of the published .onnx `content`.

    Raises Misconfigured if it is no regressor of 68 points that takes several crops at once.
    """
    published = read_published(content, name)
    size_px = input_shape(published)[-1]
    if not size_px:
        raise Misconfigured(f"The model {name} does not say the size of its crops; export it with a fixed one.")
    port = _port(output_shapes(published, (2, 3, size_px, size_px)), name)
    e = Emitter()
    picture = e.node("Mul", planar_floats(e), e.floats(1 / 255))
    answers = graft(e, published, emit_with_mirror(e, picture))[port]
    places, presence = emit_agreed(e, e.node("Reshape", answers, e.integers(-1, POINTS, 2)))
    flat_landmarks(e, e.node("Mul", places, e.floats(size_px)))
    e.node("Identity", presence, name="presence")
    return Composed(landmark_model(e, name, size_px, POINTS), POINTS, size_px)


def _port(shapes: dict[str, tuple[int, ...]], name: str) -> str:
    """The output with the landmarks; some files give features of a middle layer beside them."""
    for port, shape in shapes.items():
        if shape in {(2, 2 * POINTS), (2, POINTS, 2)}:
            return port
    raise Misconfigured(
        f"The model {name} gives {tuple(shapes.values())} for two crops: a PFLD for 68 points gives 136 "
        "numbers for each."
    )
