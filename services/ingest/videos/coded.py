"""Reads the packets of a hostile video file for a decoder elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.bitstream import BitStreamFilterContext

from services.ingest.messages.coded import MOST_PACKET_BYTES, CodedEnded, CodedPacket, CodedStream
from services.ingest.videos.checksum import checksum_of
from shared.model.errors import Rejected
from shared.model.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.packet import Packet
    from av.stream import Stream

    from services.ingest.videos.file import VideoFile

_FILTERS = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
"""FFmpeg's, which put start codes and the container's parameters into the stream, where it has none."""
_PLANAR_420 = frozenset({"yuv420p", "yuvj420p"})


class CodedVideo:
    """The packets of a video that was opened with `keep`."""

    def __init__(self, video: VideoFile) -> None:
        self._video = video

    @property
    def stream(self) -> CodedStream:
        """How it is coded; the checksum is taken where a card may be of use."""
        video = self._video
        first, facts = video.first, video.facts
        stored = (first.width, first.height)
        plain = first.format.name in _PLANAR_420
        fits = stored == (facts.geometry.width, facts.geometry.height)
        return CodedStream(
            codec=video.codec,
            pixels=first.format.name,
            upright=video.is_upright,
            interlaced=facts.field_order != 0 or first.interlaced_frame,
            fits=fits,
            begins=first.pts if video.kept is not None else None,
            checksum=self._checksum() if plain and fits and video.is_upright else 0,
        )

    def packets(self) -> Iterator[CodedPacket]:
        """Every packet from where decoding of the first frame began. Raises Rejected (`too-demanding`)."""
        name = _FILTERS.get(self._video.codec)
        prepared = BitStreamFilterContext(name, self._video.stream) if name is not None else None
        number = 0
        for packet in self._video.packets():
            if not packet.size:
                continue
            if packet.size > MOST_PACKET_BYTES:
                raise Rejected("too-demanding", f"A frame has more than {MOST_PACKET_BYTES} bytes.")
            own = packet.is_corrupt and self._video.is_own(packet.pts)
            marks = (packet.pts, packet.dts, packet.duration or 0, own, packet.is_discard)
            yield CodedPacket(number, *marks, _body(packet, prepared))
            number += 1

    @property
    def ended(self) -> CodedEnded:
        """What of the file could not be read; complete when `packets` is over."""
        return CodedEnded(self._video.unread_places, self._video.ends_early)

    def _checksum(self) -> int:
        picture = Picture.blank(self._video.facts.geometry, self._video.facts.colour)
        self._video.copy_first(picture)
        return checksum_of(picture)


def _body(packet: Packet[Stream], prepared: BitStreamFilterContext | None) -> bytes:
    """The packet as the decoder takes it. Filtering takes it from its owner."""
    if prepared is None:
        return bytes(packet)
    return b"".join(bytes(one) for one in prepared.filter(packet))
