"""From the models that a request wants to who finds its faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.batching import Batches
from services.detect.finding import MAX_FACES, FaceFinder
from services.detect.keypoints import KeypointFinder
from services.detect.models.registry import SELFIE_NAME
from services.detect.upside_down import EitherWayUp
from shared.model.errors import Misconfigured, Rejected
from shared.model.faces import Layout
from shared.model.offers import KEYPOINTS, ModelChoice

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detect.engine import Ran
    from services.detect.finding import Finder
    from services.detect.opening import Models
    from services.detect.segmenter import GraphSegmenter
    from shared.model.offers import ModelOffer


class Finders:
    """One finder for each pair of models that was asked for."""

    def __init__(
        self,
        models: Models,
        default: ModelChoice,
        *,
        max_faces: int = MAX_FACES,
        batches: Batches = Batches(),  # noqa: B008  -- frozen
    ) -> None:
        """default: both names, for requests that name none. Raises Misconfigured if it cannot be had."""
        self._models = models
        self._default = default
        self._max_faces = max_faces
        self._batches = batches
        self._finders: dict[ModelChoice, Finder] = {}
        try:
            self.of(ModelChoice())
        except Rejected as error:
            raise Misconfigured(f"VISAVIS_DETECTOR or VISAVIS_LANDMARKS: {error.detail}") from error

    @property
    def offers(self) -> tuple[ModelOffer, ...]:
        """What a request may choose from."""
        return self._models.offers(self._default.detector, self._default.landmarks)

    @property
    def batches(self) -> Batches:
        """How crops are put together for one run of a landmark model."""
        return self._batches

    @property
    def segmenter(self) -> GraphSegmenter:
        """What tells people from their background. Raises Rejected (`unknown-model`) where there is none."""
        return self._models.segmenter(SELFIE_NAME)

    def warm_up(self, say: Callable[[str], object] | None = None) -> None:
        """Run each model on every shape that will come, so that the first frame is as quick as the next.

        say: is told of each step, as `Models.warm_up` says it.
        """
        self._models.warm_up(self._batches.buckets, say)

    def tell(self, ran: Ran) -> None:
        """From now on tell of every run of a model."""
        self._models.tell(ran)

    def of(self, choice: ModelChoice) -> Finder:
        """The finder for a request. Raises Rejected (`unknown-model`) where there is none."""
        wanted = self.named(choice)
        if wanted not in self._finders:
            self._finders[wanted] = self._made(wanted)
        return self._finders[wanted]

    def named(self, choice: ModelChoice) -> ModelChoice:
        """The choice with both names."""
        default = self._default
        return ModelChoice(choice.detector or default.detector, choice.landmarks or default.landmarks)

    def _made(self, wanted: ModelChoice) -> Finder:
        detector = self._models.detector(wanted.detector)
        if wanted.landmarks != KEYPOINTS:
            landmarker = self._models.landmarker(wanted.landmarks)
            return FaceFinder(EitherWayUp(detector), landmarker, self._max_faces, self._batches)
        if detector.keypoints != Layout.FIVE:
            raise Rejected(
                "unknown-model",
                f"The detector {wanted.detector} gives no five points to take as landmarks; name another detector.",
            )
        return KeypointFinder(detector, self._max_faces)
