"""The segmenter: what it is shown, and what it says of real frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.models.registry import SELFIE_NAME
from services.detect.opening import open_models
from services.detect.segmenter import GraphSegmenter
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.detect.finding import FaceFinder

SIDE = 64


class Mirror:
    """Stands for the engine: says that people are where the picture is red."""

    def __init__(self) -> None:
        self.shown: Any = None
        self.warm: list[dict[str, Any]] = []
        self.held: list[tuple[tuple[int, ...], dict[str, Any]]] = []

    def warm_up(self, shapes: dict[str, Any], *, on_cards: bool) -> None:
        self.warm.append(shapes)

    def hold(self, image: tuple[int, ...], **shapes: tuple[int, ...]) -> None:
        self.held.append((image, shapes))

    def run(self, image: Any) -> dict[str, Any]:
        self.shown = image
        return {"people": image[..., 0]}


@pytest.fixture
def mirror() -> Mirror:
    return Mirror()


@pytest.fixture
def segmenter(mirror: Mirror) -> GraphSegmenter:
    return GraphSegmenter(mirror, size_px=SIDE)  # type: ignore[arg-type]  # stands for the engine


@pytest.fixture(scope="session")
def real(models_folder: Path) -> GraphSegmenter:
    return open_models(models_folder).segmenter(SELFIE_NAME)


def halves(width: int, height: int, kind: PixelFormat = PixelFormat.RGB24) -> Picture:
    """White on the left, black on the right."""
    picture = Picture.blank(Geometry(kind, width, height), Colour(full_range=True))
    for plane in picture.planes:
        plane[:] = 0 if kind is PixelFormat.RGB24 else 128
    picture.planes[0][:] = 0
    picture.planes[0][:, : width // 2] = 255
    return picture


@pytest.mark.parametrize("kind", list(PixelFormat))
@pytest.mark.parametrize("size", [(1280, 720), (404, 720), (3840, 2160), (101, 33), (2, 1)])
def test_the_mask_covers_the_whole_picture_whatever_its_shape(
    segmenter: GraphSegmenter, mirror: Mirror, size: tuple[int, int], kind: PixelFormat
) -> None:
    alpha = segmenter.segment(halves(*size, kind)).alpha
    assert mirror.shown.shape == (1, SIDE, SIDE, 3)
    assert alpha.shape == (SIDE, SIDE)
    if size[0] > SIDE:
        assert (alpha[:, : SIDE // 2 - 1] == 255).all()
        assert (alpha[:, SIDE // 2 + 1 :] == 0).all()


def test_its_one_shape_is_warm(segmenter: GraphSegmenter, mirror: Mirror) -> None:
    segmenter.warm_up()
    assert mirror.warm == [{"image": (1, SIDE, SIDE, 3)}]
    assert mirror.held == [((1, SIDE, SIDE, 3), {"people": (1, SIDE, SIDE)})]


@pytest.mark.parametrize("name", ["signer_720p.mp4", "signer_plain.mkv", "two_heads.mp4"])
def test_faces_are_people_and_corners_are_not(
    real: GraphSegmenter, finder: FaceFinder, clip: Callable[[str, int], list[Picture]], name: str
) -> None:
    picture = clip(name, 12)[-1]
    alpha = real.segment(picture).alpha
    across, down = (side / count for side, count in zip(_size(picture), alpha.shape[::-1], strict=True))
    for face in finder.find(picture):
        x, y = face.landmarks_px[:, 0] / across, face.landmarks_px[:, 1] / down
        assert np.median(alpha[y.clip(0, 255).astype(int), x.clip(0, 255).astype(int)]) > 250
    assert alpha[:20, :20].mean() < 5
    assert alpha[:20, -20:].mean() < 5


def test_the_edges_of_people_are_soft(real: GraphSegmenter, clip: Callable[[str, int], list[Picture]]) -> None:
    alpha = real.segment(clip("signer_720p.mp4", 1)[0]).alpha
    between = ((alpha > 20) & (alpha < 235)).mean()
    assert 0.002 < between < 0.05


def _size(picture: Picture) -> tuple[int, int]:
    return picture.geometry.width, picture.geometry.height
