"""Lays a picture with alpha over pixels, by the modes that painting programs have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from services.render.region import Grid, Scratch
    from shared.model.effects import Blend

    Pixels = NDArray[np.uint8]
    Mode = Callable[[Grid, Grid, Grid], None]

SHADED: Final = frozenset({"normal", "screen"})
"""Modes that do not take over the light and shade of what is below by themselves."""


def blend(
    pixels: Pixels, above: Grid, weight: Grid, scratch: Scratch, *, mode: Blend = "normal", light: Grid | None = None
) -> None:
    """Lay `above` over `pixels` in place.

    pixels: [rows, columns, 3] RGB. above: [rows, columns, 4] float32 RGBA, premultiplied, 0..255. weight: [rows,
    columns] float32, 0..1, by which `above` counts. light: [rows, columns] float32, by which its colours are made
    brighter or darker; None leaves them. A pixel whose weight or alpha is 0 stays as it is, bit by bit.
    """
    size = pixels.shape[:2]
    planes = tuple(scratch.take(name, size) for name in ("red", "green", "blue", "alpha"))
    cv2.split(above, planes)
    alpha, below = planes[3], scratch.take("below", size)
    cv2.multiply(alpha, weight, alpha, 1 / 255)
    strength = weight
    if light is not None:
        strength = scratch.take("strength", size)
        cv2.multiply(weight, light, strength)
    for channel, colour in enumerate(planes[:3]):
        samples = scratch.take_bytes(f"samples {channel}", size)
        cv2.extractChannel(pixels, channel, samples)
        np.copyto(below, samples)
        cv2.multiply(colour, strength, colour, 1 / 255)
        MODES[mode](colour, alpha, below)
        cv2.add(samples, colour, samples, None, cv2.CV_8U)
        cv2.insertChannel(samples, pixels, channel)


# Each mode turns the colour into the change of the samples. The colour is 0..1 and times alpha, alpha is 0..1, `below`,
# which may be used up, 0..255. Formulas: W3C, Compositing and Blending Level 1, with all that alpha is a factor of
# taken together.


def _normal(colour: Grid, alpha: Grid, below: Grid) -> None:
    below *= alpha
    colour *= 255
    colour -= below


def _multiply(colour: Grid, alpha: Grid, below: Grid) -> None:
    colour -= alpha
    colour *= below


def _screen(colour: Grid, _: Grid, below: Grid) -> None:
    np.subtract(255, below, out=below)
    colour *= below


def _overlay(colour: Grid, alpha: Grid, below: Grid) -> None:
    """Multiplies what is dark below and screens what is bright: (2 colour - alpha) times the way to the nearer end."""
    colour *= 2
    colour -= alpha
    below -= 127.5
    np.abs(below, out=below)
    np.subtract(127.5, below, out=below)
    colour *= below


def _soft_light(colour: Grid, alpha: Grid, below: Grid) -> None:
    """Pegtop's, which has no step in its slope where the colour is middle grey, unlike W3C's."""
    colour *= 2
    colour -= alpha
    colour *= below
    below *= -1 / 255
    below += 1
    colour *= below


MODES: Final[dict[Blend, Mode]] = {
    "normal": _normal,
    "multiply": _multiply,
    "screen": _screen,
    "overlay": _overlay,
    "soft-light": _soft_light,
}
