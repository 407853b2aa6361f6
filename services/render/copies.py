"""How an encoder comes by pictures that the drawing goes on without: copies, where it reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from shared.model.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.surface import Surface
    from shared.cuda.pictures import CardPicture

    Frame = Picture | CardPicture
    """A picture wherever it lies."""
    Copy: TypeAlias = Picture | Surface
    """What an encoder is given: a picture of the host, or one that lies on a card as the card's encoders read it."""


class Copies(Protocol):
    """Makes them, for one session."""

    def blank(self, like: Frame) -> Copy:
        """Memory for copies of such a frame."""
        ...

    def begin(self, frame: Frame, copy: Copy) -> Callable[[], None]:
        """Copy a frame, whose memory may be written again at once. The copy is there when what is returned returns.

        That is to be called, from any thread, before `copy` is looked at or given up.
        """
        ...

    def here(self, frame: Frame) -> Copy:
        """The frame as encoders can read it now; its memory is used again by the next call."""
        ...


class HostCopies:
    """Of frames that lie in the host's memory."""

    def blank(self, like: Frame) -> Picture:
        """As `Copies` says."""
        return Picture.blank(like.geometry, like.colour)

    def begin(self, frame: Frame, copy: Copy) -> Callable[[], None]:
        """As `Copies` says."""
        on_host(frame).copy_to(on_host(copy))
        return nothing_to_wait_for

    def here(self, frame: Frame) -> Picture:
        """The frame itself."""
        return on_host(frame)


def on_host(frame: Frame | Copy) -> Picture:
    """A frame of which it is known that it lies there. Raises TypeError."""
    if isinstance(frame, Picture):
        return frame
    raise TypeError("a frame that lies on a card came to where pixels are read on the host")


def nothing_to_wait_for() -> None:
    """What `Copies.begin` returns where the copy is there already."""
