"""Calms the landmarks of one face from frame to frame without letting them lag behind it."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from services.render.noise import Noise
from services.render.placement import Place, Step, fit, flat, sampled, squares
from shared.model.faces import Layout

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.render.placement import Flat, Points

LONGEST_GAP_SECONDS = 0.25
"""After a longer gap the landmarks are taken as they come."""
REST_SECONDS = 0.7
"""A face that does not move is averaged over so long."""
LEAD_SECONDS = 0.15
"""What the filter lags behind is averaged over so long, to tell a slow movement from noise."""
LEAST_NOISE = np.square((0.005, 0.005, 0.006))
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
    def begun(cls, points_px: Points, place: Place, seconds: float) -> Motion:
        """A face that is new, by its landmarks [n, 3] and their place."""
        shape = place.shape_of(flat(points_px))
        depth = points_px[:, 2] * math.exp(-place.log_spread)
        return cls(seconds, place, shape.tobytes(), depth.tobytes(), Noise.begun(place, shape))

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

    def followed(self, points_px: Points, place: Place, seconds: float) -> Motion:
        """With the next frame's landmarks [n, 3] and their place; begun anew after a gap, and where they are of another
        layout or shape."""
        since, shape = seconds - self.seconds, np.frombuffer(self.shape, np.complex64)
        steady = 0 < since <= LONGEST_GAP_SECONDS and len(shape) == len(points_px)
        fitted = fit(shape, flat(points_px)) if steady else None
        if fitted is None:
            return Motion.begun(points_px, place, seconds)
        found, miss = fitted
        noise = self.noise.heard(found, shape + miss, since)
        step = self.place.step_to(found)
        lead, lead_shape = self._lead(step, miss, since)
        groups = _groups(len(shape))
        shift, turn, parts = _gains(groups.energies(step, miss), groups.energies(lead, lead_shape), noise, since)
        gain = parts[groups.of_point]
        depth = np.frombuffer(self.depth, np.float32)
        depth_miss = points_px[:, 2] * math.exp(-found.log_spread) - depth
        return Motion(
            seconds,
            self.place.towards(found, shift, turn),
            (shape + gain * miss).tobytes(),
            (depth + gain * depth_miss).tobytes(),
            noise,
            (lead[0] * (1 - shift), lead[1] * (1 - shift), lead[2] * (1 - turn), lead[3] * (1 - turn)),
            (lead_shape * (1 - gain)).tobytes(),
        )

    def _lead(self, step: Step, miss: Flat, since: float) -> tuple[Step, Flat]:
        part = 1 - math.exp(-since / LEAD_SECONDS)
        x, y, scale, angle = (old + part * (new - old) for old, new in zip(self.lead, step, strict=True))
        lead_shape = miss * part
        if self.lead_shape:
            lead_shape += np.frombuffer(self.lead_shape, np.complex64) * (1 - part)
        return (x, y, scale, angle), lead_shape


class _Groups:
    """Which points of a layout move together."""

    def __init__(self, points: int, groups: tuple[tuple[int, ...], ...]) -> None:
        self.of_point = np.full(points, len(groups), np.intp)
        for number, group in enumerate(groups):
            self.of_point[list(group)] = number
        self._sizes = np.bincount(self.of_point, minlength=len(groups) + 1)

    def energies(self, step: Step, miss: Flat) -> NDArray[np.float64]:
        """Mean squares [2 + groups] of the position's step, of turn and scale, and of each group of points."""
        means = np.bincount(self.of_point, squares(miss), len(self._sizes)) / self._sizes
        return np.array((step[0] ** 2 + step[1] ** 2, step[2] ** 2 + step[3] ** 2, *means))


@cache
def _groups(points: int) -> _Groups:
    return _Groups(points, _GROUPS.get(points, ()))


def _gains(
    innovation: NDArray[np.float64], lead: NDArray[np.float64], noise: Noise, since: float
) -> tuple[float, float, NDArray[np.float32]]:
    """Which part of the way each filter goes: position, turn and scale, each group of points."""
    variances = np.clip(noise.variances, LEAST_NOISE, MOST_NOISE)[[0, 1] + [2] * (len(innovation) - 2)]
    surely = np.square(innovation / variances)
    at_once = surely / (surely + SURE_SQUARED)
    part = 1 - math.exp(-since / LEAD_SECONDS)
    by_noise = part / (2 - part)  # variance of the lead of white noise of variance 1
    led = np.minimum((lead / variances - by_noise) / SURE_LEAD, 1)
    gains = np.maximum(np.maximum(at_once, led), 1 - math.exp(-since / REST_SECONDS))
    return float(gains[0]), float(gains[1]), gains[2:].astype(np.float32)
