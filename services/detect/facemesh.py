"""Face Mesh: 468 landmarks of each face that a region holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.detect.sampling import sample_rgb
from shared.model.faces import Face

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detect.engine import Engine
    from services.detect.models.registry import Model
    from services.detect.regions import Region
    from shared.model.pictures import Picture


class FaceMesh:
    """The landmark model on an opened engine."""

    def __init__(self, engine: Engine, model: Model) -> None:
        self._engine = engine
        self._size_px = model.size_px

    def warm_up(self) -> None:
        """Run on one crop."""
        self._engine.warm_up({"image": (1, self._size_px, self._size_px, 3)})

    def landmarks(self, picture: Picture, regions: Sequence[Region]) -> list[Face]:
        """A face for each region, in that order; its score says how sure the model is that there is one, 0..1."""
        if not regions:
            return []
        size = (self._size_px, self._size_px)
        crops = [sample_rgb(picture, r.affine(self._size_px), size, black_outside=False) for r in regions]
        found = self._engine.run(image=np.stack(crops))
        return [
            Face.of(region.placed(landmarks, self._size_px), float(presence))
            for region, landmarks, presence in zip(regions, found["landmarks"], found["presence"], strict=True)
        ]
