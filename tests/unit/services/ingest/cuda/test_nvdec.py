"""The door to the card's decoders, where there is no card. What it does on one is tests/gpu/test_nvdec.py."""

from __future__ import annotations

import pytest

from services.ingest.cuda.nvdec import capabilities
from shared.model.errors import Misconfigured
from tests.cuda.devices import MISSING


@pytest.mark.skipif(not MISSING, reason="there is a card")
def test_without_a_card_the_reason_is_told() -> None:
    with pytest.raises(Misconfigured, match=r"PyNvVideoCodec .* cannot be used: "):
        capabilities(0)
