"""Where a session's frames are looked at and drawn: on the host here, on a card in `cuda.easel`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from services.render.copies import on_host
from services.render.quality import judged
from shared.model.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.render.copies import Frame
    from services.render.drawing import Painter
    from services.render.moment import Moment
    from shared.model.faces import Face
    from shared.model.looks import Look


class Easel(Protocol):
    """Of one session, in the hands of one thread at a time."""

    def judged(self, faces: Iterable[Face], frame: Frame) -> list[Face]:
        """The faces with the word for how well they are seen in a frame."""
        ...

    def copied(self, frame: Frame, look: Look, *, keeps_alpha: bool) -> Frame:
        """A copy to draw a look on, in memory that the next frame uses again.

        keeps_alpha: whether what becomes transparent can be shown.
        """
        ...

    def draw(self, target: Frame, painter: Painter, faces: Sequence[Face], look: Look, moment: Moment) -> None:
        """Draw on what `copied` gave. painter: with what the look needs. Raises what `Painter.draw` raises."""
        ...


class HostEasel:
    """For frames that lie in the host's memory."""

    def __init__(self) -> None:
        self._target: Picture | None = None
        self._look: Look | None = None

    def judged(self, faces: Iterable[Face], frame: Frame) -> list[Face]:
        """As `Easel` says."""
        return judged(faces, on_host(frame))

    def copied(self, frame: Frame, look: Look, *, keeps_alpha: bool) -> Picture:
        """As `Easel` says."""
        picture = on_host(frame)
        if self._target is None or self._look is not look or self._target.geometry != picture.geometry:
            self._look, self._target = look, Picture.blank(picture.geometry, picture.colour)
            if look.transparent and keeps_alpha:
                opaque = np.full((picture.geometry.height, picture.geometry.width), 255, np.uint8)
                self._target = replace(self._target, alpha=opaque)
        picture.copy_to(self._target)
        return self._target

    def draw(self, target: Frame, painter: Painter, faces: Sequence[Face], look: Look, moment: Moment) -> None:
        """As `Easel` says."""
        painter.draw(on_host(target), faces, look, moment)
