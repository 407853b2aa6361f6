"""Who is who from frame to frame."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from services.render.placement import Place, fit, found_at, sampled, squares
from services.render.smoothing import Motion
from shared.model.faces import Face

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.render.placement import Found, Points

    Box = tuple[float, float, float, float]

MEMORY_SECONDS = 1.25
"""An absent face is remembered so long: half a second behind something, and until detect looks for new faces again."""
HOLD_SECONDS = 0.1
"""So long a face that is not found is drawn as it was, where it should be by now."""
SPEED_SECONDS = 0.3
"""The speed of a face is averaged over so long: landmarks drag behind before they are lost at the edge of what hides
the face, and its speed must not follow that."""
COASTING_SECONDS = 0.5
"""A face that is not seen goes on with its last speed, which fades with this time constant."""
NEAR, FARTHER_PER_SECOND, FARTHEST = 3.0, 20.0, 8.0
"""Spreads between where a face should be and where it may be: at once, more with each second unseen, at most. A face
is some three spreads wide; landmarks that lose a quick face are found again a face's width further."""
GROWTH, GROWTH_PER_SECOND, MOST_GROWTH = 0.35, 1.0, 0.7
"""The same for the logarithm of its size."""
SIZE_WEIGHT, SHAPE_WEIGHT = 2.0, 10.0
"""What another size (logarithm) and another shape (RMS, spreads) count against a spread of distance. From one frame to
the next a face's own shape changes by 0.01..0.05; that of another one, or of one turned another way, is 0.04..0.4
away."""
LOOKS_SECONDS, DOUBTFUL_LOOKS_SECONDS = 0.5, 5.0
"""How a face looks is averaged over so long, and over so long while it may have been taken for another."""
MEETING = 2.0
"""Spreads between the middles of two faces of which one hides the other: it is in doubt for MEMORY_SECONDS."""
MISTAKEN = 0.1
"""A face in doubt that is so unlike itself, and twice as unlike as the other is, has been taken for the other."""
COVERED = 0.5
"""A held face of whose box so much lies in that of a found one is not drawn: the one has slid onto the other."""


class Track(msgspec.Struct, frozen=True, array_like=True):
    """One face of a session."""

    number: int
    motion: Motion
    """Its calmed landmarks, and when they were seen last."""
    looks: bytes
    """complex64 [m]: some points of its shape, as it mostly is."""
    speed_px: tuple[float, float] = (0.0, 0.0)
    """Pixels a second, right and down."""
    met_seconds: float = -math.inf
    """When it was last so near to another that one hides the other."""

    @classmethod
    def begun(cls, number: int, found: Found, seconds: float) -> Track:
        """Of a face that is new."""
        motion = Motion.begun(found, seconds)
        return cls(number, motion, motion.some_of_shape.tobytes())

    def followed(self, found: Found, seconds: float, *, meets: bool) -> Track:
        """With the face of a later frame. meets: there is another where it is, found or not."""
        motion = self.motion.followed(found, seconds)
        since = seconds - self.motion.seconds
        met = seconds if meets else self.met_seconds
        if since <= 0:
            return Track(self.number, motion, self.looks, self.speed_px, met)
        part = 1 - math.exp(-since / (DOUBTFUL_LOOKS_SECONDS if self.in_doubt(seconds) else LOOKS_SECONDS))
        looks, now_looks = np.frombuffer(self.looks, np.complex64), motion.some_of_shape
        if len(looks) == len(now_looks):
            now_looks = looks + (now_looks - looks) * part
        part, before, now = 1 - math.exp(-since / SPEED_SECONDS), self.motion.place, motion.place
        right, down = self.speed_px
        right += part * ((now.x_px - before.x_px) / since - right)
        down += part * ((now.y_px - before.y_px) / since - down)
        return Track(self.number, motion, now_looks.tobytes(), (right, down), met)

    def moved(self, seconds: float) -> Track:
        """The same, all times later by so much."""
        motion = msgspec.structs.replace(self.motion, seconds=self.motion.seconds + seconds)
        return msgspec.structs.replace(self, motion=motion, met_seconds=self.met_seconds + seconds)

    def unlikeness(self, found: Found) -> float:
        """RMS distance, in spreads, between the two shapes; infinite if they are not of one layout or nothing alike."""
        looks, some = np.frombuffer(self.looks, np.complex64), sampled(found.away)
        fitted = fit(looks, some - some.mean()) if len(looks) == len(some) else None
        return math.inf if fitted is None else math.sqrt(float(squares(fitted[1]).mean()))

    def is_mistaken(self, own: Found, other: Found) -> bool:
        """True if it looks like the other face, not like what it was taken for."""
        return self.unlikeness(own) > max(MISTAKEN, 2 * self.unlikeness(other))

    def in_doubt(self, seconds: float) -> bool:
        """True if it may have been taken for another face not long ago."""
        return seconds - self.met_seconds <= MEMORY_SECONDS

    def meets(self, other: Track, seconds: float) -> bool:
        """True if one of the two hides the other, if they are where they should be."""
        here, there = self.expected(seconds), other.expected(seconds)
        return math.hypot(*here.step_to(there)[:2]) < MEETING

    def expected(self, seconds: float) -> Place:
        """Where the face should be at that time."""
        unseen = max(0.0, seconds - self.motion.seconds)
        reach = COASTING_SECONDS * (1 - math.exp(-unseen / COASTING_SECONDS))
        place, (right, down) = self.motion.place, self.speed_px
        return Place(place.x_px + reach * right, place.y_px + reach * down, place.log_spread, place.angle_rad)

    def held(self, seconds: float) -> Face:
        """The face as it was, where it should be at that time."""
        motion = msgspec.structs.replace(self.motion, place=self.expected(seconds))
        return Face.of(motion.points_px, 0.0).known_as(self.number)

    def strangeness(self, found: Place, seconds: float) -> float:
        """What speaks against a face at a place being this one, from 0; infinite where it cannot be."""
        unseen, expected = max(0.0, seconds - self.motion.seconds), self.expected(seconds)
        away = math.hypot(found.x_px - expected.x_px, found.y_px - expected.y_px) / math.exp(expected.log_spread)
        growth = abs(found.log_spread - expected.log_spread)
        near = away <= min(NEAR + FARTHER_PER_SECOND * unseen, FARTHEST)
        alike = growth <= min(GROWTH + GROWTH_PER_SECOND * unseen, MOST_GROWTH)
        return away + SIZE_WEIGHT * growth + unseen if near and alike else math.inf


class Tracks(msgspec.Struct, frozen=True, array_like=True):
    """The faces of one session, as they are known after a frame: a value that can be kept and gone on from."""

    last: int = 0
    """The number that was given last; each is given once, from 1."""
    known: tuple[Track, ...] = ()

    def seen(self, faces: Sequence[Face], seconds: float) -> tuple[Tracks, list[Face]]:
        """After the next frame, and its faces in the order given, each with its `track`, their landmarks calmed.

        seconds: presentation time. A face is the known one that least speaks against: place and size as they should be
        by now, and, where several come into question, looks. What has no place is no face and is left out.
        """
        known = [track for track in self.known if seconds - track.motion.seconds <= MEMORY_SECONDS]
        pairs = [(face, one) for face in faces if (one := found_at(face.landmarks_px))]
        found = [one for _, one in pairs]
        taken, last = _told_apart(_matched(known, found, seconds), found, seconds), self.last
        followed: dict[int, Track] = {}
        named = []
        for index, (face, one) in enumerate(pairs):
            track = taken.get(index)
            if track is None:
                last += 1
                followed[last] = Track.begun(last, one, seconds)
                named.append(face.known_as(last))
            else:
                meets = any(other.number != track.number and track.meets(other, seconds) for other in known)
                track = followed[track.number] = track.followed(one, seconds, meets=meets)
                named.append(_calmed(face, one, track))
        absent = [track for track in known if track.number not in followed]
        return Tracks(last, (*absent, *followed.values())), named

    def moved(self, seconds: float) -> Tracks:
        """The same, all times later by so much."""
        return Tracks(self.last, tuple(track.moved(seconds) for track in self.known))

    def held(self, faces: Sequence[Face], seconds: float) -> list[Face]:
        """Faces to draw besides those of the frame: lost a moment ago, and hidden by none of them."""
        lost = [t for t in self.known if 0 < seconds - t.motion.seconds <= HOLD_SECONDS]
        held = [track.held(seconds) for track in lost]
        return [face for face in held if all(_covered(face.box_px, other.box_px) < COVERED for other in faces)]


def _matched(known: Sequence[Track], found: Sequence[Found], seconds: float) -> dict[int, Track]:
    """The known face that each found one is, by its index, as far as it is one; the surest pairs come first."""
    pairs = [
        (strangeness, index, track)
        for index, one in enumerate(found)
        for track in known
        if (strangeness := track.strangeness(one.place, seconds)) < math.inf
    ]
    if min(len({index for _, index, _ in pairs}), len({track.number for *_, track in pairs})) < len(pairs):
        pairs = [(s + SHAPE_WEIGHT * track.unlikeness(found[index]), index, track) for s, index, track in pairs]
    taken: dict[int, Track] = {}
    for _, index, track in sorted(pairs, key=lambda pair: (pair[0], pair[2].number, pair[1])):
        if index not in taken and all(track is not other for other in taken.values()):
            taken[index] = track
    return taken


def _told_apart(taken: dict[int, Track], found: Sequence[Found], seconds: float) -> dict[int, Track]:
    """The same, with numbers changed back where two faces met and were taken for each other.

    The landmarks of a face that is being hidden slide onto the one that hides it, and its number with them: for as long
    as one of the two is not seen there is nothing to be told, but when both are, each looks like the other, or a face
    that seems to be new looks like one of them.
    """
    doubtful = [(index, track) for index, track in taken.items() if track.in_doubt(seconds)]
    for (i, one), j in itertools.product(doubtful, set(range(len(found))) - taken.keys()):
        if j not in taken and taken.get(i) is one and one.is_mistaken(found[i], found[j]):
            taken[j] = taken.pop(i)
    for (i, one), (j, other) in itertools.combinations(doubtful, 2):
        if taken.get(i) is not one or taken.get(j) is not other:
            continue
        if one.is_mistaken(found[i], found[j]) and other.is_mistaken(found[j], found[i]):
            taken[i] = msgspec.structs.replace(one, number=other.number, looks=other.looks)
            taken[j] = msgspec.structs.replace(other, number=one.number, looks=one.looks)
    return taken


def _calmed(face: Face, found: Found, track: Track) -> Face:
    """The face with the track's landmarks and number; the edges of its box move as those of its landmarks do."""
    calm_px = track.motion.points_px
    before, after = _extent(found.rows_px), _extent(np.ascontiguousarray(calm_px.T))
    x0, y0, x1, y1 = (edge + new - old for edge, new, old in zip(face.box_px, after, before, strict=True))
    return msgspec.structs.replace(face, box_px=(x0, y0, x1, y1), points=calm_px.tobytes(), track=track.number)


def _extent(rows_px: Points) -> Box:
    # `argmin` is three times as quick as `min`.
    left, up, _ = rows_px.argmin(axis=1).tolist()
    right, down, _ = rows_px.argmax(axis=1).tolist()
    return rows_px.item(0, left), rows_px.item(1, up), rows_px.item(0, right), rows_px.item(1, down)


def _covered(one: Box, other: Box) -> float:
    """How much of one box lies in the other, 0..1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    area = (one[2] - one[0]) * (one[3] - one[1])
    return max(width, 0.0) * max(height, 0.0) / area if area > 0 else 1.0
