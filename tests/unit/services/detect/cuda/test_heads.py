"""BlazeFace on a card, against its whole graph on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from services.detect.cuda import heads
from services.detect.cuda.heads import CardHead, batches
from services.detect.cuda.pictures import CardPixels
from services.detect.engine import Engine
from services.detect.models import suppression
from services.detect.models.headless import headless
from services.detect.models.registry import FULL_RANGE, SHORT_RANGE
from services.detect.models.store import sha256_of
from services.detect.sampling import sample_rgb

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from services.detect.engine import Provider
    from services.detect.models.registry import Model
    from shared.cuda.device import Device
    from shared.model.pictures import Picture

SIZE = (192, 128)


@pytest.fixture(params=[FULL_RANGE, SHORT_RANGE], ids=lambda model: model.name)
def model(request: pytest.FixtureRequest) -> Model:
    made: Model = request.param
    return made


@pytest.fixture
def whole(models_folder: Path, model: Model) -> Engine:
    path = models_folder / f"{model.name.replace('-', '_')}.onnx"
    return Engine(path, sha256_of(path.read_bytes()))


@pytest.fixture
def head(models_folder: Path, model: Model, device: Device, providers: tuple[Provider, ...]) -> CardHead:
    path = models_folder / f"{model.name.replace('-', '_')}.onnx"
    engine = Engine(path, sha256_of(path.read_bytes()), 1, providers, devices=[device], form=headless)
    return CardHead(engine, model.anchors)


@pytest.fixture
def images(scene: Callable[[str, int], list[Picture]]) -> NDArray[np.uint8]:
    """A person far, nearer and as a crowd, and nobody."""
    [picture] = scene("portrait", 1)
    scale = picture.geometry.width / SIZE[0]
    far = np.array([[scale, 0, 0], [0, scale, -66]])
    near = far / 2 + np.array([[0, 0, 300], [0, 0, 60]])
    shots = [sample_rgb(picture, affine, SIZE, black_outside=True) for affine in (far, near)]
    crowd = np.tile(cv2.resize(shots[0], (64, 43)), (3, 3, 1))[:128]
    return np.stack([*shots, np.vstack([crowd, crowd[:3]])[:128], np.zeros_like(crowd)])


def test_who_asks_is_told_of_its_runs_with_what_fills_them_up(
    head: CardHead, device: Device, images: NDArray[np.uint8]
) -> None:
    told: list[tuple[str, int]] = []
    head._engine.ran = lambda _, provider, batch, __: told.append((provider, batch))
    head.faces(CardPixels(device, device.upload(images)), 0.5)
    assert told == [("cuda" if device.memory == "cuda" else "cpu", batches(SIZE[0])[-1])]


@pytest.mark.parametrize("min_score", [0.1, 0.25, 0.5])
def test_the_faces_of_all_pictures_are_those_of_the_graph(
    head: CardHead, whole: Engine, device: Device, images: NDArray[np.uint8], min_score: float
) -> None:
    found = head.faces(CardPixels(device, device.upload(images)), min_score)
    assert len(found) == len(images)
    seen = 0
    for image, faces in zip(images, found, strict=True):
        expected = whole.run(image=image[None], min_score=np.array([min_score], np.float32))
        assert len(faces.scores) == len(expected["scores"])
        np.testing.assert_allclose(faces.scores, expected["scores"], atol=2e-3)
        np.testing.assert_allclose(faces.boxes, expected["boxes"], atol=0.1)
        np.testing.assert_allclose(faces.keypoints, expected["keypoints"], atol=0.1)
        seen += len(faces.scores)
    assert seen >= 2


def test_a_batch_of_any_size_is_seen_as_each_picture_alone(
    head: CardHead, device: Device, images: NDArray[np.uint8]
) -> None:
    head.warm_up(*SIZE)
    many = np.concatenate([images] * 4)[: batches(SIZE[0])[-1] + 2]
    together = head.faces(CardPixels(device, device.upload(many)), 0.25)
    assert len(together) == len(many)
    for image, faces in zip(many, together, strict=True):
        [alone] = head.faces(CardPixels(device, device.upload(image[None])), 0.25)
        np.testing.assert_allclose(faces.boxes, alone.boxes, atol=0.05)


def test_no_more_faces_are_given_than_by_the_graph() -> None:
    assert heads.MOST_FACES == suppression.MOST_FACES


def test_where_every_anchor_is_a_candidate_the_best_are_looked_at(
    head: CardHead, whole: Engine, device: Device
) -> None:
    """As many as the graph looks at, and no more faces than it gives."""
    images: Any = np.random.default_rng(6).integers(0, 256, (2, SIZE[1], SIZE[0], 3), np.uint8)
    found = head.faces(CardPixels(device, device.upload(images)), 1e-9)
    for image, faces in zip(images, found, strict=True):
        expected = whole.run(image=image[None], min_score=np.array([1e-9], np.float32))
        assert len(faces.scores) == len(expected["scores"]) > 0
        np.testing.assert_allclose(faces.scores, expected["scores"], atol=1e-3)
