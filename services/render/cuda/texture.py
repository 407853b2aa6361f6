"""Lays a texture on faces of a picture on a card: `effects.overlay.texture` there, for all faces at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from services.render.cuda.draping import Draping
from services.render.cuda.layers import layered
from services.render.cuda.laying import NUMBERS
from services.render.cuda.records import GRIDS
from services.render.cuda.sheets import Painted, Sheets, whole
from services.render.cuda.toning import INCLUDED, lanes
from services.render.cuda.toning import SOURCE as TONES
from services.render.effects.overlay.texture import Extent, face_of, is_lit, level_of, painted
from services.render.region import size_of
from shared.cuda.device import blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from services.render.cuda.paints import CardPaints
    from services.render.cuda.places import Places
    from services.render.pyramid import Pyramid
    from services.render.region import Region
    from services.render.shape import FaceShape
    from shared.cuda.device import Argument, Device, DeviceArray, Dim3
    from shared.cuda.pictures import CardPicture
    from shared.model.effects import Texture
    from shared.model.looks import Look

SOURCE = Path(__file__).with_suffix(".cu")
THREADS = 1024
"""Of a block that works together; texture.cu has as many."""


class CardTexture:
    """The textures of looks, drawn on a card."""

    def __init__(self, paints: CardPaints) -> None:
        self._paints = paints
        self._places: Places | None = None
        self._draping: Draping | None = None
        self._wanted: tuple[Pyramid, NDArray[np.bool_], DeviceArray] | None = None
        """Where a paint shows something, which is the same for all faces and frames; here and on the card."""

    def reach(self, target: CardPicture, shape: FaceShape, look: Look) -> Region | None:
        """All pixels that a look's texture is drawn by on a face; None where there are none."""
        return face_of(shape, size_of(target)) if look.texture is not None and look.texture.strength else None

    def draw(self, target: CardPicture, shapes: Sequence[FaceShape], look: Look, device: Device) -> None:
        """Lay the texture of a look, if it has one, on faces of `target` (nv12) in place, in their order where they
        overlap. Faces are meshes. It does not wait for the card. Raises as `Paints.of`.
        """
        texture = look.texture
        if texture is None or not texture.strength or not shapes:
            return
        paint = self._paints.of(texture.asset, "texture")
        if self._draping is None or self._draping.device is not device:
            self._draping, self._wanted = Draping(device), None
        if self._wanted is None or self._wanted[0] is not paint:
            wanted = painted(paint)
            self._wanted = paint, wanted, self._draping.wanted(wanted)
        found = [
            Painted(shape, extent, level_of(paint, shape))
            for shape in shapes
            if (extent := Extent.of(shape, self._wanted[1], size_of(target))) is not None
        ]
        for layer in layered([one.extent.face for one in found]):
            faces = [found[at] for at in layer]
            laid = self._draping.laid([(one.shape, one.extent.region) for one in faces], self._wanted[2])
            self._lay(target, faces, laid, texture, device)

    def _lay(
        self, target: CardPicture, faces: list[Painted], laid: DeviceArray, texture: Texture, device: Device
    ) -> None:
        levels = [self._paints.on_card(face.level) for face in faces]
        if self._places is None:
            self._places = whole(faces[0].shape)
        sheets = Sheets(target, faces, self._places, texture.feather)
        told = (
            *sheets.arguments(target, [device.address(level) for level in levels], device),
            *(laid, np.int32(sheets.cells)),
        )
        weights = _weighed(sheets, told, texture, device)
        rows, columns = np.max([face.extent.region.shape(2) for face in faces], axis=0).tolist()
        (across, down, _), block = blocks(columns, rows)
        grid: Dim3 = (across, down, len(faces))
        luma, chroma = target.planes
        width, kernels = np.int32(target.geometry.width), device.kernels(SOURCE, INCLUDED)
        mode, pairs = NUMBERS[texture.blend], chroma
        if mode:
            pairs = device.empty((sheets.pairs, 2), np.uint8)
            kernels.launch("copied", grid, block, chroma, width, told[0], told[2], pairs)
        lit = np.int32(is_lit(texture))
        kernels.launch("textured", grid, block, luma, chroma, width, *told, weights, lit, mode, pairs)


def _weighed(sheets: Sheets, told: tuple[Argument, ...], texture: Texture, device: Device) -> DeviceArray:
    """float32 [2, cells of all faces]: by how much the texture counts, and the light on it."""
    cells = sheets.jobs["rows"] * sheets.jobs["columns"]
    arena = device.empty((GRIDS * int(cells.sum()),), np.float32)
    weights = device.empty((2, sheets.cells), np.float32)
    no_copies = told[0]  # of luma: they are made where it is sharpened
    device.kernels(TONES, INCLUDED).launch("gather", *lanes(cells, len(cells)), told[0], np.int32(0), arena, no_copies)
    numbers = np.float32(texture.amount), np.float32(texture.shading)
    grid, block = (len(cells), 1, 1), (THREADS, 1, 1)
    device.kernels(SOURCE, INCLUDED).launch("weighed", grid, block, *told, *numbers, arena, weights)
    return weights
