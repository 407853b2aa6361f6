"""Which heads a look must hide in a frame: also those that are not found there, and whatever may be one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from services.render.head import Head, heads_of
from services.render.tracking import MEMORY_SECONDS
from shared.model.errors import Malformed
from shared.model.frames import Box

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.render.choosing import Choice, Present
    from shared.model.looks import Look

GROWTH_PER_SECOND = 0.5
"""By so much of itself a head that is not found grows: it may have moved on another way."""
SAME = 0.3
"""Intersection over union of two boxes from which on one thing was seen twice."""
ABOUT_AS_LARGE = 0.7
"""What may be a face may be the largest one, if it has so much of that one's size."""


class Sighting(msgspec.Struct, frozen=True, array_like=True):
    """What may be a face, and has no landmarks."""

    box_px: Box
    """x0, y0, x1, y1."""
    seconds: float
    """When it was seen last."""


class Watch(msgspec.Struct, frozen=True, array_like=True):
    """What may be a face in a session, as far as it is remembered: a value that can be kept and gone on from."""

    sightings: tuple[Sighting, ...] = ()

    def after(self, boxes_px: Iterable[Box] | None, present: Present) -> Watch:
        """After the next frame, and what was seen in it besides its faces.

        Raises Malformed if nobody was watchful: what was not searched is not shown.
        """
        if boxes_px is None:
            raise Malformed("Faces are to be hidden, and detect was not watchful: run detect in this version too.")
        seen = [Sighting(box, present.seconds) for box in boxes_px]
        here = [*(one.box_px for one in seen), *(face.box_px for face in present.faces)]
        kept = (one for one in self.sightings if 0 <= present.seconds - one.seconds <= MEMORY_SECONDS)
        return Watch((*seen, *(one for one in kept if all(_overlap(one.box_px, box) < SAME for box in here))))

    def moved(self, seconds: float) -> Watch:
        """The same, all times later by so much."""
        return Watch(tuple(Sighting(one.box_px, one.seconds + seconds) for one in self.sightings))

    def heads(self, present: Present, choice: Choice, look: Look) -> list[Head]:
        """All that a look hides in a frame.

        A face that is not found is hidden where it should be by now, whatever seems to be before it, for as long as it
        is remembered. What may be a face has no track: it is hidden, but where a look is for the largest and it is not.
        """
        hidden = choice.hidden(present, look)
        found = {face.track for face in present.faces}
        heads = heads_of(face for face in present.faces if face.track in hidden)
        for track in present.tracks.known:
            if track.number in hidden - found and (head := Head.of(track.held(present.seconds))) is not None:
                heads.append(head.grown(_growth(present.seconds - track.motion.seconds)))
        unsure = [Head.at(one.box_px).grown(_growth(present.seconds - one.seconds)) for one in self.sightings]
        if look.faces == "largest" and heads:
            least = ABOUT_AS_LARGE * max(head.size_px for head in heads)
            unsure = [head for head in unsure if head.size_px >= least]
        return [*heads, *unsure]


def _growth(unseen_seconds: float) -> float:
    return 1 + GROWTH_PER_SECOND * max(0.0, unseen_seconds)


def _overlap(a: Box, b: Box) -> float:
    """Intersection over union."""
    width, height = (max(min(a[i + 2], b[i + 2]) - max(a[i], b[i]), 0.0) for i in (0, 1))
    both = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)) - width * height
    return width * height / both if both > 0 else 0.0
