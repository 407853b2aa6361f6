from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from services.render.nvenc.engines import why_none
from shared.cuda.card import Card
from tests.cuda.devices import MISSING


def library(caps: dict[str, int] | Exception) -> Any:
    def asked(*, gpuid: int, codec: str) -> dict[str, int]:
        assert (gpuid, codec) == (1, "h264")
        if isinstance(caps, Exception):
            raise caps
        return caps

    return SimpleNamespace(GetEncoderCaps=asked)


@pytest.mark.parametrize(
    ("caps", "said"),
    [
        ({"num_encoder_engines": 3}, ""),
        ({"num_encoder_engines": 0}, "it has no NVENC"),
        ({}, "it has no NVENC"),
        (RuntimeError("unsupported device\nat line 7"), "its encoders cannot be asked for (unsupported device)"),
    ],
)
def test_it_is_told_why_nothing_can_be_encoded_there(caps: Any, said: str) -> None:
    assert why_none(1, library(caps)) == said


def test_without_the_library_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PyNvVideoCodec", None)
    assert why_none(0).startswith("its encoders cannot be asked for")


@pytest.mark.gpu
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_real_card_answers_and_can_be_used_as_before() -> None:
    why_none(0)
    device = Card()
    assert device.download(device.upload(np.arange(9))).tolist() == list(range(9))
