"""Where frames that lie on a card are looked at and drawn: there, or on the host where a look has no CUDA form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.render.chroma import split
from services.render.cuda.fetching import fetch, pinned
from services.render.cuda.looking import upright
from services.render.cuda.painter import CardPainter, why_not
from services.render.easel import HostEasel
from services.render.quality import SIDE, judged_by
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from services.render.copies import Frame
    from services.render.cuda.fetching import Fetched
    from services.render.drawing import Painter
    from services.render.moment import Moment
    from shared.cuda.device import Device, Mark
    from shared.model.faces import Face
    from shared.model.looks import Look


TARGETS = 2
"""Pictures that a session is drawn in."""


class CardEasel:
    """As `Easel`, of a session whose frames lie on a card."""

    def __init__(
        self, device: Device, fetched: Fetched, tell: Callable[[str], None], copier: Device | None = None
    ) -> None:
        """fetched: counts. tell: is told, once each, why a look is drawn on the host.

        copier: whose work alone whoever gives frames waits for before they are given up, so that drawing one goes on
        while the next is copied; None: the device itself.
        """
        self._device, self._fetched, self._tell = device, fetched, tell
        self._copier = device if copier is None else copier
        self._host = HostEasel()
        self._targets: list[CardPicture] = []
        """In turn: what becomes of one may go on while the next is drawn."""
        self._marks: list[Mark] = []
        """When all is done that was ever to be done with each, the latest last."""
        self._fetching: tuple[Picture, Picture] | None = None
        """Where a frame comes to, and how the host draws on it."""
        self._look: Look | None = None
        self._why_not = ""
        self._told: set[str] = set()
        self._painter: tuple[Painter, CardPainter] | None = None

    def judged(self, faces: Iterable[Face], frame: Frame) -> list[Face]:
        """As `Easel` says."""
        if isinstance(frame, Picture):
            return self._host.judged(faces, frame)
        return judged_by(
            faces, frame.geometry, lambda affines: upright(self._device, frame, affines, SIDE, self._fetched)
        )

    def copied(self, frame: Frame, look: Look, *, keeps_alpha: bool) -> Frame:
        """As `Easel` says."""
        if isinstance(frame, Picture):
            return self._host.copied(frame, look, keeps_alpha=keeps_alpha)
        if self._look is not look:
            self._look, self._why_not = look, why_not(look)
        if self._why_not:
            return self._brought(frame)
        target = self._next_target(frame)
        frame.copy_to(self._copier, target)
        return target

    def is_own(self, frame: CardPicture) -> bool:
        """Whether it is what `copied` gave and not a frame as it came."""
        return any(frame is target for target in self._targets)

    def draw(self, target: Frame, painter: Painter, faces: Sequence[Face], look: Look, moment: Moment) -> None:
        """As `Easel` says."""
        if isinstance(target, Picture):
            self._host.draw(target, painter, faces, look, moment)
            return
        if self._painter is None or self._painter[0] is not painter:
            self._painter = (painter, CardPainter(self._device, painter.assets))
        self._painter[1].draw(target, faces, look, moment)

    def _next_target(self, frame: CardPicture) -> CardPicture:
        """Memory for a copy, which nothing reads or writes any more."""
        if not self._targets or self._targets[0].geometry != frame.geometry:
            self._device.synchronize()
            made = (CardPicture.blank(self._device, frame.geometry, frame.colour) for _ in range(TARGETS))
            self._targets, self._marks = list(made), []
        self._marks.append(self._device.mark())
        if len(self._marks) == TARGETS:
            self._marks.pop(0).wait()
        self._targets.append(self._targets.pop(0))
        return self._targets[-1]

    def _brought(self, frame: CardPicture) -> Picture:
        """A copy for the host to draw on."""
        if self._why_not not in self._told:
            self._told.add(self._why_not)
            self._tell(self._why_not)
        if self._fetching is None or self._fetching[0].geometry != frame.geometry:
            planar = Picture.blank(frame.geometry.laid_out(PixelFormat.I420), frame.colour)
            self._fetching = (pinned(self._device, frame), planar)
        in_turn, planar = self._fetching
        fetch(self._device, frame, in_turn, self._fetched)()
        self._fetched.drawn_on_host += 1
        return split(in_turn, planar)
