"""Whether the models that a request names are there."""

from __future__ import annotations

import pytest

from services.gateway.offers import all_offers, refuse_unservable
from services.gateway.problems import Refusal
from shared.model.errors import Rejected
from shared.model.looks import Look
from shared.model.offers import ModelChoice, ModelOffer, Role

BLAZEFACE = ModelOffer("blazeface", Role.DETECTOR, 6, is_default=True)
SCRFD = ModelOffer("scrfd-500m", Role.DETECTOR, 5)
MESH = ModelOffer("face-mesh", Role.LANDMARKS, 468, is_default=True)
PFLD = ModelOffer("pfld-68", Role.LANDMARKS, 68)
WORKER = (BLAZEFACE, SCRFD, MESH, PFLD)
SLIM = Look(slim_face=0.5)
SMOOTH = Look(smooth=0.5)


def check(detector: str = "", landmarks: str = "", look: Look = SMOOTH, *workers: tuple[ModelOffer, ...]) -> None:
    refuse_unservable(workers or (WORKER,), ModelChoice(detector, landmarks), look)


def refused(*asked: object) -> str:
    """The sentence of an `unknown-model`."""
    with pytest.raises(Refusal) as refusal:
        check(*asked)  # type: ignore[arg-type]  # as it is given
    assert refusal.value.code == "unknown-model"
    return refusal.value.detail


@pytest.mark.parametrize(
    ("detector", "landmarks"),
    [("", ""), ("scrfd-500m", ""), ("", "face-mesh"), ("blazeface", "face-mesh"), ("scrfd-500m", "pfld-68")],
)
def test_models_that_are_offered_pass(detector: str, landmarks: str) -> None:
    check(detector, landmarks)


def test_an_unknown_name_is_answered_with_those_of_its_role() -> None:
    assert refused("scrfd") == "There is no detector 'scrfd'; there are: blazeface, scrfd-500m."
    expected = "There is no landmark model 'mesh'; there are: face-mesh, pfld-68, keypoints."
    assert refused("", "mesh") == expected


def test_a_model_of_the_other_role_is_not_taken() -> None:
    assert refused("face-mesh") == "'face-mesh' is no detector; there are: blazeface, scrfd-500m."
    assert refused("", "blazeface").startswith("'blazeface' is no landmark model; there are: face-mesh")


def test_a_segmenter_is_listed_and_takes_no_other_place() -> None:
    worker = (*WORKER, ModelOffer("selfie-segmentation", Role.SEGMENTER, 0, is_default=True))
    assert all_offers([worker])[-1].role is Role.SEGMENTER
    check("", "", SMOOTH, worker)
    assert refused("selfie-segmentation", "", SMOOTH, worker).startswith("'selfie-segmentation' is no detector")


def test_key_points_need_a_detector_that_has_five() -> None:
    check("scrfd-500m", "keypoints", Look())
    for detector in ("", "blazeface"):
        assert "there are: scrfd-500m." in refused(detector, "keypoints", Look())
    assert "there are: none." in refused("", "keypoints", Look(), (BLAZEFACE, MESH))


def test_key_points_may_be_the_deployments_default() -> None:
    default = (ModelOffer("yunet", Role.DETECTOR, 5, is_default=True),)
    check("", "", Look(), default)
    with pytest.raises(Rejected, match="5 points"):
        check("", "", SLIM, default)


@pytest.mark.parametrize(("detector", "landmarks"), [("scrfd-500m", "keypoints")])
def test_a_look_that_the_points_cannot_carry_is_refused(detector: str, landmarks: str) -> None:
    with pytest.raises(Rejected) as rejected:
        check(detector, landmarks, SLIM)
    assert rejected.value.code == "unsupported-look"
    assert "slim_face" in rejected.value.detail
    check(detector, landmarks, Look())


def test_models_that_no_worker_has_together_are_refused() -> None:
    workers = ((BLAZEFACE, MESH), (SCRFD, ModelOffer("pfld-68", Role.LANDMARKS, 68, is_default=True)))
    check("scrfd-500m", "", SMOOTH, *workers)
    assert "'scrfd-500m' and 'face-mesh'" in refused("scrfd-500m", "face-mesh", SMOOTH, *workers)


def test_before_any_worker_was_heard_of_only_the_default_is_taken() -> None:
    refuse_unservable((), ModelChoice(), SLIM)
    with pytest.raises(Refusal) as refusal:
        refuse_unservable((), ModelChoice(detector="blazeface"), SLIM)
    assert (refusal.value.code, refusal.value.headers) == ("unavailable", {"Retry-After": "1"})


def test_every_offer_is_listed_once_and_as_a_default_if_it_is_one_anywhere() -> None:
    another = ModelOffer("scrfd-500m", Role.DETECTOR, 5, is_default=True)
    assert all_offers([WORKER, (another, MESH)]) == [BLAZEFACE, another, MESH, PFLD]
