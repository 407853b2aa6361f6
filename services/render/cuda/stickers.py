"""Lays stickers over faces of a picture on a card: `effects.overlay.stickers` there, for all faces at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from services.render.cuda.layers import layered
from services.render.cuda.laying import colours_of
from services.render.effects.overlay.stickers import REACH, Wearer, bent, ring_px, worn_by
from services.render.pose import head_view
from services.render.region import Region, size_of
from shared.cuda.device import blocks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from services.render.bumps import Bumps
    from services.render.cuda.bending import Bent
    from services.render.cuda.paints import CardPaints
    from services.render.effects.overlay.stickers import Placed
    from services.render.moment import Moment
    from services.render.shape import FaceShape
    from shared.cuda.device import Device, DeviceArray
    from shared.cuda.pictures import CardPicture
    from shared.model.effects import Sticker
    from shared.model.looks import Look

SOURCE = Path(__file__).with_suffix(".cu")
INCLUDED = SOURCE.parents[1]
"""Where what kernels share with others stands beside its Python."""
_BOX = ("x0", "y0", "x1", "y1")
WEARER = np.dtype([("times", np.uint64), *((name, np.int32) for name in (
    *_BOX, "first", "count", "first_point", "points",
))])  # fmt: skip
STICKER = np.dtype([
    ("level", np.uint64), *((name, np.int32) for name in ("rows", "columns", *_BOX, "behind")),
    *((name, np.float32, (2,)) for name in ("middle", "moved")), ("texels", np.float32, (4,)), ("amount", np.float32),
])  # fmt: skip
"""Records of the kernel; a point of a ring is four float32: x, y, and by how much it is moved."""


class Worn(NamedTuple):
    """What one face wears."""

    stickers: list[tuple[Sticker, Placed, Region]]
    """Each with the pixels that it may show in, however strongly the face is bent; the first lies lowest."""
    ring_px: NDArray[np.float32]
    """[n, 4]: the face's ring, and by how much its bumps move each point; nothing where no sticker asks for it."""

    @classmethod
    def of(cls, wearer: Wearer, look: Look, paints: CardPaints, size: tuple[int, int]) -> Worn:
        """What a face wears in a picture of `size` (width, height). Raises as `Paints.of`."""
        view, stickers = head_view(wearer.shape.landmarks_px), []
        for sticker, placed in worn_by(wearer, view, look, paints):
            corners = placed.corners_px()
            around = np.concatenate([corners, corners - placed.moved.astype(np.float32)])
            if (region := Region.around(around, REACH, 2, size)) is not None:
                stickers.append((sticker, placed, region))
        if wearer.moment.people is not None or not any(sticker.behind for sticker, _, _ in stickers):
            return cls(stickers, np.zeros((0, 4), np.float32))
        ring = ring_px(wearer.shape, view)
        return cls(stickers, np.column_stack([ring, bent(ring, wearer.bumps) - ring]))

    @property
    def region(self) -> Region:
        """Around all of them; one at least is there."""
        regions = [region for _, _, region in self.stickers]
        x0, y0 = min(one.x0 for one in regions), min(one.y0 for one in regions)
        return Region(x0, y0, max(one.x1 for one in regions), max(one.y1 for one in regions), 2)


class CardStickers:
    """The stickers of looks, drawn on a card."""

    def __init__(self, paints: CardPaints) -> None:
        self._paints = paints

    def reach(
        self, target: CardPicture, shape: FaceShape, bumps: Bumps | None, look: Look, moment: Moment
    ) -> Region | None:
        """All pixels that the stickers of a face may show in; None where there are none. Raises as `Paints.of`."""
        worn = Worn.of(Wearer(shape, bumps, moment), look, self._paints, size_of(target))
        return worn.region if worn.stickers else None

    def draw(self, target: CardPicture, shapes: Sequence[FaceShape], bent: Bent, look: Look, moment: Moment,
             device: Device) -> None:  # fmt: skip
        """Lay the stickers of a look over faces of `target` (nv12) in place, in their order where they overlap.

        bent: what the shapes were bent by. It does not wait for the card. Raises as `Paints.of`.
        """
        if not any(sticker.strength for sticker in look.stickers):
            return
        size = size_of(target)
        every = [
            (worn, times)
            for shape, bumps, times in zip(shapes, bent.told, bent.times(), strict=True)
            if (worn := Worn.of(Wearer(shape, bumps, moment), look, self._paints, size)).stickers
        ]
        if not every:
            return
        behind = any(sticker.behind for worn, _ in every for sticker, _, _ in worn.stickers)
        people = moment.people if behind else None
        mask = device.upload(np.zeros((0, 0), np.uint8) if people is None else np.ascontiguousarray(people))
        for layer in layered([worn.region for worn, _ in every]):
            self._lay(target, [every[at] for at in layer], mask, device)

    def _lay(self, target: CardPicture, every: list[tuple[Worn, int]], mask: DeviceArray, device: Device) -> None:
        levels = [self._paints.on_card(placed.level) for worn, _ in every for _, placed, _ in worn.stickers]
        told = _told(every, [device.address(level) for level in levels])
        rows, columns = np.max([worn.region.shape(2) for worn, _ in every], axis=0).tolist()
        (across, down, _), block = blocks(columns, rows)
        uploaded = device.upload(np.frombuffer(colours_of(target.colour) + told, np.uint8))
        device.kernels(SOURCE, INCLUDED).launch(
            "stuck", (across, down, len(every)), block, *target.planes, *map(np.int32, size_of(target)), uploaded,
            np.int32(len(every)), np.int32(len(levels)), mask, *map(np.int32, mask.shape[::-1]),
        )  # fmt: skip


def _told(every: list[tuple[Worn, int]], levels: list[int]) -> bytes:
    """Wearers, stickers and points of rings, one after the other. levels: where each sticker's lies on the card."""
    wearers, stickers = np.zeros(len(every), WEARER), np.zeros(len(levels), STICKER)
    first = first_point = 0
    for record, (worn, times) in zip(wearers, every, strict=True):
        count, points = len(worn.stickers), len(worn.ring_px)
        record["times"], record["first"], record["count"] = times, first, count
        record["first_point"], record["points"] = first_point, points
        _bound(record, worn.region)
        for own, level, worn_sticker in zip(
            stickers[first:], levels[first : first + count], worn.stickers, strict=False
        ):
            _describe(own, level, *worn_sticker)
        first, first_point = first + count, first_point + points
    rings = np.concatenate([worn.ring_px for worn, _ in every]).astype(np.float32)
    return wearers.tobytes() + stickers.tobytes() + rings.tobytes()


def _describe(record: np.void, level: int, sticker: Sticker, placed: Placed, region: Region) -> None:
    record["level"], (record["rows"], record["columns"]) = level, placed.level.shape[:2]
    _bound(record, region)
    record["behind"], record["amount"] = sticker.behind, sticker.amount
    record["middle"], record["moved"] = placed.middle - placed.moved, placed.moved
    record["texels"] = np.linalg.inv(placed.axes).ravel()


def _bound(record: np.void, region: Region) -> None:
    record["x0"], record["y0"], record["x1"], record["y1"] = region.x0, region.y0, region.x1, region.y1
