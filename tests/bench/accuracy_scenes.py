"""Pictures with faces of known size and place, and pictures without any, all made of the pixels of real clips."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Image = NDArray[np.uint8]
    Boxes = NDArray[np.float64]

CLIPS = {"signer_plain.mkv": 77, "signer_occluded.mkv": 63, "two_heads.mp4": 56, "signer_720p.mp4": 308}
"""Clips and their frames; the last one has the pixels for close-ups."""
HALF_SEEN = {"signer_occluded.mkv": ((540, 100, 640, 300), (30, 200, 65, 330))}
"""Where people are cut by the picture's edge, or mirrored in a screen: to find them is neither asked nor wrong."""
SKULL = ("signer_plain.mkv", "signer_720p.mp4")
"""Clips with a skull printed on the shirt."""
FRAMES_OF_CLIP = 9
SIZE = (1280, 720)
NOBODY_SIZE = (640, 360)
CROWDED = (0.04, 0.06, 0.08, 0.12)
ALONE = (0.06, 0.08, 0.12, 0.2, 0.4, 0.8, 1.2)
"""Heights of faces in parts of the picture's height."""
TURNED_DEGREES = (-45, -30, -15, 15, 30, 45)


@dataclass(frozen=True)
class Source:
    """A frame of a clip and the faces in it."""

    clip: str
    pixels: Image
    """RGB [height, width, 3]."""
    faces: Boxes
    """[n, 4]: x0, y0, x1, y1 in pixels."""
    unsure: Boxes
    """Likewise: HALF_SEEN."""


@dataclass(frozen=True)
class Scene:
    """A picture and what is in it."""

    kind: str
    """`crowd`, `alone`, `turned` or `edge`."""
    height: float
    """Of its faces, in parts of the picture's."""
    pixels: Image
    faces: Boxes
    """Those of which more than half is within the picture."""
    unsure: Boxes


def read_sources(media: Path, find: Callable[[Image], Boxes]) -> list[Source]:
    """Frames from all over each clip; find: says where the faces are, best first."""
    return [
        Source(clip, frame, find(frame), np.array(HALF_SEEN.get(clip, ()), float).reshape(-1, 4))
        for clip, frames in CLIPS.items()
        for frame in _decoded(media / clip, frames // FRAMES_OF_CLIP)
    ]


def scenes(sources: Sequence[Source]) -> Iterator[Scene]:
    """The same at each call."""
    rng = np.random.default_rng(7)
    for height in CROWDED:
        for _ in range(3):
            yield _crowd(height, [sources[n] for n in rng.permutation(len(sources))])
    for height, turn in itertools.product(ALONE, range(9)):
        centre = (rng.uniform(0.35, 0.65), rng.uniform(0.4, 0.6))
        yield _alone("alone", height, sources[(37 * turn + int(500 * height)) % len(sources)], centre, within=True)
    for height, angle, turn in itertools.product((0.1, 0.3), TURNED_DEGREES, range(3)):
        source = sources[(37 * turn + 3 * angle + int(100 * height)) % len(sources)]
        yield _alone("turned", height, source, (0.5, 0.5), angle_degrees=angle)
    for height, turn in itertools.product((0.15, 0.4, 0.8), range(8)):
        yield _alone("edge", height, sources[(37 * turn) % len(sources)], _at_the_edge(height, turn))


def nobody(sources: Sequence[Source], count: int) -> Iterator[Image]:
    """Parts of frames without a face, moved, scaled, mirrored, turned: clothes, hands, walls, the printed skull."""
    rng = np.random.default_rng(11)
    made = 0
    while made < count:
        source = sources[int(rng.integers(len(sources)))]
        skull = made % 3 == 0
        if skull and source.clip not in SKULL:
            continue
        x0, y0, x1, y1 = _below_the_chin(source, rng) if skull else _anywhere(source, rng)
        if x1 - x0 < 40 or y1 - y0 < 40 or _touches_a_head(source, (x0, y0, x1, y1)):
            continue
        made += 1
        yield _moved(source.pixels[int(y0) : int(y1), int(x0) : int(x1)], rng)


def _decoded(path: Path, step: int) -> list[Image]:
    with av.open(str(path)) as container:
        frames = itertools.islice(container.decode(video=0), 0, None, step)
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in frames]


def _crowd(height: float, sources: Sequence[Source]) -> Scene:
    """Whole frames side by side, row by row, until the picture is full."""
    width, rows = SIZE
    pixels = np.zeros((rows, width, 3), np.uint8)
    faces: list[Any] = []
    unsure: list[Any] = []
    x = y = tallest = 0
    for source in itertools.cycle(sources):
        scale = height * rows / float(np.mean(source.faces[:, 3] - source.faces[:, 1]))
        tile = _resized(source.pixels, scale)
        if x and x + tile.shape[1] > width:
            x, y, tallest = 0, y + tallest, 0
        if y >= rows:
            break
        seen = tile[: rows - y, : width - x]
        pixels[y : y + seen.shape[0], x : x + seen.shape[1]] = seen
        faces += list(source.faces * scale + (x, y, x, y))
        unsure += list(source.unsure * scale + (x, y, x, y))
        x, tallest = x + tile.shape[1], max(tallest, tile.shape[0])
    return _scene("crowd", height, pixels, np.array(faces), np.array(unsure))


def _alone(
    kind: str,
    height: float,
    source: Source,
    centre: tuple[float, float],
    *,
    angle_degrees: float = 0,
    within: bool = False,
) -> Scene:
    """The frame scaled and turned around its first face, which comes to `centre` (in parts of the picture).

    within: True: moved so that the frame fills the picture where it can; beyond it the colours of its edge go on.
    """
    box = source.faces[0]
    scale = height * SIZE[1] / (box[3] - box[1])
    turn = cv2.getRotationMatrix2D((0, 0), angle_degrees, scale)[:, :2]
    affine = np.column_stack([turn, np.multiply(centre, SIZE) - turn @ _centres(box[None])[0]])
    if within:
        for axis, (have, want) in enumerate(zip(source.pixels.shape[1::-1], SIZE, strict=True)):
            if have * scale >= want:
                affine[axis, 2] = min(0, max(affine[axis, 2], want - have * scale))
    blurred = cv2.GaussianBlur(source.pixels, (0, 0), 0.45 / scale) if scale < 0.7 else source.pixels
    pixels = cv2.warpAffine(blurred, affine, SIZE, borderMode=cv2.BORDER_REPLICATE)
    boxes = (_placed(boxes, affine, scale) for boxes in (source.faces, source.unsure))
    return _scene(kind, height, np.asarray(pixels, np.uint8), *boxes)


def _scene(kind: str, height: float, pixels: Image, faces: Boxes, unsure: Boxes) -> Scene:
    faces, unsure = faces.reshape(-1, 4), unsure.reshape(-1, 4)
    inside = np.clip(faces, 0, (*SIZE, *SIZE))
    seen = _areas(inside) > 0.5 * _areas(faces)
    return Scene(kind, height, pixels, faces[seen], np.concatenate([unsure, faces[~seen]]))


def _at_the_edge(height: float, turn: int) -> tuple[float, float]:
    """Centre of a face of which 85 or 65 percent are seen, at each edge in turn."""
    beyond = (0.85, 0.65)[turn % 2] - 0.5
    across, down = beyond * height * 0.75 * SIZE[1] / SIZE[0], beyond * height
    return ((across, 0.5), (1 - across, 0.5), (0.5, down), (0.5, 1 - down))[turn // 2 % 4]


def _below_the_chin(source: Source, rng: np.random.Generator) -> tuple[float, ...]:
    x0, _, x1, y1 = source.faces[0]
    height = y1 - source.faces[0][1]
    side = rng.uniform(0.6, 2.6) * 1.5 * height
    x, top = (x0 + x1) / 2 + rng.uniform(-0.3, 0.3) * (x1 - x0), y1 + 0.12 * height
    y = top + side / 2 * rng.uniform(0.75, 1.05)
    return _clipped(source, x, y, side, top)


def _anywhere(source: Source, rng: np.random.Generator) -> tuple[float, ...]:
    rows, columns = source.pixels.shape[:2]
    return _clipped(source, rng.uniform(0, columns), rng.uniform(0, rows), rows * rng.uniform(0.15, 1))


def _clipped(source: Source, x: float, y: float, height: float, top: float = 0) -> tuple[float, ...]:
    rows, columns = source.pixels.shape[:2]
    half_width = height * NOBODY_SIZE[0] / NOBODY_SIZE[1] / 2
    return max(x - half_width, 0), max(y - height / 2, top), min(x + half_width, columns), min(y + height / 2, rows)


def _touches_a_head(source: Source, part: tuple[float, ...]) -> bool:
    for x0, y0, x1, y1 in (*source.faces, *source.unsure):
        across, down = 0.25 * (x1 - x0), y1 - y0
        head = (x0 - across, y0 - 0.35 * down, x1 + across, y1 + 0.11 * down)
        if all(min(part[i + 2], head[i + 2]) > max(part[i], head[i]) for i in (0, 1)):
            return True
    return False


def _moved(part: Image, rng: np.random.Generator) -> Image:
    width, height = NOBODY_SIZE
    scale = min(width / part.shape[1], height / part.shape[0]) * rng.choice([1, 1, 0.6, 0.35])
    tile = _resized(part[:, ::-1] if rng.random() < 0.5 else part, scale)[:height, :width]
    pixels = np.full((height, width, 3), tile.reshape(-1, 3).mean(0), np.uint8)
    x, y = rng.integers(width - tile.shape[1] + 1), rng.integers(height - tile.shape[0] + 1)
    pixels[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    if rng.random() < 0.25:
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(rng.uniform(-45, 45)), 1)
        pixels = np.asarray(cv2.warpAffine(pixels, turn, NOBODY_SIZE, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    return pixels


def _resized(pixels: Image, scale: float) -> Image:
    size = (max(8, round(pixels.shape[1] * scale)), max(8, round(pixels.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)


def _placed(boxes: Boxes, affine: NDArray[Any], scale: float) -> Boxes:
    """The centres go with the picture; width and height stay those of an upright face."""
    centres = _centres(boxes) @ affine[:, :2].T + affine[:, 2]
    half = (boxes[:, 2:] - boxes[:, :2]) * scale / 2
    return np.concatenate([centres - half, centres + half], axis=1)


def _centres(boxes: Boxes) -> Boxes:
    return np.asarray((boxes[:, :2] + boxes[:, 2:]) / 2)


def _areas(boxes: Boxes) -> Boxes:
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=1))
