"""What is known of a frame beside its picture and its faces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from services.render.head import Head
    from shared.model.faces import Face


class Moment(NamedTuple):
    """When a frame is shown, and what it shows beside faces."""

    seconds: float = 0.0
    """Its presentation time; animations run by it."""
    people: NDArray[np.uint8] | None = None
    """[rows, columns] over the whole frame, in any number: 255 is a person, 0 the background. None: nobody has said."""
    heads: Sequence[Head] | None = None
    """What is to be hidden, where a look hides faces; None: the heads of those it is for."""
    faces: Sequence[Face] = ()
    """Everybody in the frame, also those that the look is not for: no background is drawn over them."""


BEGINNING: Final = Moment()
"""The first frame, or a still."""
