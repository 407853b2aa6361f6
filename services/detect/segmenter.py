"""A segmenter whose graph says how far each part of a picture belongs to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.detect.cuda.pictures import CardPixels
from services.detect.sampling import sample_all
from shared.model.people import PeopleMask

if TYPE_CHECKING:
    from services.detect.contracts import Shown
    from services.detect.engine import Engine


class GraphSegmenter:
    """A segmenter on an opened engine; the graph's input and output are those of `services.detect.models.ports`.

    It keeps nothing between calls, which may come from several threads.
    """

    def __init__(self, engine: Engine, *, size_px: int) -> None:
        """size_px: side of the square that the model sees, even."""
        self._engine = engine
        self._size_px = size_px

    def warm_up(self) -> None:
        """Run on the one shape that there is."""
        size = self._size_px
        self._engine.warm_up({"image": (1, size, size, 3)}, on_cards=False)
        self._engine.hold((1, size, size, 3), people=(1, size, size))

    def segment(self, picture: Shown) -> PeopleMask:
        """Where the people of `picture` are; whatever its shape, it is stretched to the square (decision 0016)."""
        size = self._size_px
        across, down = picture.geometry.width / size, picture.geometry.height / size
        # The centre of a sample of the square lies on the centre of the part of the picture that it stands for.
        affine = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2]])
        image = sample_all([(picture, affine)], (size, size), black_outside=False)
        if isinstance(image, CardPixels) and self._engine.is_on(image.device):
            with self._engine.timed(1):
                found = self._engine.run_into(image, people=(1, size, size)).downloaded()
        else:
            found = self._engine.run(image=image)
        return PeopleMask.of(found["people"][0])
