"""The trial finds every fault of an encoder that would be seen, or not be seen, in a stream."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.render.nvenc.settings import QUANTISERS
from services.render.nvenc.trial import why_not
from shared.model.live import LiveCodec
from tests.cuda.emulated import EmulatedCard
from tests.cuda.nvenc_stand_in import faulty, stand_in

if TYPE_CHECKING:
    from collections.abc import Callable

X264 = "x264-params"
FAULTS: dict[str, tuple[Callable[[dict[str, str]], dict[str, str]], str]] = {
    "packets come late": (lambda o: {name: o[name] for name in o.keys() - {"tune"}}, "gave 0 packets"),
    "key frames of its own": (lambda o: o | {X264: f"{o[X264]}:keyint=3"}, r"asked for at \(0, 5\) and came at"),
    "headers once": (lambda o: o | {X264: "repeat-headers=0"}, "no parameter sets"),
    "another matrix": (lambda o: o | {X264: f"{o[X264]}:colormatrix=bt709"}, "matrix, range and size are"),
    "another range": (lambda o: o | {X264: f"{o[X264]}:fullrange=off"}, "matrix, range and size are"),
    "unknown option": (lambda o: o | {"profile": "nonsense"}, "Invalid argument"),
}


class Wrong(EmulatedCard):
    """A card on which something goes wrong with copies."""

    def __init__(self, spoil: Callable[[int, np.ndarray], None]) -> None:
        super().__init__()
        self._spoil, self._copies = spoil, 0

    def copy(self, source: np.ndarray, target: np.ndarray) -> None:
        super().copy(source, target)
        self._copies += 1
        self._spoil(self._copies, target)


class Late(EmulatedCard):
    """A card whose copies are there one copy too late: an encoder that does not wait sees the picture before."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[tuple[np.ndarray, np.ndarray]] = []

    def copy(self, source: np.ndarray, target: np.ndarray) -> None:
        self._waiting.append((source.copy(), target))
        if len(self._waiting) > 6:
            super().copy(*self._waiting.pop(0))


@pytest.mark.parametrize("codec", QUANTISERS)
def test_an_encoder_that_does_all_that_is_asked_passes(codec: LiveCodec) -> None:
    assert why_not(codec, EmulatedCard(), stand_in) == ""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_told(fault: str) -> None:
    change, said = FAULTS[fault]
    reason = why_not(LiveCodec.H264, EmulatedCard(), faulty(change))
    assert re.search(said, reason), reason


def chroma_swapped(_: int, target: np.ndarray) -> None:
    if target.ndim == 3:
        target[...] = target[..., ::-1].copy()


def rows_shifted(_: int, target: np.ndarray) -> None:
    if target.ndim == 2:
        target[...] = np.roll(target, 24, axis=1)


@pytest.mark.parametrize(
    "device", [Wrong(chroma_swapped), Wrong(rows_shifted), Late()], ids=["chroma", "rows", "the one before"]
)
def test_pictures_that_are_not_those_that_were_given_are_found(device: EmulatedCard) -> None:
    assert "not those that it was given" in why_not(LiveCodec.H264, device, stand_in)


def test_without_a_card_the_real_ones_fail_it() -> None:
    assert all(why_not(codec, EmulatedCard()) for codec in QUANTISERS)
