"""BlazeFace on a card: its nets for many pictures at once, and the faces of all of them by one kernel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from services.detect.cuda.pictures import CardPixels
    from services.detect.engine import Engine
    from services.detect.models.registry import AnchorLayer
    from shared.cuda.device import Device

    Floats = NDArray[np.float32]

_SMALL_PX, _USUAL_PX = 128, 192
"""Sides up to which 16 pictures take hardly longer than one, and up to which 16 are looked at together at all."""
MOST_FACES = 64
"""As `models.suppression` has it, which only who writes models imports."""
_SOURCE = Path(__file__).with_suffix(".cu")
_VALUES, _POINTS = 16, 6
_THREADS = 256


def batches(side_px: int) -> tuple[int, ...]:
    """How many pictures of a size are looked at in one run; it is filled up to one of these.

    So every shape is known before the first picture; few, as each takes seconds to be ready for.
    """
    if side_px <= _SMALL_PX:
        return (16,)
    return (1, 16) if side_px <= _USUAL_PX else (1,)


class Faces(NamedTuple):
    """What a detector's graph says of one picture, in pixels of that."""

    boxes: Floats
    """[n, 4]: x0, y0, x1, y1."""
    keypoints: Floats
    """[n, 6, 2]."""
    scores: Floats
    """[n], best first."""


class CardHead:
    """One of BlazeFace's nets without its head, and a head of its own."""

    def __init__(self, engine: Engine, layers: Sequence[AnchorLayer]) -> None:
        """engine: of a `headless` model; layers: of its anchors, one or two."""
        self._engine = engine
        self._layers = layers
        self._numbers = [np.int32(number) for layer in layers for number in (layer.stride_px, layer.per_cell)]
        self._numbers += [np.int32(0)] * (4 - len(self._numbers))
        self._ready: set[tuple[int, int]] = set()
        """Columns and rows of pictures that `warm_up` was called for."""

    def fitting(self, size: tuple[int, int]) -> tuple[int, int]:
        """Columns and rows for pictures that would need `size`: these, or the least square that is ready.

        A shape that nothing was made ready for would take seconds; the more of black changes little of what is seen.
        """
        squares = [side for side, rows in self._ready if side == rows and side >= max(size)]
        return size if size in self._ready or not squares else (min(squares), min(squares))

    def is_on(self, device: Device) -> bool:
        """Whether it looks at pixels on that device."""
        return self._engine.is_on(device)

    def warm_up(self, columns: int, rows: int) -> None:
        """Be ready for pictures of this size, in batches of every size."""
        self._ready.add((columns, rows))
        for count in batches(columns):
            self._engine.hold((count, rows, columns, 3), **self._shapes(count, columns, rows))

    def faces(self, pixels: CardPixels, min_score: float) -> list[Faces]:
        """Of each picture the faces with more than `min_score`."""
        most = batches(pixels.shape[2])[-1]
        parts = [pixels[start : start + most] for start in range(0, len(pixels), most)]
        return [faces for part in parts for faces in self._of_part(part, min_score)]

    def _of_part(self, pixels: CardPixels, min_score: float) -> list[Faces]:
        full = next(size for size in batches(pixels.shape[2]) if size >= len(pixels))
        with self._engine.timed(full):
            return self._found(pixels, full, min_score)

    def _found(self, pixels: CardPixels, full: int, min_score: float) -> list[Faces]:
        """full: pictures in the run, of which those at the end are none."""
        device, (count, rows, columns, _) = pixels.device, pixels.shape
        given = self._engine.run_into(pixels.filled(full), **self._shapes(full, columns, rows))
        found = device.empty((count, 1 + MOST_FACES * (_VALUES + 1)), np.float32)
        numbers = (np.int32(self._anchors(columns, rows)), np.int32(columns), np.int32(rows), np.float32(min_score))
        device.kernels(_SOURCE).launch(
            "faces", (count, 1, 1), (_THREADS, 1, 1), given["rows"], given["logits"], found, *numbers, *self._numbers
        )
        return [_faces(one) for one in device.download(found)]

    def _shapes(self, count: int, columns: int, rows: int) -> dict[str, tuple[int, ...]]:
        anchors = self._anchors(columns, rows)
        return {"rows": (count, anchors, _VALUES), "logits": (count, anchors, 1)}

    def _anchors(self, columns: int, rows: int) -> int:
        return sum((columns // layer.stride_px) * (rows // layer.stride_px) * layer.per_cell for layer in self._layers)


def _faces(found: NDArray[Any]) -> Faces:
    values = found[1:].reshape(MOST_FACES, _VALUES + 1)[: int(found[0])]
    return Faces(values[:, :4], values[:, 4:_VALUES].reshape(-1, _POINTS, 2), values[:, _VALUES])
