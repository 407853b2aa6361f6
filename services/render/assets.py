"""What a look refers to, by id and of the kind that it is used as."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from shared.model.assets import unknown_asset
from shared.model.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.assets import Prepared, PreparedLut, PreparedPicture

Kind = TypeVar("Kind", "PreparedLut", "PreparedPicture")


def asset_of(assets: Mapping[str, Prepared], asset: str, kind: type[Kind], user: str) -> Kind:
    """The asset that an effect, `user`, is drawn by.

    Raises Rejected: `unknown-asset` for one that is not there, `invalid-look` for one of another kind.
    """
    prepared = assets.get(asset)
    if prepared is None:
        raise unknown_asset(asset)
    if not isinstance(prepared, kind):
        raise Rejected("invalid-look", f"`{user}` cannot be drawn by the asset {asset}: it is of another kind.")
    return prepared
