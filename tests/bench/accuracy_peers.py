"""Whose faces ours are measured against: MediaPipe's full range as published, and SCRFD 2.5G."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import onnxruntime

from services.detect.regions import shared_part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.accuracy_scenes import Image

    Seen = list[tuple[tuple[float, ...], float]]
    See = Callable[[Image], Seen]

LOOP = Path(__file__).with_name("accuracy_loop.py")
SCRFD_SIZE = 640
_STRIDES = (8, 16, 32)
_LEAST = 0.1
"""Everything from here on is taken, so that a threshold can be chosen afterwards."""


class Scrfd:
    """SCRFD at 640 px with its own threshold open. Decoding as in insightface's scrfd.py: two anchors at each cell's
    corner, distances to the four edges in strides; (pixel - 127.5) / 128."""

    def __init__(self, path: Path) -> None:
        runtime: Any = onnxruntime
        options = runtime.SessionOptions()
        options.intra_op_num_threads = 2
        self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, pixels: Image) -> Seen:
        """Boxes and scores, best first."""
        scale = SCRFD_SIZE / max(pixels.shape[:2])
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        canvas = np.zeros((SCRFD_SIZE, SCRFD_SIZE, 3), np.float32)
        canvas[: size[1], : size[0]] = small
        outputs = self._session.run(None, {"images": ((canvas - 127.5) / 128).transpose(2, 0, 1)[None]})
        return _suppressed([one for layer in range(3) for one in _rows(outputs, layer, scale)])


def _rows(outputs: list[Any], layer: int, scale: float) -> Iterator[tuple[tuple[float, ...], float]]:
    stride = _STRIDES[layer]
    scores, sides = outputs[layer][0, :, 0], outputs[layer + 3][0] * stride
    for number in np.flatnonzero(scores > _LEAST):
        row, column = divmod(int(number) // 2, SCRFD_SIZE // stride)
        left, up, right, down = sides[number]
        corners = (column * stride - left, row * stride - up, column * stride + right, row * stride + down)
        yield tuple(float(edge) / scale for edge in corners), float(scores[number])


def _suppressed(rows: Seen) -> Seen:
    kept: Seen = []
    for box, score in sorted(rows, key=lambda row: -row[1]):
        if all(shared_part(box, other) < 0.5 for other, _ in kept):  # type: ignore[arg-type]  # tuples of four
            kept.append((box, score))
    return kept


@contextmanager
def mediapipe_full_range(python: Path) -> Iterator[See]:
    """The official detector, in the interpreter that has it."""
    command = [str(python), str(LOOP), str(_LEAST)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as loop:
        questions, answers = loop.stdin, loop.stdout
        if questions is None or answers is None:
            raise RuntimeError("the loop has no pipes")

        def see(pixels: Image) -> Seen:
            questions.write(json.dumps(pixels.shape[:2]).encode() + b"\n" + pixels.tobytes())
            questions.flush()
            return [(tuple(box), score) for box, score in json.loads(answers.readline())]

        yield see
        questions.close()
