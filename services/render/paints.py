"""The pictures that a look refers to, ready to be laid on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.render.assets import asset_of
from services.render.pyramid import Pyramids
from shared.model.assets import PreparedPicture

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.render.pyramid import Pyramid
    from shared.model.assets import Prepared


class Paints:
    """Pictures and animations by the ids of their assets."""

    def __init__(self, assets: Mapping[str, Prepared]) -> None:
        self._assets = assets
        self._pyramids = Pyramids()

    def of(self, asset: str, user: str, seconds: float = 0.0) -> Pyramid:
        """What the asset that an effect, `user`, is drawn by shows at a time; an animation begins at 0 and runs in a
        loop.

        Raises Rejected: `unknown-asset` for one that is not there, `invalid-look` for one that is no picture.
        """
        prepared = asset_of(self._assets, asset, PreparedPicture, user)
        frame = prepared.frame_at(1000 * seconds)
        return self._pyramids.of(asset, frame, prepared.picture(frame))
