"""The encoders of an NVIDIA card: pictures that lie there to packets, without coming to the host.

They are opened by FFmpeg's h264_nvenc, hevc_nvenc and av1_nvenc, which PyAV 18.1 has with it (FFmpeg 8.1), not by
PyNvVideoCodec, whose encoder (2.2.4) gives each packet three pictures later whatever it is told (decision 0075).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, cast

import av
import av.error
from av.bitstream import BitStreamFilterContext
from av.video.frame import CudaContext, PictureType

from services.render.encoding.codec_settings import GOP_FRAMES
from services.render.encoding.frames import configure
from services.render.encoding.live import MOST_RATE
from services.render.encoding.packets import EncodedPacket
from services.render.nvenc.settings import PIXELS, nvenc_settings
from shared.model.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

    from services.render.copies import Copy
    from services.render.encoding.codec_settings import CodecSettings
    from services.render.surface import Surface
    from shared.cuda.device import Device
    from shared.model.live import LiveOutput
    from shared.model.media import VideoFacts

ON_CARD: Final = "cuda"
"""FFmpeg's name for pixels in a card's memory."""
_HEADER: Final = "new_extradata"
FAILURES: Final = (av.error.FFmpegError, MemoryError, RuntimeError, ValueError, TypeError, BufferError)
"""What PyAV raises of encoders and of DLPack, and CuPy of a card: its own are a MemoryError and RuntimeErrors."""


class NvencFailed(Unavailable):
    """A card's encoder was not to be had, or did not do what it was asked; says why, without a full stop."""


class CardFrames:
    """Frames for FFmpeg over surfaces of a card, in the CUDA context that whatever else works there has.

    FFmpeg refuses that context (the card's primary one) by its own option for it, where it was made with other flags
    than FFmpeg wants, as CuPy makes it. It takes the current one as it is, and leaves it alone when it is done (8.1:
    `cuda_device_uninit` destroys only what it has created).
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        is_on_card = device.memory == ON_CARD
        self._context = CudaContext(device.number, primary_ctx=False, current_ctx=True) if is_on_card else None

    def of(self, surface: Surface) -> av.VideoFrame:
        """A frame over the surface's memory. Raises what is in FAILURES."""
        with self._device.current():  # PyAV asks for the context with the first frame
            return av.VideoFrame.from_dlpack(surface.even, PIXELS, cuda_context=self._context)


class NvencCoder:
    """As the coders of `live_encoding`, of pictures on a card. One of FFmpeg's encoders by NVENC.

    A picture's memory may be used again when `encode` returns: NVENC has given its packet, so it has read it. What is
    called may wait for the card; in any thread, one at a time.
    """

    made_by = "nvenc"

    def __init__(
        self,
        facts: VideoFacts,
        output: LiveOutput,
        device: Device,
        opening: Surface,
        settings_of: Callable[[LiveOutput], CodecSettings] = nvenc_settings,
    ) -> None:
        """facts: of nv12. device: whose memory the pictures lie in. settings_of: what to open the encoder with.

        opening: memory for a picture of that size, whatever is in it. It is coded and forgotten: an encoder of what
        lies on a card is opened by its first picture, and only then one knows whether it can be, and the header.
        Raises NvencFailed.
        """
        settings = settings_of(output)
        rate = min(Fraction(*facts.frame_rate), Fraction(MOST_RATE))
        self._clock = 1 / rate
        """Pictures are counted: no clock is too fine for the encoder, and each packet says whose it is."""
        self._count = 0
        self._context = _created(settings.encoder)
        configure(self._context, facts, self._clock)
        is_on_card = device.memory == ON_CARD
        self._context.pix_fmt = ON_CARD if is_on_card else settings.pixels
        self._context.framerate, self._context.gop_size = rate, GOP_FRAMES
        self._context.options = settings.options
        self._frames = CardFrames(device)
        self.header = _header(self._coded(opening, key=True), self._context.codec.canonical_name)
        """Out of the stream: the encoder repeats it before every key frame, and so has none apart."""

    def encode(self, picture: Copy, pts: int, duration: int, key: bool) -> list[EncodedPacket]:
        """Encode what is in a surface now. Raises NvencFailed where nothing comes, or not what was asked for."""
        packet = self._coded(cast("Surface", picture), key=key)
        return [EncodedPacket(bytes(packet), pts, pts, duration, packet.is_keyframe)]

    def flush(self) -> list[EncodedPacket]:
        """Nothing is held back."""
        return []

    def _coded(self, surface: Surface, *, key: bool) -> Packet[VideoStream]:
        number, self._count = self._count, self._count + 1
        try:
            frame = self._frames.of(surface)
            frame.pts, frame.duration, frame.time_base = number, 1, self._clock
            frame.pict_type = PictureType.I if key else PictureType.NONE
            packets = self._context.encode(frame)
        except FAILURES as error:
            raise NvencFailed(first_line(error)) from error
        if [packet.pts for packet in packets] != [number]:
            raise NvencFailed(f"it gave {len(packets)} packets for a picture, or that of another")
        if key and not packets[0].is_keyframe:
            raise NvencFailed("a key frame that was asked for did not come")
        return packets[0]


def _created(encoder: str) -> VideoCodecContext:
    try:
        return cast("VideoCodecContext", av.CodecContext.create(encoder, "w"))
    except ValueError as error:
        raise NvencFailed(f"this FFmpeg has no {encoder}") from error


def _header(packet: Packet[VideoStream], codec: str) -> bytes:
    """The parameter sets, or the sequence header, of a key frame, which is used up. Raises NvencFailed without any."""
    try:
        for one in BitStreamFilterContext("extract_extradata", codec).filter(packet):
            if one.has_sidedata(_HEADER):
                return bytes(one.get_sidedata(_HEADER))
    except FAILURES as error:
        raise NvencFailed(first_line(error)) from error
    raise NvencFailed("its key frames have no parameter sets")


def first_line(error: Exception) -> str:
    """What went wrong, without a full stop."""
    said = str(error)
    if isinstance(error, av.error.FFmpegError):  # what FFmpeg logged last says more, where it is kept
        log: Any = error.log
        said = str(log[2] if log else error.strerror)
    return next(iter(said.strip().splitlines()), type(error).__name__).rstrip(".")
