"""Coded pictures as values, between the encoder and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from shared.model.live import LiveCodec
    from shared.model.media import VideoFacts


class EncodedPacket(NamedTuple):
    """One coded frame; times in the facts' time base."""

    body: bytes
    pts: int
    dts: int
    duration: int
    key: bool


class PictureTrack(NamedTuple):
    """What all packets of one encoder have in common."""

    codec: LiveCodec
    facts: VideoFacts
    header: bytes
    """`LiveEncoder.header`."""
