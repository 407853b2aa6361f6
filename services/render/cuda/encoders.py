"""What a session encodes its pictures by where they lie on a card: NVENC, and the CPU's encoder if that fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.render.cuda.falling_back import Bringing, FallingBack
from services.render.cuda.nvenc import NvencCoder
from services.render.cuda.nvenc_settings import nvenc_settings
from services.render.live_encoding import cpu_coder
from services.render.surface import Surface

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.codec_settings import CodecSettings
    from services.render.cuda.fetching import Fetched
    from services.render.live_encoding import Coder
    from shared.cuda.device import Device
    from shared.model.live import LiveCodec, LiveOutput
    from shared.model.media import VideoFacts


@dataclass(frozen=True, slots=True)
class CardEncoders:
    """Of the lane's card."""

    codecs: frozenset[LiveCodec]
    """Those whose trial they have passed."""
    open_device: Callable[[], Device]
    """A new one on the card."""
    settings_of: Callable[[LiveOutput], CodecSettings] = nvenc_settings
    """What to open one of them with."""

    @classmethod
    def of(cls, codecs: frozenset[LiveCodec], open_device: Callable[[], Device] | None) -> CardEncoders | None:
        """None where there is no card, or no codec that its encoders are used for."""
        return cls(codecs, open_device) if codecs and open_device is not None else None

    def coder(
        self,
        facts: VideoFacts,
        output: LiveOutput,
        threads: int,
        device: Device,
        fetched: Fetched,
        tell: Callable[[str], None],
    ) -> Coder:
        """One that takes surfaces. Takes a moment: it opens an encoder of the card.

        facts: of nv12. threads: of the CPU's encoder. device: whose memory the surfaces lie in, in the caller's hands.
        fetched: counts. tell: as `FallingBack` has it. Raises NvencFailed where the card's encoder is not to be had.
        """
        opening = Surface.blank(device, facts.geometry, facts.colour)
        first = NvencCoder(facts, output, device, opening, self.settings_of)
        return FallingBack(first, lambda: cpu_coder(facts, output, threads), Bringing(self.open_device, fetched), tell)
