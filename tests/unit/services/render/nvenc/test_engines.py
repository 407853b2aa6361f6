from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from services.render.nvenc.engines import has_none
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
    ("caps", "none"),
    [
        ({"num_encoder_engines": 3}, False),
        ({"num_encoder_engines": 0}, True),
        ({}, False),
        (RuntimeError("unsupported device"), False),
    ],
)
def test_a_card_has_none_only_where_it_says_so(caps: Any, none: bool) -> None:
    assert has_none(1, library(caps)) is none


def test_without_the_library_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PyNvVideoCodec", None)
    assert not has_none(0)


@pytest.mark.gpu
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_real_card_answers_and_can_be_used_as_before() -> None:
    has_none(0)
    device = Card()
    assert device.download(device.upload(np.arange(9))).tolist() == list(range(9))
