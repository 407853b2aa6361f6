"""Packets with their parameters in a header beside them, as raw streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import av
import pytest

from services.ingest.videos.raw_streams import RawStream
from shared.model.live import LiveCodec
from tests.unit.services.ingest.coded import coded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeVideo = Callable[..., Path]


def frames(codec: str, bodies: list[bytes]) -> int:
    """How many a decoder makes that is told nothing but the packets."""
    decoder: Any = av.CodecContext.create(codec, "r")
    return sum(len(decoder.decode(av.Packet(body))) for body in bodies) + len(decoder.decode(None))


@pytest.mark.parametrize(
    ("encoder", "codec", "decoder"),
    [
        ("libx264", LiveCodec.H264, "h264"),
        ("libx265", LiveCodec.HEVC, "hevc"),
        ("libsvtav1", LiveCodec.AV1, "libdav1d"),
    ],
)
def test_what_a_container_holds_decodes_by_itself(
    make_video: MakeVideo, encoder: str, codec: LiveCodec, decoder: str
) -> None:
    path = make_video("clip.mp4", codec=encoder, frames=10, size=(96, 64))
    with av.open(str(path)) as container:
        header = bytes(container.streams.video[0].codec_context.extradata or b"")
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    stream = RawStream(codec, header)
    assert frames(decoder, [stream.packet(body) for body in packets]) == 10


def test_a_raw_stream_stays_as_it_is() -> None:
    bodies = [packet.body for packet in coded(LiveCodec.H264, 5)]
    stream = RawStream(LiveCodec.H264, b"")
    assert [stream.packet(body) for body in bodies] == bodies


@pytest.mark.parametrize("codec", [LiveCodec.H264, LiveCodec.HEVC])
@pytest.mark.parametrize("size", range(0, 60, 7))
def test_hostile_headers_and_packets_end_nothing(codec: LiveCodec, size: int) -> None:
    stream = RawStream(codec, b"\x01" + b"\xff" * size)
    assert len(stream.packet(b"\xff" * size)) <= 300 * size + 300
