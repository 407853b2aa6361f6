"""Which face models a deployment offers, and which of them a request wants."""

from __future__ import annotations

from enum import StrEnum

import msgspec

KEYPOINTS = "keypoints"
"""Named in the place of a landmark model: the detector's own five points."""


class Role(StrEnum):
    """What a model does."""

    DETECTOR = "detector"
    LANDMARKS = "landmarks"
    SEGMENTER = "segmenter"


class ModelOffer(msgspec.Struct, frozen=True, array_like=True):
    """One model that a detect worker has ready."""

    name: str
    role: Role
    points: int
    """Points of a face that it gives: 468, 68 or 5 for landmarks; a detector's own key points; 0 if it gives none."""
    is_default: bool = False
    """Taken where a request names none."""


class ModelChoice(msgspec.Struct, frozen=True, omit_defaults=True):
    """The models that a request wants, by name; empty: the deployment's default."""

    detector: str = ""
    landmarks: str = ""
    """Or KEYPOINTS."""
