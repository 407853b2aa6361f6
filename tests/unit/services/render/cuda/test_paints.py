"""Levels of pictures come to a card once, and not all of them stay there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.render.cuda.paints import CardPaints
from tests.cuda.devices import BOTH, opened
from tests.unit.services.render.pictures import prepared

if TYPE_CHECKING:
    from shared.cuda.device import Device
    from tests.cuda.devices import Kind

ID = "0" * 32
FRAMES = [np.full((16, 16, 4), level, np.uint8) for level in (10, 90, 250)]
LEVEL_BYTES = 16 * 16 * 4 * 4


@pytest.fixture(params=BOTH)
def device(request: pytest.FixtureRequest) -> Device:
    kind: Kind = request.param
    return opened(kind)


def test_a_level_comes_to_the_card_once(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    paints, uploads, upload = CardPaints({ID: prepared(*FRAMES, lasts_ms=100)}, device), list[Any](), device.upload

    def counted(host: Any) -> Any:
        uploads.append(host)
        return upload(host)

    monkeypatch.setattr(device, "upload", counted)
    for _ in range(3):
        for number in range(3):
            level = paints.of(ID, "stickers", 0.1 * number + 0.05).level(1)
            assert np.array_equal(device.download(paints.on_card(level)), level)
    assert len(uploads) == 3


def test_what_was_shown_longest_ago_goes_first_and_the_last_stays(device: Device) -> None:
    paints = CardPaints({ID: prepared(*FRAMES, lasts_ms=100)}, device, most_bytes=2 * LEVEL_BYTES)
    levels = [paints.of(ID, "stickers", 0.1 * number + 0.05).level(1) for number in range(3)]
    first, second = (paints.on_card(level) for level in levels[:2])
    assert paints.on_card(levels[0]) is first
    paints.on_card(levels[2])
    assert paints.on_card(levels[0]) is first
    assert paints.on_card(levels[1]) is not second
    small = CardPaints({}, device, most_bytes=1)
    assert small.on_card(levels[0]) is small.on_card(levels[0])
