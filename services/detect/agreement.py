"""How far what one model says of pictures is from what another says."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from services.detect.regions import overlap
from shared.model.errors import Rejected
from shared.model.faces import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Outputs = dict[str, NDArray[Any]]
    """Of one run, by the names of the graph's outputs."""

_SAME_FACE = 0.5
"""Boxes with a larger intersection over union are one face."""
_SURE = 0.5
"""Score from which a face counts: a detector may be asked for less, to look again at what it names."""
_EYES = {Layout.MESH: (33, 263), Layout.IBUG: (36, 45), Layout.FIVE: (0, 1)}
"""Outer corners of the right eye and the left; the centres where there are no corners."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How far a model is from the one that it is compared with."""

    off: float
    """The figure that is bounded. Landmarks: median over faces of the mean distance, over the distance between the
    eyes. A detector: which part of the faces it misses or finds besides, or of boxes is not shared; the largest."""
    details: dict[str, str]
    """What else was measured, in words."""


def of_landmarks(pairs: Sequence[tuple[Outputs, Outputs]], layout: Layout) -> Accuracy:
    """Of a landmark model; pairs: what the model to compare with and the other say of the same crop, one or more."""
    right, left = _EYES[layout]
    distances = []
    for ours, theirs in pairs:
        wanted, found = (outputs["landmarks"][0][:, :2] for outputs in (ours, theirs))
        apart = np.linalg.norm(wanted[right] - wanted[left])
        distances.append(float(np.linalg.norm(found - wanted, axis=1).mean() / apart))
    presence = max(abs(float(theirs["presence"][0] - ours["presence"][0])) for ours, theirs in pairs)
    worst = float(np.quantile(distances, 0.95))
    details = {"off, 95th percentile": f"{worst:.2%}", "presence, at most": f"{presence:.3f} off"}
    return Accuracy(median(distances), details)


def of_detector(pairs: Sequence[tuple[Outputs, Outputs]]) -> Accuracy:
    """Of a detector; pairs: what the model to compare with and the other say of the same picture.

    Raises Rejected (`unsupported-media`) if the first sees no face at all.
    """
    overlaps: list[float] = []
    wanted = besides = 0
    for ours, theirs in pairs:
        best = _best_overlaps(ours, theirs)
        overlaps += [part for part in best if part > _SAME_FACE]
        wanted += len(best)
        besides += sum(part <= _SAME_FACE for part in _best_overlaps(theirs, ours))
    if not wanted:
        raise Rejected("unsupported-media", "No face is seen in the clips: nothing can be compared.")
    same, shared = len(overlaps), sum(overlaps) / max(len(overlaps), 1)
    details = {
        "faces found": f"{same} of {wanted}",
        "faces found besides": str(besides),
        "overlap of boxes, mean": f"{shared:.1%}",
    }
    return Accuracy(1 - min(same / wanted, same / max(same + besides, 1), shared), details)


def _best_overlaps(ours: Outputs, theirs: Outputs) -> list[float]:
    """How well each of our sure faces is met by one of theirs, sure or not."""
    sure = ours["boxes"][ours["scores"] >= _SURE]
    others = theirs["boxes"].tolist()
    return [max((overlap(box, other) for other in others), default=0.0) for box in sure.tolist()]
