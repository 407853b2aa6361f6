"""One live stream's way over the card. Which frames are written, and which dropped, `confined.live_reading` says."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, NamedTuple

from services.ingest.confined.live_reading import LiveReading
from services.ingest.cuda.decoder import CardRefused
from services.ingest.cuda.stream import copied
from services.ingest.messages.coded import CodedEnded
from services.ingest.messages.decoder import CodedFrame, NoMoreFrames
from services.ingest.videos.checksum import checksum_of
from services.ingest.videos.timeline import MOST_PENDING, LiveTimeline
from shared.cuda.pictures import CardPicture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.ingest.cuda.decoder import CardDecoder, Decoded
    from services.ingest.cuda.messages import OpenStream
    from services.ingest.cuda.stream import CardSlots
    from services.ingest.cuda.talk import StreamTalk
    from services.ingest.messages.decoder import SlotGrant
    from shared.cuda.device import Device
    from shared.model.live import LiveInput
    from shared.model.media import VideoFacts
    from shared.model.pictures import Colour, Geometry

_MOST_LEADING = 32
"""So many frames may come before the one that a CPU has shown first."""


class CardTarget(NamedTuple):
    """A granted slot."""

    slot: int
    picture: CardPicture


class CardLiveImage:
    """One decoded frame: the decoder's own memory until it decodes the next packet, then a copy."""

    def __init__(self, decoder: CardLiveDecoder, decoded: Decoded, number: int, place: tuple[int, int]) -> None:
        self._decoder, self._decoded = decoder, decoded
        self._kept: CardPicture | None = None
        self.number = number
        """Of the packet that it came in."""
        self.pts, self.duration = place

    def write_into(self, picture: CardTarget) -> None:
        """Copy every sample into the slot, and have its event tell when they are there."""
        if self._kept is None:
            copied(self._decoder.device, self._decoded, picture.picture)
        else:
            self._kept.copy_to(self._decoder.device, picture.picture)
        self._decoder.slots.written(picture.slot, self._decoder.device)
        self._decoder.forget(self)

    def keep(self) -> None:
        """The decoder's memory is to be used for others."""
        facts = self._decoder.facts
        if self._kept is None and facts is not None:
            self._kept = CardPicture.blank(self._decoder.device, facts.geometry, facts.colour)
            copied(self._decoder.device, self._decoded, self._kept)


class CardLiveDecoder:
    """As `videos.live.LiveDecoder`, with the facts that a CPU has found by the first frame."""

    def __init__(self, opening: OpenStream, asked: LiveInput, card: tuple[CardDecoder, Device, CardSlots]) -> None:
        """card: as CardStream has it."""
        self._decoder, self.device, self.slots = card
        self._opening = opening
        self.facts: VideoFacts | None = opening.facts
        """Of all frames (nv12)."""
        self._timeline = LiveTimeline(max(1, round(asked.clock_hz / asked.rate)), asked.clock_hz)
        self._pts: dict[int, int] = {}
        self._fresh: weakref.WeakSet[CardLiveImage] = weakref.WeakSet()
        """Images that lie in the decoder's own memory."""
        self._has_begun = False
        self._leading = 0

    def decode(self, number: int, pts: int, body: bytes) -> Iterator[CardLiveImage]:
        """The frames that are there after one more packet, mostly one. Raises CardRefused."""
        self._pts[number] = pts
        if len(self._pts) > MOST_PENDING:
            del self._pts[min(self._pts)]
        self._make_room()
        yield from self._images(self._decoder.decode(body, number, pts))

    def flush(self) -> Iterator[CardLiveImage]:
        """The frames that the decoder still holds."""
        self._make_room()
        yield from self._images(self._decoder.flush())

    def forget(self, image: CardLiveImage) -> None:
        """The image is written."""
        self._fresh.discard(image)

    def _make_room(self) -> None:
        for image in self._fresh:
            image.keep()
        self._fresh.clear()

    def _images(self, frames: list[Decoded]) -> Iterator[CardLiveImage]:
        for decoded in frames:
            pts = self._pts.pop(decoded.number, None)
            if pts is None or not self._is_wanted(decoded):
                continue
            image = CardLiveImage(self, decoded, decoded.number, self._timeline.place(pts))
            self._fresh.add(image)
            yield image

    def _is_wanted(self, decoded: Decoded) -> bool:
        """Raises CardRefused if the first frame is not a CPU's, or a later one has another size."""
        coded, size = self._opening.coded, self._opening.facts.geometry
        rows, columns = decoded.luma.shape
        if rows != size.height or columns not in {size.width, size.width + size.width % 2}:
            raise CardRefused(f"Its frames change their size to {columns}x{rows}.")
        if self._has_begun:
            return True
        if decoded.number != coded.begins:
            self._leading += 1
            if self._leading > _MOST_LEADING:
                raise CardRefused("The card does not show the frame that a CPU shows first.")
            return False
        first = CardPicture.blank(self.device, size, self._opening.facts.colour)
        copied(self.device, decoded, first)
        if checksum_of(first.downloaded(self.device)) != coded.checksum:
            raise CardRefused("The card's first frame has other samples than a CPU's.")
        self._has_begun = True
        return True


def serve_live(
    opening: OpenStream, asked: LiveInput, talk: StreamTalk, card: tuple[CardDecoder, Device, CardSlots]
) -> None:
    """Decode one live stream to its end; all of it is told. Raises what `StreamTalk` raises, and CardRefused."""
    slots = card[2]

    def target(grant: SlotGrant, geometry: Geometry, colour: Colour) -> CardTarget:
        return CardTarget(grant.slot, slots.writable(grant.slot, geometry, colour))

    reading: LiveReading[CardTarget] = LiveReading(CardLiveDecoder(opening, asked, card), talk.say, target)
    while not reading.is_over:
        for said in talk.heard():
            if isinstance(said, CodedEnded):
                reading.take(NoMoreFrames())
            elif not isinstance(said, CodedFrame) or not reading.is_ended:
                reading.take(said)
