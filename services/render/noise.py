"""Learns how much the landmarks of a face tremble, apart from how much they move."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from services.render.placement import Place, Step, sampled

if TYPE_CHECKING:
    from services.render.placement import Flat

SECONDS = 1.0
"""The noise is learnt over so long."""


class Noise(msgspec.Struct, frozen=True, array_like=True):
    """What is known of one face's noise.

    Noise that is new in every frame makes two steps that follow one another opposite: the mean of their product is
    minus its variance. Movement makes them alike, which lowers the estimate, below 0 too, and never raises it. (A
    mean of the steps' squares, by contrast, takes a face that moves for one that trembles.)
    """

    place: Place
    """Of the last frame, as it was found."""
    sample: bytes
    """complex64 [m]: some points of the shape in the last frame, as they were found."""
    step: Step = (0.0, 0.0, 0.0, 0.0)
    """From the frame before to `place`."""
    sample_step: bytes = b""
    """complex64 [m], the same of the sample; empty in the first frame."""
    frames: int = 0
    """How many have been learnt from."""
    variances: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Of the place, of scale and angle, of a point of the shape: squares of spreads."""

    @classmethod
    def begun(cls, place: Place, shape: Flat) -> Noise:
        """Of a face that is seen for the first time."""
        return cls(place, sampled(shape).tobytes())

    def heard(self, place: Place, shape: Flat, since_seconds: float) -> Noise:
        """After the next frame; shape: complex64 [n], as many points as before."""
        sample = sampled(shape)
        step, sample_step = self.place.step_to(place), sample - np.frombuffer(self.sample, np.complex64)
        if not self.sample_step:
            return Noise(place, sample.tobytes(), step, sample_step.tobytes())
        before = np.frombuffer(self.sample_step, np.complex64)
        part = max(1 - math.exp(-since_seconds / SECONDS), 1 / (self.frames + 3))
        (right, down, scale, angle), (of_place, of_turn, of_shape) = self.step, self.variances
        of_place += part * (-(step[0] * right + step[1] * down) - of_place)
        of_turn += part * (-(step[2] * scale + step[3] * angle) - of_turn)
        of_shape += part * (-float(np.vdot(before, sample_step).real) / len(sample) - of_shape)
        variances = (of_place, of_turn, of_shape)
        return Noise(place, sample.tobytes(), step, sample_step.tobytes(), self.frames + 1, variances)
