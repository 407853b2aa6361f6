"""What the tests of detect share: the prepared models, real frames, and tiny models built by hand."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import cv2
import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from services.detect.finding import FaceFinder
from services.detect.sampling import sample_rgb
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.models import prepared_models

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from shared.model.faces import Face

SHARED = Path(__file__).parents[4].parent / "shared"


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """The folder of the prepared models."""
    return prepared_models()


@pytest.fixture(scope="session")
def finder(models_folder: Path) -> FaceFinder:
    cv2.setNumThreads(1)
    return FaceFinder.load(models_folder)


@pytest.fixture(scope="session")
def golden() -> Callable[[str], Any]:
    """What MediaPipe says of a clip, by its name."""

    def load(clip: str) -> Any:
        path = SHARED / "golden" / f"{clip}.npz"
        if not path.exists():
            pytest.skip(f"The golden landmarks {path} are not on this machine.")
        return np.load(path)

    return load


@pytest.fixture(scope="session")
def clip() -> Callable[[str, int], list[Picture]]:
    """The first frames of a real clip, by its file name."""

    def read(name: str, count: int) -> list[Picture]:
        path = SHARED / "media" / name
        if not path.exists():
            pytest.skip(f"The clip {path} is not on this machine.")
        with av.open(str(path)) as container:
            return [_picture(frame) for frame in itertools.islice(container.decode(video=0), count)]

    return read


def _picture(frame: av.VideoFrame) -> Picture:
    full_range = int(frame.color_range) == 2
    picture = Picture.blank(Geometry(PixelFormat.I420, frame.width, frame.height), Colour(full_range=full_range))
    for target, plane in zip(picture.planes, frame.planes, strict=True):
        target[:] = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
    return picture


class TinyModel:
    """A .tflite file under construction."""

    def __init__(self) -> None:
        self._model = schema.ModelT(version=3, operatorCodes=[], buffers=[schema.BufferT()])
        self._graph = schema.SubGraphT(tensors=[], operators=[])

    def tensor(self, shape: Sequence[int], content: NDArray[Any] | None = None, sparsity: Any = None) -> int:
        """A tensor's number; float32 without content."""
        buffer = 0
        if content is not None:
            buffer = len(self._model.buffers)
            self._model.buffers.append(schema.BufferT(data=np.frombuffer(content.tobytes(), np.uint8)))
        kind = {"float32": 0, "float16": 1, "int32": 2}[str(content.dtype) if content is not None else "float32"]
        name = f"t{len(self._graph.tensors)}"
        tensor = schema.TensorT(shape=list(shape), type=kind, buffer=buffer, name=name, sparsity=sparsity)
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def constant(self, content: NDArray[Any]) -> int:
        return self.tensor(content.shape, content)

    def step(self, kind: str, inputs: Sequence[int], output: int, **options: Any) -> None:
        """An operator by its name in the schema, its options by the name of their table without `OptionsT`."""
        code = getattr(schema.BuiltinOperator, kind)
        operator = schema.OperatorT(opcodeIndex=len(self._model.operatorCodes), inputs=list(inputs), outputs=[output])
        for table, fields in options.items():
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, f"{table}Options")
            operator.builtinOptions = getattr(schema, f"{table}OptionsT")(**fields)
        self._model.operatorCodes.append(
            schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=min(code, 127), version=1)
        )
        self._graph.operators.append(operator)

    def custom(self, name: str, inputs: Sequence[int], output: int, options: NDArray[Any]) -> None:
        """An operator that is not in the schema, by its own name, with the bytes of its options."""
        code = schema.BuiltinOperator.CUSTOM
        operator = schema.OperatorT(opcodeIndex=len(self._model.operatorCodes), inputs=list(inputs), outputs=[output])
        operator.customOptions = np.frombuffer(options.tobytes(), np.uint8)
        self._model.operatorCodes.append(
            schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, customCode=name, version=1)
        )
        self._graph.operators.append(operator)

    def content(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The finished file."""
        self._graph.inputs, self._graph.outputs = list(inputs), list(outputs)
        self._model.subgraphs = [self._graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


@pytest.fixture
def tiny() -> TinyModel:
    return TinyModel()


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
