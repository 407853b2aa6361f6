"""What sessions encode their pictures by on a card: live ones by NVENC, and by the CPU's encoder if that fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from services.render.encoding.live import LiveEncoder, cpu_coder
from services.render.nvenc.coder import FAILURES, NvencCoder, NvencFailed, first_line
from services.render.nvenc.falling_back import Bringing, FallingBack
from services.render.nvenc.settings import nvenc_settings
from services.render.surface import Surface
from shared.model.live import LiveCodec, LiveOutput

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.cuda.fetching import Fetched
    from services.render.encoding.codec_settings import CodecSettings
    from services.render.encoding.live import Coder
    from shared.cuda.device import Device
    from shared.model.media import VideoFacts

OF_JOBS: Final = LiveOutput(codec=LiveCodec.H264, key_interval_seconds=10, low_delay=False)
"""What jobs are encoded as; with a quantiser of their own."""


@dataclass(frozen=True, slots=True)
class CardEncoders:
    """Of the lane's card."""

    codecs: frozenset[LiveCodec]
    """Those whose trial they have passed."""
    open_device: Callable[[], Device]
    """A new one on the card."""
    settings_of: Callable[[LiveOutput], CodecSettings] = nvenc_settings
    """What to open one of them with."""
    jobs: bool = False
    """Whether jobs are encoded by them, too: then never by the CPU, since parts of one video are joined."""

    @classmethod
    def of(
        cls, codecs: frozenset[LiveCodec], open_device: Callable[[], Device] | None, nvenc: str
    ) -> CardEncoders | None:
        """None where there is no card, or no codec that its encoders are used for. nvenc: render's setting."""
        return cls(codecs, open_device, jobs=nvenc == "always") if codecs and open_device is not None else None

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
        fetched: counts. tell: as `FallingBack` has it. The CPU's encoder is opened for low delay, whatever was asked
        for: with B-pictures its first dts would lie before those that clients have. Raises NvencFailed where the
        card's encoder is not to be had.
        """
        first = NvencCoder(facts, output, device, _opening(facts, device), self.settings_of)
        in_order = msgspec.structs.replace(output, low_delay=True)
        return FallingBack(
            first, lambda: cpu_coder(facts, in_order, threads), Bringing(self.open_device, fetched), tell
        )

    def job_encoder(self, facts: VideoFacts, crf: float, device: Device) -> LiveEncoder:
        """One for a part of a video, that takes surfaces. facts, device: as `coder` has them.

        crf: x264's number, which is the quantiser here. Raises NvencFailed where it is not to be had.
        """

        def settings_of(output: LiveOutput) -> CodecSettings:
            settings = self.settings_of(output)
            return settings._replace(options={**settings.options, "qp": str(round(crf))})

        coder = NvencCoder(facts, OF_JOBS, device, _opening(facts, device), settings_of)
        return LiveEncoder(facts, OF_JOBS, coder=coder)


def _opening(facts: VideoFacts, device: Device) -> Surface:
    """What an encoder is opened by. Raises NvencFailed where the card has no memory for it."""
    try:
        return Surface.blank(device, facts.geometry, facts.colour)
    except FAILURES as error:
        raise NvencFailed(first_line(error)) from error
