"""A segmenter whose graph says how far each part of a picture belongs to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from services.detect.sampling import sample_rgb
from shared.model.people import PeopleMask

if TYPE_CHECKING:
    from services.detect.engine import Engine
    from shared.model.pictures import Picture


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
        self._engine.warm_up({"image": (1, self._size_px, self._size_px, 3)})

    def segment(self, picture: Picture) -> PeopleMask:
        """Where the people of `picture` are; whatever its shape, it is stretched to the square (decision 0016)."""
        size = self._size_px
        across, down = picture.geometry.width / size, picture.geometry.height / size
        # The centre of a sample of the square lies on the centre of the part of the picture that it stands for.
        affine = np.array([[across, 0, (across - 1) / 2], [0, down, (down - 1) / 2]])
        image = sample_rgb(picture, affine, (size, size), black_outside=False)
        return PeopleMask.of(self._engine.run(image=image[None])["people"][0])
