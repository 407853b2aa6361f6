"""BlazeFace's two detectors as one: the full range, and the short range for what is too near for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.detect.contracts import Detection
    from services.detect.detector import GraphDetector
    from shared.model.pictures import Picture


class BlazeFace:
    """The full-range detector sees faces from an eighth of the picture's height to all of it, the short-range one still
    those that reach over its edges; it costs nothing as long as the first finds someone."""

    keypoints = 6

    def __init__(self, full_range: GraphDetector, short_range: GraphDetector) -> None:
        self._full_range = full_range
        self._short_range = short_range

    def warm_up(self) -> None:
        """Run both."""
        self._full_range.warm_up()
        self._short_range.warm_up()

    def detect(self, picture: Picture, turn: int = 0) -> list[Detection]:  # noqa: ARG002  -- a Detector
        """Every face, best first."""
        return self._full_range.detect(picture) or self._short_range.detect(picture)
