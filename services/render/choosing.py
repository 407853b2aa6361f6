"""Whose faces a look is for: all, the largest, or those of some tracks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.render.tracking import Tracks
    from shared.model.faces import Face
    from shared.model.looks import Look

CLEARLY_LARGER = 1.25
"""So many times as large as the one that counts as the largest another face must be to take its place."""


class Present(NamedTuple):
    """One frame of a session, as far as its faces go."""

    seconds: float
    """Presentation time."""
    tracks: Tracks
    """All that is known by now, of this frame too."""
    faces: Sequence[Face]
    """Found in this frame, each with its track."""

    @property
    def sizes(self) -> dict[int, float]:
        """Spread of the landmarks, pixels, by track; of faces that are not found as it was last."""
        return {track.number: math.exp(track.motion.place.log_spread) for track in self.tracks.known}

    @property
    def largest(self) -> int:
        """Track of the largest face that was found; 0 if none was."""
        sizes = self.sizes
        return max((face.track for face in self.faces), key=lambda number: sizes[number], default=0)


class Choice(msgspec.Struct, frozen=True, array_like=True):
    """Which face of a session counts as its largest: a value that can be kept and gone on from."""

    largest: int = 0
    """Its track; 0 as long as there is none."""

    def after(self, present: Present) -> Choice:
        """After the next frame.

        The former one stays until another is clearly larger, and also while it is not found, as long as it is known:
        a hand before it gives its place to nobody.
        """
        sizes, best = present.sizes, present.largest
        if self.largest in sizes and (not best or sizes[best] <= CLEARLY_LARGER * sizes[self.largest]):
            return self
        return Choice(best)

    def of(self, faces: Sequence[Face], look: Look) -> list[Face]:
        """Those that a look is drawn on."""
        return [face for face in faces if self._means(face.track, look)]

    def hidden(self, present: Present, look: Look) -> set[int]:
        """Tracks, of all that are known by now, that a look hides: rather one too many.

        Besides those that it is for: by track, those that may have been taken for another; of the largest, while that
        is not found, the largest that is.
        """
        meant = {track.number for track in present.tracks.known if self._means(track.number, look)}
        if look.faces == "largest":
            return meant if self.largest in {face.track for face in present.faces} else {*meant, present.largest}
        return meant | {track.number for track in present.tracks.known if track.in_doubt(present.seconds)}

    def _means(self, track: int, look: Look) -> bool:
        if look.faces == "all":
            return True
        return track == self.largest if look.faces == "largest" else track in look.faces
