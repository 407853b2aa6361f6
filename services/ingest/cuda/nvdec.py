"""The decoders of an NVIDIA card, by PyNvVideoCodec: the one module that imports it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from services.ingest.cuda.decoder import CardRefused, Decoded
from services.ingest.cuda.messages import CodecRange
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from shared.cuda.card import Card

_CODECS = {"h264": "H264", "hevc": "HEVC", "vp9": "VP9", "av1": "AV1"}
"""FFmpeg's names, and NVIDIA's."""


def capabilities(number: int) -> tuple[tuple[CodecRange, ...], int]:
    """What the card decodes, and with how many engines. Raises Misconfigured if it does not decode at all.

    number: of the card, as CUDA counts them, from 0.
    """
    library = _library()
    ranges, engines = [], 0
    for codec, name in _CODECS.items():
        try:
            said = library.GetDecoderCaps(gpuid=number, codec=getattr(library.cudaVideoCodec, name))
        except Exception as error:  # the library's own classes have no common root
            raise Misconfigured(f"The card's video decoders cannot be used: {_first_line(error)}") from error
        if said.get("supported", 1) and said.get("width_max", 0):
            width, height = ((said.get(f"{side}_min", 0), said[f"{side}_max"]) for side in ("width", "height"))
            ranges.append(CodecRange(codec, width, height))
            engines = max(engines, said.get("num_decoder_engines", 0))
    if not ranges:
        raise Misconfigured("The card has no video decoder.")
    return tuple(ranges), engines


class Nvdec:
    """As `decoder.CardDecoder`. What it does with a frame is work of the device's stream."""

    def __init__(self, card: Card, codec: str, *, is_live: bool = False) -> None:
        """is_live: every frame is to come with its own packet as far as its codec allows. Raises CardRefused."""
        self._library = library = _library()
        self._card, self._is_live = card, is_live
        self._numbers: dict[int, int] = {}
        """Of packets whose frames have not come, by their times. The library (2.2.4) gives each frame the least time
        that it has not given yet: with times, and not numbers, that is the frame's own."""
        latency = library.DisplayDecodeLatencyType
        try:
            self._decoder = library.CreateDecoder(
                gpuid=card.number,
                codec=getattr(library.cudaVideoCodec, _CODECS[codec]),
                cudacontext=0,  # the primary one, which is CuPy's too
                cudastream=card.stream_address,
                usedevicememory=True,
                latency=latency.LOW if is_live else latency.NATIVE,
            )
        except Exception as error:  # see capabilities
            raise CardRefused(f"The card gives no decoder for {codec}: {_first_line(error)}") from error

    def decode(self, body: bytes, number: int, pts: int | None) -> list[Decoded]:
        """As `CardDecoder` says."""
        held = np.frombuffer(body, np.uint8)
        packet = self._library.PacketData()
        time = number if pts is None else pts
        self._numbers[time] = number
        packet.bsl_data, packet.bsl, packet.pts = held.ctypes.data, len(body), time
        if self._is_live:
            packet.decode_flag = self._library.VideoPacketFlag.ENDOFPICTURE
        return self._decoded(packet) if len(body) else []

    def flush(self) -> list[Decoded]:
        """As `CardDecoder` says."""
        return self._decoded(self._library.PacketData())  # an empty packet ends the stream

    def close(self) -> None:
        """As `CardDecoder` says."""
        self._card.synchronize()
        self._decoder = None

    def _decoded(self, packet: Any) -> list[Decoded]:
        try:
            return [self._frame(frame) for frame in self._decoder.Decode(packet)]
        except CardRefused:
            raise
        except Exception as error:  # see capabilities
            raise CardRefused(f"The card's decoder gives up: {_first_line(error)}") from error

    def _frame(self, frame: Any) -> Decoded:
        if frame.format != self._library.Pixel_Format.NV12:
            raise CardRefused(f"The card decodes it to {frame.format.name}, not to 4:2:0 with 8 bits.")
        rows, columns, _ = frame.cuda()[0].shape  # columns are even; chroma's own shape is wrong for odd rows
        address = frame.GetPtrToPlane(0)
        chroma = ((rows + 1) // 2, columns // 2, 2)
        number = self._numbers.pop(frame.getPTS(), None)
        if number is None:
            raise CardRefused("The card's decoder gave a time that no packet has.")
        return Decoded(
            number,
            self._card.borrowed(address, (rows, columns)),
            self._card.borrowed(address + rows * columns, chroma),
        )


def _library() -> Any:
    """PyNvVideoCodec. Raises Misconfigured."""
    try:
        import PyNvVideoCodec  # noqa: PLC0415  -- only where a card is to be used
    except (ImportError, RuntimeError, OSError) as error:
        raise Misconfigured(f"PyNvVideoCodec (the extra `gpu`) cannot be used: {_first_line(error)}") from error
    return PyNvVideoCodec


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).rstrip(".") + "."
