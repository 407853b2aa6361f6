"""The whole models against the reference runtime."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np
import onnxruntime
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from services.detect.models.convert import convert
from services.detect.models.registry import FACE_MESH, FULL_RANGE, MODELS, SELFIE, SHORT_RANGE, Model
from services.detect.sampling import sample_rgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

random = np.random.default_rng(11)


def published(model: Model, folder: Path, picture: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """What the published file says of a picture [1, h, w, 3], normalised as it wants it."""
    return referred((folder / model.published_name).read_bytes(), picture)


def referred(content: bytes, picture: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The same of a file with this content."""
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    return [np.array(interpreter.get_tensor(d["index"])) for d in interpreter.get_output_details()]


def with_standard_operators(content: bytes) -> bytes:
    """The published segmenter with TensorFlow Lite's own transposed convolution in the place of MediaPipe's, which the
    reference runtime lacks: the same weights, stride and padding."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    graph = model.subgraphs[0]
    [number] = [n for n, code in enumerate(model.operatorCodes) if code.customCode]
    [operator] = [one for one in graph.operators if one.opcodeIndex == number]
    model.buffers.append(
        schema.BufferT(data=np.frombuffer(np.int32(graph.tensors[operator.outputs[0]].shape), np.uint8))
    )
    size = schema.TensorT(shape=[4], type=schema.TensorType.INT32, buffer=len(model.buffers) - 1, name="size")
    graph.tensors.append(size)
    picture, weights, bias = operator.inputs
    operator.inputs = [len(graph.tensors) - 1, weights, picture, bias]
    padding, stride_w, stride_h = np.frombuffer(bytes(operator.customOptions), "<i4")
    operator.customOptions = None
    operator.builtinOptionsType = schema.BuiltinOptions.TransposeConvOptions
    same = schema.Padding.SAME if padding == 1 else schema.Padding.VALID  # TfLitePadding counts from 1
    operator.builtinOptions = schema.TransposeConvOptionsT(padding=same, strideW=int(stride_w), strideH=int(stride_h))
    code = schema.BuiltinOperator.TRANSPOSE_CONV
    model.operatorCodes[number] = schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=code, version=3)
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def ours(model: Model, folder: Path, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """What our form of it says; converted here and now, so that a change of the converter is seen."""
    content = convert(model, (folder / model.published_name).read_bytes())
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, inputs), strict=True))


def anchors(model: Model) -> NDArray[np.float64]:
    """Centres in pixels, one after the other, the long way."""
    return np.array(
        [
            ((column + 0.5) * layer.stride_px, (row + 0.5) * layer.stride_px)
            for layer in model.anchors
            for row in range(model.size_px // layer.stride_px)
            for column in range(model.size_px // layer.stride_px)
            for _ in range(layer.per_cell)
        ]
    )


def overlap(a: NDArray[Any], b: NDArray[Any]) -> float:
    sides = np.minimum(a[2:4], b[2:4]) - np.maximum(a[:2], b[:2])
    common = float(np.prod(np.maximum(sides, 0)))
    return common / (float(np.prod(a[2:4] - a[:2])) + float(np.prod(b[2:4] - b[:2])) - common)


def weighted_suppression(rows: NDArray[Any], scores: NDArray[Any]) -> list[tuple[NDArray[Any], float]]:
    """MediaPipe's algorithm, one face at a time. Rows begin with x0, y0, x1, y1; the best come first."""
    faces, left = [], list(range(len(rows)))
    while left:
        best = left[0]
        same = [n for n in left if overlap(rows[best], rows[n]) > 0.3]
        faces.append((np.average(rows[same], axis=0, weights=scores[same]), float(scores[best])))
        left = [n for n in left if n not in same]
    return faces


def expected_faces(model: Model, rows: NDArray[Any], scores: NDArray[Any]) -> list[tuple[NDArray[Any], float]]:
    """From the published rows and scores of the anchors, the long way; all scores count that are not zero."""
    centres = anchors(model)
    middle, half = rows[:, :2] + centres, rows[:, 2:4] / 2
    decoded = np.concatenate([middle - half, middle + half, rows[:, 4:] + np.tile(centres, 6)], axis=1)
    best = np.argsort(-scores, kind="stable")[: np.count_nonzero(scores)]
    return weighted_suppression(decoded[best], scores[best])[:16]


def picture_of_noise(size: int) -> NDArray[np.uint8]:
    """Coarse noise: detectors see more in it than in fine noise."""
    coarse = random.integers(0, 256, (1, size // 8, size // 8, 3), np.uint8)
    return coarse.repeat(8, axis=1).repeat(8, axis=2)


@pytest.mark.parametrize("model", [FULL_RANGE, SHORT_RANGE], ids=lambda m: m.name)
def test_a_detector_gives_the_published_rows_decoded_and_averaged(model: Model, models_folder: Path) -> None:
    image = picture_of_noise(model.size_px)
    rows, logits = published(model, models_folder, (image.astype(np.float32) - 127.5) / 127.5)
    scores = 1 / (1 + np.exp(-logits.reshape(-1).astype(np.float64)))
    min_score = np.sort(scores)[-40:-38].mean()  # some of the candidates are good enough and some are not
    expected = expected_faces(model, rows[0].astype(np.float64), np.where(scores < min_score, 0, scores))
    found = ours(model, models_folder, image=image, min_score=np.array([min_score], np.float32))
    assert len(expected) > 2, "the noise is too plain to say anything"
    np.testing.assert_allclose(found["scores"], [score for _, score in expected], rtol=1e-3)
    np.testing.assert_allclose(found["boxes"], [row[:4] for row, _ in expected], atol=0.02)
    np.testing.assert_allclose(found["keypoints"].reshape(-1, 12), [row[4:] for row, _ in expected], atol=0.02)


def test_the_mesh_gives_the_published_landmarks(models_folder: Path) -> None:
    image = np.concatenate([picture_of_noise(FACE_MESH.size_px) for _ in range(2)])
    found = ours(FACE_MESH, models_folder, image=image)
    for number in range(2):
        landmarks, flag = published(FACE_MESH, models_folder, image[number : number + 1].astype(np.float32) / 255)
        np.testing.assert_allclose(found["landmarks"][number], landmarks.reshape(468, 3), atol=1e-3)
        np.testing.assert_allclose(found["presence"][number], 1 / (1 + np.exp(-flag.item())), atol=1e-5)


def test_the_segmenter_gives_the_published_mask_in_steps_of_a_255th(models_folder: Path, clip: Any) -> None:
    picture = clip("two_heads.mp4", 1)[0]
    affine = np.array([[480 / 256, 0, 0.4375], [0, 270 / 256, 0.027]])
    image = sample_rgb(picture, affine, (256, 256), black_outside=False)[None]
    reference = with_standard_operators((models_folder / SELFIE.published_name).read_bytes())
    [mask] = referred(reference, image.astype(np.float32) / 255)
    found = ours(SELFIE, models_folder, image=image)["people"]
    assert 0.1 < mask.mean() < 0.9, "the picture is too plain to say anything"
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found, mask[..., 0] * 255, atol=0.51)


def test_a_detector_takes_pictures_that_are_not_square(models_folder: Path) -> None:
    image = np.zeros((1, 128, 192, 3), np.uint8)
    found = ours(FULL_RANGE, models_folder, image=image, min_score=np.array([0.5], np.float32))
    assert found["boxes"].shape == (0, 4)
    assert found["keypoints"].shape == (0, 6, 2)


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.name)
def test_the_prepared_file_is_what_the_converter_writes_today(model: Model, models_folder: Path) -> None:
    content = (models_folder / model.published_name).read_bytes()
    same = convert(model, content) == (models_folder / model.file_name).read_bytes()
    assert same, "raise CONVERTER_REVISION, so that users' models are converted again"
