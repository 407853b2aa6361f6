"""Opening every model of the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.detect.blazeface import BlazeFace
from services.detect.models.registry import FACE_MESH
from services.detect.opening import Models, open_models
from shared.model.errors import Misconfigured, Rejected
from shared.model.offers import ModelOffer, Role

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def models(models_folder: Path) -> Models:
    return open_models(models_folder)


def test_the_default_models_are_offered(models: Models) -> None:
    offers = models.offers("blazeface", "face-mesh")
    assert ModelOffer("blazeface", Role.DETECTOR, 6, is_default=True) in offers
    assert ModelOffer("face-mesh", Role.LANDMARKS, 468, is_default=True) in offers


def test_the_segmenter_is_offered_last(models: Models) -> None:
    offer = models.offers("blazeface", "face-mesh")[-1]
    assert offer == ModelOffer("selfie-segmentation", Role.SEGMENTER, 0, is_default=True)
    with pytest.raises(Rejected, match=r"There is no segmenter 'face-mesh'; there are: selfie-segmentation"):
        models.segmenter("face-mesh")


def test_no_other_than_the_named_default_is_one(models: Models) -> None:
    offers = models.offers("another", "another")
    assert not any(offer.is_default for offer in offers if offer.role is not Role.SEGMENTER)


def test_both_ranges_are_one_detector(models: Models) -> None:
    assert isinstance(models.detector("blazeface"), BlazeFace)
    assert models.detector("blazeface").keypoints == 6


def test_the_opened_models_find_a_face(models: Models, clip: Any) -> None:
    (picture,) = clip("signer_plain.mkv", 1)
    landmarker = models.landmarker("face-mesh")
    seen = models.detector("blazeface").detect(picture)[0]
    _, presence = landmarker.locate(landmarker.crops([(picture, landmarker.region_of_detection(seen))]))
    assert presence[0] > 0.9


def test_an_unknown_name_is_refused_with_those_there_are(models: Models) -> None:
    with pytest.raises(Rejected, match=r"There is no detector 'face-mesh'; there are: .*blazeface"):
        models.detector("face-mesh")
    with pytest.raises(Rejected, match=r"There is no landmark model 'mesh'; there are: .*face-mesh"):
        models.landmarker("mesh")


def test_a_model_that_cannot_be_run_is_named_with_what_to_do() -> None:
    class Broken:
        keypoints = 5

        def detect(self, _: object, turn: int = 0) -> list[Any]:
            raise NotImplementedError(turn)

        def warm_up(self) -> None:
            raise Misconfigured("It cannot be run.")

    with pytest.raises(Misconfigured, match="`visavis models remove yours`"):
        Models({"yours": Broken()}, {}).warm_up()


def test_a_changed_file_is_not_opened(models_folder: Path, tmp_path: Path) -> None:
    for path in models_folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / FACE_MESH.file_name).write_bytes(b"another")
    with pytest.raises(Misconfigured, match="not the one that was prepared"):
        open_models(tmp_path)
