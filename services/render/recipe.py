"""What the colour settings of a look do to one colour: curves of luma, gains of chroma, a light, a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from services.render.assets import asset_of
from services.render.effects import LUMA_CURVES
from services.render.effects.frame.grade import grade
from services.render.effects.frame.saturation import saturation
from services.render.effects.frame.temperature import temperature
from shared.model.assets import PreparedLut
from shared.model.colours import unit_rgb_of_yuv

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from services.render.region import Grid
    from shared.model.assets import Prepared
    from shared.model.looks import Look
    from shared.model.pictures import Matrix

COLOURS = ("brightness", "contrast", "saturation", "temperature", "grade")
"""The effects that it is made of, in the order in which a colour goes through them."""
_LEAST = np.float32(1e-3)


@dataclass(frozen=True, eq=False)
class Recipe:
    """Unit colours: luma 0..1 from black to white, chroma -0.5..0.5; both may lie beyond, as samples do."""

    curves: Mapping[str, float]
    """Values of those luma curves that are in force, in their order."""
    saturation: float = 0.0
    temperature: float = 0.0
    lut: PreparedLut | None = None
    amount: float = 0.0
    """Of `lut`."""

    @classmethod
    def of(cls, look: Look, assets: Mapping[str, Prepared]) -> Recipe:
        """That of a look; assets: those that it refers to. Raises Rejected for one that is missing or no table."""
        curves = {name: getattr(look, name) for name in LUMA_CURVES if getattr(look, name)}
        if look.grade is None or not look.grade.amount:
            return cls(curves, look.saturation, look.temperature)
        lut = asset_of(assets, look.grade.asset, PreparedLut, "grade")
        return cls(curves, look.saturation, look.temperature, lut, look.grade.amount)

    def luma(self, luma: Grid) -> Grid:
        """The curves, one after the other; what lies beyond black and white stays where it is."""
        inside = np.clip(luma, 0, 1)
        bent = inside
        for name, value in self.curves.items():
            bent = LUMA_CURVES[name](bent, value)
        return np.asarray(bent + (luma - inside), np.float32)

    def chroma_gain(self, luma: Grid) -> Grid:
        """What the curves do to chroma: the mean (geometric) of what keeps a colour's saturation and what curves over
        red, green and blue would do. The first alone lets light colours overflow, the second alone washes them out."""
        inside = np.clip(luma, _LEAST, 1 - _LEAST)
        slope = (self.luma(inside + _LEAST) - self.luma(inside - _LEAST)) / (2 * _LEAST)
        return np.asarray(np.sqrt(slope * self.luma(inside) / inside), np.float32)

    def saturation_gain(self, chroma: Grid) -> Grid:
        """Of colours whose larger chroma is `chroma`, -0.5..0.5 without its sign."""
        return np.asarray(saturation(np.minimum(2 * chroma, 1), self.saturation), np.float32)

    def rgb_gains(self, matrix: Matrix) -> NDArray[np.float64]:
        """[3]: of R, G and B in another light, which leaves the luma of grey as it is."""
        gains = temperature(self.temperature)
        return np.asarray(gains / (np.linalg.inv(unit_rgb_of_yuv(matrix))[0] @ gains))

    def light(self, matrix: Matrix) -> NDArray[np.float64]:
        """[3, 3]: the same for Y, Cb, Cr."""
        rgb_of_yuv = unit_rgb_of_yuv(matrix)
        return np.asarray(np.linalg.inv(rgb_of_yuv) @ np.diag(self.rgb_gains(matrix)) @ rgb_of_yuv)

    def developed(self, yuv: Grid, matrix: Matrix) -> Grid:
        """[n, 3] unit Y, Cb, Cr that colours [n, 3] become: the definition that quicker forms are measured by."""
        luma, chroma = yuv[:, :1], yuv[:, 1:]
        gain = self.chroma_gain(luma) * self.saturation_gain(np.abs(chroma).max(axis=1, keepdims=True))
        bent = np.concatenate([self.luma(luma), chroma * gain], axis=1) @ self.light(matrix).T.astype(np.float32)
        if self.lut is None:
            return np.asarray(bent)
        rgb_of_yuv = unit_rgb_of_yuv(matrix).astype(np.float32)
        rgb = grade(bent @ rgb_of_yuv.T, self.lut, self.amount)
        return np.asarray(rgb @ np.linalg.inv(rgb_of_yuv).T)
