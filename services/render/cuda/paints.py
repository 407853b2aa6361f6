"""The pictures that a look lays on faces, on a card: each level comes there once, and those shown last are kept."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from services.render.paints import Paints
from services.render.pyramid import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.render.region import Grid
    from shared.cuda.device import Device, DeviceArray
    from shared.model.assets import Prepared


class CardPaints(Paints):
    """As `Paints`, with what of them lies on a card."""

    def __init__(self, assets: Mapping[str, Prepared], device: Device, most_bytes: int = MOST_BYTES) -> None:
        """assets: what looks refer to, by id. most_bytes: kept on the card, but the last level in any case."""
        super().__init__(assets)
        self._device, self._most_bytes = device, most_bytes
        self._there: OrderedDict[int, tuple[Grid, DeviceArray]] = OrderedDict()
        """By the level's identity, which is its own as long as it is kept here."""

    def on_card(self, level: Grid) -> DeviceArray:
        """A level of a pyramid, float32 [rows, columns, 4]; whoever has it launched by its address holds it until then.

        It does not wait for the card.
        """
        kept = self._there.pop(id(level), None) or (level, self._device.upload(level))
        self._there[id(level)] = kept
        while len(self._there) > 1 and sum(one.nbytes for one, _ in self._there.values()) > self._most_bytes:
            self._there.popitem(last=False)
        return kept[1]
