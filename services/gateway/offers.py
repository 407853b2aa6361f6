"""Whether the models that a request names are there, and can give what its look needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.gateway.problems import RETRY_SECONDS, Refusal
from shared.model.faces import Layout
from shared.model.needs import refuse_unsupported, unsupported
from shared.model.offers import KEYPOINTS, ModelChoice, ModelOffer, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from shared.model.looks import Look

    Offers = tuple[ModelOffer, ...]

_CALLED = {Role.DETECTOR: "detector", Role.LANDMARKS: "landmark model"}


def all_offers(workers: Iterable[Offers]) -> list[ModelOffer]:
    """Every model that a worker offers, detectors first, by name; a default if it is one anywhere."""
    found: dict[tuple[Role, str], ModelOffer] = {}
    for offer in (one for offers in workers for one in offers):
        key = (offer.role, offer.name)
        if key not in found or offer.is_default:
            found[key] = offer
    return [found[key] for key in sorted(found)]


def refuse_unservable(workers: Collection[Offers], models: ModelChoice, look: Look) -> None:
    """Let pass what one of the workers can serve; `workers` is what each of them offers.

    Which lane gets the request is decided later, by room. Where lanes or their workers differ in their models it may
    be one without these: its detect says so, and the request ends with the same `unknown-model`.

    Raises Refusal `unknown-model`, Rejected `unsupported-look`, and Refusal `unavailable` for a named model as long as
    no worker was heard of.
    """
    if not workers:
        if models == ModelChoice():
            return
        detail = "No lane is warm, so that it is not known which models there are."
        raise Refusal("unavailable", detail, headers={"Retry-After": f"{RETRY_SECONDS:.0f}"})
    offers = all_offers(workers)
    _refuse_unknown(offers, Role.DETECTOR, models.detector)
    _refuse_unknown(offers, Role.LANDMARKS, models.landmarks)
    layouts = [layout for one in workers if (layout := _layout(one, models)) is not None]
    if not layouts:
        raise _no_worker(offers, models)
    if all(unsupported(look, layout) for layout in layouts):
        refuse_unsupported(look, layouts[0])


def _refuse_unknown(offers: Collection[ModelOffer], role: Role, name: str) -> None:
    if not name or (role is Role.LANDMARKS and name == KEYPOINTS):
        return
    names = [offer.name for offer in offers if offer.role is role]
    if name in names:
        return
    is_other = any(offer.name == name for offer in offers)
    if role is Role.LANDMARKS and KEYPOINTS not in names and _with_keypoints(offers):
        names.append(KEYPOINTS)
    called = _CALLED[role]
    wrong = f"{name!r} is no {called}" if is_other else f"There is no {called} {name!r}"
    raise Refusal("unknown-model", f"{wrong}; there are: {', '.join(names) or 'none'}.")


def _layout(offers: Offers, models: ModelChoice) -> Layout | None:
    """The points that this worker's faces would have; None if it does not have these models."""
    detector = _chosen(offers, Role.DETECTOR, models.detector)
    landmarks = _chosen(offers, Role.LANDMARKS, models.landmarks)
    if detector is None:
        return None
    if landmarks is not None:
        return Layout(landmarks.points)
    by_detector = models.landmarks in {KEYPOINTS, ""}  # a deployment's default may be `keypoints` too
    return Layout.FIVE if by_detector and detector.points == Layout.FIVE else None


def _chosen(offers: Offers, role: Role, name: str) -> ModelOffer | None:
    of_role = (offer for offer in offers if offer.role is role)
    return next((offer for offer in of_role if (offer.name == name if name else offer.is_default)), None)


def _with_keypoints(offers: Iterable[ModelOffer]) -> list[str]:
    return [offer.name for offer in offers if offer.role is Role.DETECTOR and offer.points == Layout.FIVE]


def _no_worker(offers: Collection[ModelOffer], models: ModelChoice) -> Refusal:
    if models.landmarks == KEYPOINTS:
        names = ", ".join(_with_keypoints(offers)) or "none"
        return Refusal(
            "unknown-model", f"`keypoints` needs a detector with five points of its own; there are: {names}."
        )
    named = " and ".join(repr(name) for name in (models.detector, models.landmarks) if name)
    return Refusal("unknown-model", f"No worker has {named or 'the default models'} at once.")
