"""Looks at faces of pictures that lie on a card: they come to the host as small grey pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shared.cuda.device import blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from services.render.cuda.fetching import Fetched
    from shared.cuda.device import Device
    from shared.cuda.pictures import CardPicture

SOURCE = Path(__file__).with_suffix(".cu")


def upright(
    device: Device, picture: CardPicture, affines: Sequence[NDArray[np.float64]], side: int, fetched: Fetched
) -> NDArray[np.uint8]:
    """Luma under squares of `side` samples, uint8 [n, side, side], in one launch; waits for the card.

    affines: one or more [2, 3], from column and row of a square to x and y of the picture (nv12), whose edge is
    repeated beyond it. Up to a level as `cv2.warpAffine` gives it.
    """
    table = device.upload(np.asarray(affines, np.float32))
    grey = device.empty((len(affines), side, side), np.uint8)
    (across, down, _), block = blocks(side, side)
    geometry = picture.geometry
    device.kernels(SOURCE).launch(
        "upright", (across, down, len(affines)), block, picture.planes[0], np.int32(geometry.width),
        np.int32(geometry.height), table, grey, np.int32(side),
    )  # fmt: skip
    fetched.crops += len(affines)
    fetched.crop_bytes += grey.nbytes
    return device.download(grey)
