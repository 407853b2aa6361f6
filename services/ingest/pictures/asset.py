"""Reads a hostile upload that is to be an asset: a picture, an animation or a colour LUT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.ingest.pictures.animation import read_picture
from services.ingest.pictures.cube import read_cube
from shared.model.assets import AssetKind, asset_kind
from shared.model.errors import Rejected
from shared.model.media import SNIFF_BYTES

if TYPE_CHECKING:
    from services.ingest.limits import IngestLimits
    from shared.model.assets import Prepared


def read_asset(data: bytes, limits: IngestLimits) -> Prepared:
    """The asset in `data`, within the limits.

    Raises Rejected (`unsupported-media`, `too-large`, `damaged-media`).
    """
    if len(data) > limits.max_asset_bytes:
        raise Rejected("too-large", f"The file has more than {limits.max_asset_bytes} bytes (max_asset_bytes).")
    match asset_kind(data[:SNIFF_BYTES]):
        case AssetKind.PICTURE:
            return read_picture(data, limits)
        case AssetKind.LUT:
            return read_cube(data, limits.max_lut_size)
    raise Rejected("unsupported-media", "An asset must be JPEG, PNG, WebP, GIF or a .cube text.")
