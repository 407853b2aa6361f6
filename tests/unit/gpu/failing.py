"""A decoder that fails in mid-work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.ingest.cuda.decoder import CardRefused
from tests.cuda.pyav_decoder import PyAVDecoder

if TYPE_CHECKING:
    from services.ingest.cuda.decoder import Decoded


class FailingDecoder(PyAVDecoder):
    """It takes one packet."""

    def decode(self, body: bytes, number: int, pts: int | None) -> list[Decoded]:
        if number:
            raise CardRefused("The card takes no more.")
        return super().decode(body, number, pts)
