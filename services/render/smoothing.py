"""Calms the landmarks of one face from frame to frame without letting them lag behind it."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from services.render.noise import Noise
from services.render.placement import Place, Step, fit, sampled
from shared.model.faces import Layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.render.placement import Flat, Found, Points

LONGEST_GAP_SECONDS = 0.25
"""After a longer gap the landmarks are taken as they come."""
REST_SECONDS = 0.7
"""A face that does not move is averaged over so long."""
LEAD_SECONDS = 0.15
"""What the filter lags behind is averaged over so long, to tell a slow movement from noise."""
LEAST_NOISE = (0.005**2, 0.005**2, 0.006**2)
"""Variances that are always allowed for (see Noise). A higher floor stills the slow wander that a video encoder makes,
at the price of a larger error while a face moves; decision 0012 has the measurements."""
MOST_NOISE = 0.03**2
"""What trembles more than that is taken for movement."""
SURE_SQUARED = 8.0**2
"""An innovation of 8 variances is followed half of the way at once."""
SURE_LEAD = 4.0
"""A lead of 4 variances is followed the whole way at once."""
# What moves on its own: eyes, brows, lips with the mouth's inside, jaw. All other points of a layout are a group, too.
_GROUPS: dict[int, tuple[tuple[int, ...], ...]] = {
    Layout.MESH: (
        (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
        (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
        (46, 53, 52, 65, 55, 107, 66, 105, 63, 70),
        (276, 283, 282, 295, 285, 336, 296, 334, 293, 300),
        (
            *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185),
            *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191),
        ),
        (93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323),
    ),
    Layout.IBUG: (
        *(tuple(range(36, 42)), tuple(range(42, 48)), tuple(range(17, 22)), tuple(range(22, 27))),
        *(tuple(range(48, 68)), tuple(range(3, 14))),
    ),
}


class Motion(msgspec.Struct, frozen=True, array_like=True):
    """One face's calmed landmarks, and all that is needed to go on from them.

    Landmarks are a place in the picture, which all have in common, and a shape in the face's own coordinates. The
    position, turn with scale, and each group of the shape have a low-pass filter of first order, with a gain that
    follows from how far the new frame is from the filter (innovation) and from the mean of that over the last frames
    (lead), both over the noise of this face: nearly 1 for what is surely movement, and what REST_SECONDS says for what
    noise does as well. So the error of position stays within a few times the noise, whatever the speed.
    """

    seconds: float
    """Presentation time of the last frame."""
    place: Place
    shape: bytes
    """complex64 [n]: x + iy, in spreads."""
    depth: bytes
    """float32 [n], in spreads."""
    noise: Noise
    lead: Step = (0.0, 0.0, 0.0, 0.0)
    lead_shape: bytes = b""
    """complex64 [n]; empty in the first frame."""

    @classmethod
    def begun(cls, found: Found, seconds: float) -> Motion:
        """Of a face that is new."""
        scale = math.exp(-found.place.log_spread)
        shape, depth = found.away * scale, found.rows_px[2] * scale
        return cls(seconds, found.place, shape.tobytes(), depth.tobytes(), Noise.begun(found.place, shape))

    @property
    def points_px(self) -> Points:
        """[n, 3] float32: the calmed landmarks, as Face has them."""
        laid = self.place.laid(np.frombuffer(self.shape, np.complex64))
        points = np.empty((len(laid), 3), np.float32)
        points[:, 0], points[:, 1] = laid.real, laid.imag
        points[:, 2] = np.frombuffer(self.depth, np.float32) * math.exp(self.place.log_spread)
        return points

    @property
    def some_of_shape(self) -> Flat:
        """complex64 [m]: a few of the points."""
        return sampled(np.frombuffer(self.shape, np.complex64))

    def followed(self, found: Found, seconds: float) -> Motion:
        """With the next frame's landmarks; begun anew after a gap, and where they are of another layout or shape."""
        since, shape = seconds - self.seconds, np.frombuffer(self.shape, np.complex64)
        steady = 0 < since <= LONGEST_GAP_SECONDS and len(shape) == len(found.away)
        middle = complex(found.place.x_px, found.place.y_px)
        fitted = fit(shape, found.away, middle) if steady else None
        if fitted is None:
            return Motion.begun(found, seconds)
        place, miss = fitted
        noise = self.noise.heard(place, shape + miss, since)
        step = self.place.step_to(place)
        lead, lead_shape = self._lead(step, miss, since)
        groups = _groups(len(shape))
        shift, turn, *parts = _gains(groups.energies(step, miss), groups.energies(lead, lead_shape), noise, since)
        gain, gain_xy = groups.spread_out(parts)
        depth, lead_xy = np.frombuffer(self.depth, np.float32), lead_shape.view(np.float32)
        depth_miss = found.rows_px[2] * math.exp(-place.log_spread) - depth
        return Motion(
            seconds,
            self.place.towards(place, shift, turn),
            (shape.view(np.float32) + gain_xy * miss.view(np.float32)).tobytes(),
            (depth + gain * depth_miss).tobytes(),
            noise,
            (lead[0] * (1 - shift), lead[1] * (1 - shift), lead[2] * (1 - turn), lead[3] * (1 - turn)),
            (lead_xy - gain_xy * lead_xy).tobytes(),
        )

    def _lead(self, step: Step, miss: Flat, since: float) -> tuple[Step, Flat]:
        part = 1 - math.exp(-since / LEAD_SECONDS)
        (x, y, scale, angle), (to_x, to_y, to_scale, to_angle) = self.lead, step
        lead = (
            x + part * (to_x - x),
            y + part * (to_y - y),
            scale + part * (to_scale - scale),
            angle + part * (to_angle - angle),
        )
        if not self.lead_shape:
            return lead, miss * part
        before = np.frombuffer(self.lead_shape, np.complex64)
        return lead, before + (miss - before) * part


class _Groups:
    """Which points of a layout move together."""

    def __init__(self, points: int, groups: tuple[tuple[int, ...], ...]) -> None:
        self._of_point = np.full(points, len(groups), np.intp)
        for number, group in enumerate(groups):
            self._of_point[list(group)] = number
        self._of_coordinate = np.repeat(self._of_point, 2)
        belongs = self._of_coordinate == np.arange(len(groups) + 1)[:, None]
        self._averages = (belongs / (belongs.sum(axis=1, keepdims=True) / 2)).astype(np.float32)

    def energies(self, step: Step, miss: Flat) -> list[float]:
        """Mean squares [2 + groups] of the position's step, of turn and scale, and of each group of points."""
        x, y, scale, angle = step
        means: list[float] = self._averages.dot(np.square(miss.view(np.float32))).tolist()
        return [x * x + y * y, scale * scale + angle * angle, *means]

    def spread_out(self, values: Sequence[float]) -> tuple[Points, Points]:
        """What each group has, for its points [n] and for x and y of its points [2n]."""
        each = np.array(values, np.float32)
        return each.take(self._of_point), each.take(self._of_coordinate)


@cache
def _groups(points: int) -> _Groups:
    return _Groups(points, _GROUPS.get(points, ()))


def _gains(innovation: Sequence[float], lead: Sequence[float], noise: Noise, since: float) -> list[float]:
    """Which part of the way each filter goes: position, turn and scale, each group of points."""
    of_place, of_turn, of_shape = (
        min(max(heard, least), MOST_NOISE) for heard, least in zip(noise.variances, LEAST_NOISE, strict=True)
    )
    at_rest = 1 - math.exp(-since / REST_SECONDS)
    part = 1 - math.exp(-since / LEAD_SECONDS)
    by_noise = part / (2 - part)  # variance of the lead of white noise of variance 1
    (place, turn, *shape), (place_lead, turn_lead, *shape_lead) = innovation, lead
    return [
        _gain(place / of_place, place_lead / of_place - by_noise, at_rest),
        _gain(turn / of_turn, turn_lead / of_turn - by_noise, at_rest),
        *[
            _gain(one / of_shape, led / of_shape - by_noise, at_rest)
            for one, led in zip(shape, shape_lead, strict=True)
        ],
    ]


def _gain(innovation: float, lead: float, at_rest: float) -> float:
    surely = innovation * innovation
    gain, led = surely / (surely + SURE_SQUARED), lead / SURE_LEAD
    if led > gain:
        gain = min(led, 1.0)
    return gain if gain > at_rest else at_rest
