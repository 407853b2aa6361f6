"""Temperature: the white of another daylight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEUTRAL_KELVIN = 6504.0
"""Of D65, the white of BT.601, BT.709 and sRGB."""
REACH_MIRED = 55.0
"""At full strength: 4,790 K, a low sun, to one side and 10,126 K, blue sky, to the other; eyes see steps of mired (a
million by kelvin) alike."""
GAMMA = 2.2
"""Of a screen. As a power it turns a gain of light into a gain of the stored sample."""
_RGB_OF_XYZ = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
"""IEC 61966-2-1; the primaries of BT.709, near those of BT.601."""


def temperature(value: float) -> NDArray[np.float64]:
    """[3] gains of R, G and B as stored: how this light's white differs from the neutral one."""
    light = _white(1e6 / (1e6 / NEUTRAL_KELVIN + REACH_MIRED * value))
    return np.asarray((light / _white(NEUTRAL_KELVIN)) ** (1 / GAMMA))


def _white(kelvin: float) -> NDArray[np.float64]:
    """[3] linear R, G, B of the daylight of 4,000..25,000 K with luminance 1 (CIE 15:2004, 3.1)."""
    if kelvin <= 7000:
        terms = (-4.6070e9, 2.9678e6, 99.11, 0.244063)
    else:
        terms = (-2.0064e9, 1.9018e6, 247.48, 0.237040)
    x = float(np.polyval(terms, 1 / kelvin))
    y = -3 * x * x + 2.870 * x - 0.275
    return np.asarray(_RGB_OF_XYZ @ (x / y, 1, (1 - x - y) / y))
