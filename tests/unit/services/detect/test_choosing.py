"""From the models that a request wants to who finds its faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.detect.batching import Batches
from services.detect.choosing import Finders
from services.detect.finding import FaceFinder
from services.detect.keypoints import KeypointFinder
from services.detect.models.registry import SELFIE_NAME
from services.detect.opening import Models
from shared.model.errors import Misconfigured, Rejected
from shared.model.offers import ModelChoice, Role

if TYPE_CHECKING:
    from collections.abc import Sequence


class Detector:
    def __init__(self, keypoints: int) -> None:
        self.keypoints = keypoints
        self.warm = 0

    def warm_up(self) -> None:
        self.warm += 1


class Landmarker(Detector):
    points = 468

    def __init__(self, keypoints: int) -> None:
        super().__init__(keypoints)
        self.counts: list[int] = []

    def warm_up(self, counts: Sequence[int] = (1,)) -> None:
        self.warm += 1
        self.counts += counts


@pytest.fixture
def models() -> Any:
    kinds: Any = {"mesh": Landmarker(0), "other-mesh": Landmarker(0)}
    detectors: Any = {"six": Detector(6), "five": Detector(5)}
    segmenters: Any = {SELFIE_NAME: Landmarker(0)}
    return Models(detectors, kinds, segmenters)


DEFAULT = ModelChoice(detector="six", landmarks="mesh")


def test_a_request_that_names_nothing_gets_the_defaults(models: Any) -> None:
    finders = Finders(models, DEFAULT)
    assert finders.of(ModelChoice()) is finders.of(DEFAULT)


def test_each_pair_of_models_has_one_finder(models: Any) -> None:
    finders = Finders(models, DEFAULT)
    other = finders.of(ModelChoice(landmarks="other-mesh"))
    assert isinstance(other, FaceFinder)
    assert other is finders.of(ModelChoice(detector="six", landmarks="other-mesh"))
    assert other is not finders.of(ModelChoice())


def test_the_detectors_own_points_can_be_the_landmarks(models: Any) -> None:
    finders = Finders(models, DEFAULT)
    assert isinstance(finders.of(ModelChoice(detector="five", landmarks="keypoints")), KeypointFinder)


def test_key_points_that_no_effect_knows_are_rejected(models: Any) -> None:
    with pytest.raises(Rejected, match="five points"):
        Finders(models, DEFAULT).of(ModelChoice(landmarks="keypoints"))


@pytest.mark.parametrize("choice", [ModelChoice(detector="mesh"), ModelChoice(landmarks="six")])
def test_an_unknown_name_is_rejected(models: Any, choice: ModelChoice) -> None:
    with pytest.raises(Rejected) as refused:
        Finders(models, DEFAULT).of(choice)
    assert refused.value.code == "unknown-model"


def test_a_default_that_is_not_there_keeps_the_process_from_starting(models: Any) -> None:
    with pytest.raises(Misconfigured, match="VISAVIS_DETECTOR"):
        Finders(models, ModelChoice(detector="none", landmarks="mesh"))


def test_the_offers_say_which_are_the_defaults(models: Any) -> None:
    offers = Finders(models, DEFAULT).offers
    assert {offer.name for offer in offers if offer.is_default} == {"six", "mesh", SELFIE_NAME}
    assert {offer.name for offer in offers if offer.role is Role.DETECTOR} == {"five", "six"}


def test_every_model_is_run_before_the_first_request(models: Any) -> None:
    Finders(models, DEFAULT).warm_up()
    assert models.detector("five").warm == models.landmarker("other-mesh").warm == 1
    assert models.segmenter(SELFIE_NAME).warm == 1


def test_where_batches_have_fixed_sizes_each_is_run_and_every_step_is_told(models: Any) -> None:
    told: list[str] = []
    Finders(models, DEFAULT, batches=Batches(most=4, buckets=(1, 4))).warm_up(told.append)
    assert models.landmarker("mesh").counts == models.landmarker("other-mesh").counts == [1, 4]
    assert told[1:4] == ["five (2 of 7)", "mesh, batch 1 (3 of 7)", "mesh, batch 4 (4 of 7)"]
    assert told[-1] == f"{SELFIE_NAME} (7 of 7)"


def test_there_is_one_segmenter_for_whoever_asks(models: Any) -> None:
    assert Finders(models, DEFAULT).segmenter is models.segmenter(SELFIE_NAME)


def test_a_deployment_without_a_segmenter_says_so_when_asked(models: Any) -> None:
    finders = Finders(Models({"six": models.detector("six")}, {"mesh": models.landmarker("mesh")}), DEFAULT)
    with pytest.raises(Rejected, match="no segmenter"):
        _ = finders.segmenter


def test_a_choice_is_told_with_both_names(models: Any) -> None:
    finders = Finders(models, DEFAULT)
    assert finders.named(ModelChoice()) == DEFAULT
    assert finders.named(ModelChoice(landmarks="other-mesh")) == ModelChoice(DEFAULT.detector, "other-mesh")
