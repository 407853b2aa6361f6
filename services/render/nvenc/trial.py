"""A trial of a card's encoder: moving pictures through it as sessions have them encoded, decoded again and compared.

Nothing is believed: every packet has to come from its picture's own call, key frames where they are asked for and
nowhere else, decoding has to begin at each of them, and what is decoded has to be what was given, in all its tags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import av
import av.error
import numpy as np

from services.render.cuda.surface_copies import SurfaceCopies
from services.render.nvenc.coder import NvencCoder, NvencFailed
from services.render.nvenc.settings import nvenc_settings
from shared.cuda.pictures import CardPicture
from shared.model.live import LiveCodec, LiveOutput
from shared.model.media import VideoFacts
from shared.model.pictures import Colour, Geometry, Matrix, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from av.video.codeccontext import VideoCodecContext

    from services.render.encoding.codec_settings import CodecSettings
    from services.render.encoding.packets import EncodedPacket
    from shared.cuda.device import Device

PICTURES: Final = 8
KEYS: Final = (0, 5)
"""Those that are asked to be key frames."""
LEAST_DB: Final = 30.0
"""PSNR of each plane of each picture; an encoder that works gives some 40 dB here."""
WANTED: Final = ({"quality": 0.8}, {"bitrate_kbps": 6000}, {"quality": 0.8, "low_delay": False})
"""Of outputs: all ways to ask for a rate, and for delay."""
FACTS: Final = VideoFacts(
    geometry=Geometry(PixelFormat.NV12, 645, 361), colour=Colour(Matrix.BT2020, full_range=True), time_base=(1, 90000),
    frame_rate=(30, 1), sample_aspect=(4, 3), colour_primaries=9, colour_transfer=16, colour_matrix=9,
)  # fmt: skip
"""Odd sides, rows that do not end at a multiple of anything, and tags that no encoder has by itself."""
_TICKS: Final = 3000
_DECODERS: Final = {LiveCodec.AV1: "libdav1d"}


def why_not(
    codec: LiveCodec, device: Device, settings_of: Callable[[LiveOutput], CodecSettings] = nvenc_settings
) -> str:
    """Why the card's encoder of a codec cannot be used, as half a sentence; empty if it can. settings_of: of NVENC."""
    given = [moving(number) for number in range(PICTURES)]
    try:
        for wanted in WANTED:
            output = LiveOutput(codec=codec, **wanted)
            coded, header = _encoded(output, device, given, settings_of)
            _refuse_wrong(coded, header)
            _refuse_unlike(codec, coded, given)
            _refuse_unlike(codec, coded[KEYS[-1] :], given[KEYS[-1] :])
    except NvencFailed as error:
        return str(error)
    return ""


def moving(number: int) -> Picture:
    """A picture (nv12) with soft colours and a bright square that is elsewhere in each."""
    picture = Picture.blank(FACTS.geometry, FACTS.colour)
    luma, chroma = picture.planes
    rows, columns = np.ogrid[: luma.shape[0], : luma.shape[1]]
    luma[...] = 40 + 90 * columns // luma.shape[1] + 70 * rows // luma.shape[0]
    luma[100:180, 40 + 24 * number : 140 + 24 * number] = 230
    chroma[..., 0] = 90 + 60 * np.arange(chroma.shape[1]) // chroma.shape[1]
    chroma[..., 1] = (110 + 50 * np.arange(chroma.shape[0]) // chroma.shape[0])[:, None]
    chroma[40:90, 10 + 12 * number : 60 + 12 * number] = (60, 190)
    return picture


def _encoded(
    output: LiveOutput, device: Device, given: Sequence[Picture], settings_of: Callable[[LiveOutput], CodecSettings]
) -> tuple[list[EncodedPacket], bytes]:
    """The packet of each picture, and the header. Two surfaces are used in turn, as a session does."""
    copies = SurfaceCopies(device)
    packets: list[EncodedPacket] = []
    surfaces = [copies.blank(given[0]) for _ in range(2)]
    coder = NvencCoder(FACTS, output, device, surfaces[0], settings_of)
    for number, picture in enumerate(given):
        surface = surfaces[number % 2]
        copies.begin(CardPicture.uploaded(device, picture), surface)()
        packets += coder.encode(surface, number * _TICKS, _TICKS, key=number in KEYS)
    return packets, coder.header


def _refuse_wrong(coded: Sequence[EncodedPacket], header: bytes) -> None:
    keys = tuple(number for number, packet in enumerate(coded) if packet.key)
    if keys != KEYS:
        raise NvencFailed(f"key frames were asked for at {KEYS} and came at {keys}")
    if [packet.pts for packet in coded] != [number * _TICKS for number in range(PICTURES)]:
        raise NvencFailed("packets did not come in the order of their pictures")
    if any(header not in packet.body for packet in coded if packet.key):
        raise NvencFailed("parameter sets did not stand before every key frame")


def _refuse_unlike(codec: LiveCodec, coded: Sequence[EncodedPacket], given: Sequence[Picture]) -> None:
    """Decode from the first packet on, and compare."""
    frames = _decoded(codec, coded)
    if len(frames) != len(given):
        raise NvencFailed(f"of {len(given)} packets {len(frames)} pictures could be decoded")
    geometry = FACTS.geometry
    expected = (9, 16, 9, 2, geometry.width + 1, geometry.height + 1)
    for frame, picture in zip(frames, given, strict=True):
        tags = (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range)
        if (found := (*tags, frame.width, frame.height)) != expected:
            raise NvencFailed(f"primaries, transfer, matrix, range and size are {found} and not {expected}")
        if (likeness := _psnr(frame, picture)) < LEAST_DB:
            raise NvencFailed(f"its pictures are not those that it was given ({likeness:.0f} dB)")


def _decoded(codec: LiveCodec, coded: Iterable[EncodedPacket]) -> list[av.VideoFrame]:
    decoder = cast("VideoCodecContext", av.CodecContext.create(_DECODERS.get(codec, codec.value), "r"))
    try:
        frames = [frame for packet in coded for frame in decoder.decode(av.Packet(packet.body))]
        return [*frames, *decoder.decode(None)]
    except av.error.FFmpegError as error:
        raise NvencFailed(f"what it gave cannot be decoded ({error.strerror})") from error


def _psnr(frame: av.VideoFrame, given: Picture) -> float:
    """Of the plane that is least alike, in dB."""
    luma, chroma = given.planes
    worst = 0.0
    for plane, expected in zip(frame.planes, (luma, chroma[..., 0], chroma[..., 1]), strict=True):
        rows, columns = expected.shape
        found = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[:rows, :columns]
        worst = max(worst, float(np.square(found.astype(np.float32) - expected).mean()))
    return float(10 * np.log10(255**2 / worst)) if worst else float("inf")
