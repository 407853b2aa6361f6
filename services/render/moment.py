"""What is known of a frame beside its picture and its faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Moment(NamedTuple):
    """When a frame is shown, and what it shows beside faces."""

    seconds: float = 0.0
    """Its presentation time; animations run by it."""
    people: NDArray[np.uint8] | None = None
    """[rows, columns] over the whole frame, in any number: 255 is a person, 0 the background. None: nobody has said."""


BEGINNING: Final = Moment()
"""The first frame, or a still."""
