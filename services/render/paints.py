"""The pictures that a look refers to, ready to be laid on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.render.pyramid import Pyramids
from shared.model.assets import PreparedPicture
from shared.model.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.render.pyramid import Pyramid
    from shared.model.assets import Prepared


class Paints:
    """Pictures and animations by the ids of their assets."""

    def __init__(self, assets: Mapping[str, Prepared]) -> None:
        self._assets = assets
        self._pyramids = Pyramids()

    def of(self, asset: str, seconds: float = 0.0) -> Pyramid:
        """What the asset shows at a time; an animation begins at 0 and runs in a loop.

        Raises Rejected: `unknown-asset` for one that is not there, `invalid-look` for one that is no picture.
        """
        prepared = self._assets.get(asset)
        if prepared is None:
            raise Rejected("unknown-asset", f"There is no asset {asset}; upload the file to /v1/assets.")
        if not isinstance(prepared, PreparedPicture):
            detail = f"The asset {asset} is a colour table, but a texture or a sticker needs a picture."
            raise Rejected("invalid-look", detail)
        frame = prepared.frame_at(1000 * seconds)
        return self._pyramids.of(asset, frame, prepared.picture(frame))
