"""One video's way over the card: coded packets in, frames in granted slots out. It knows no CUDA."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple, Protocol

from services.ingest.admission import check_length
from services.ingest.cuda.decoder import CardRefused
from services.ingest.cuda.messages import CANNOT, SOURCE_GONE
from services.ingest.cuda.talk import SourceGone, SourceRefused
from services.ingest.messages.coded import CodedEnded, CodedPacket
from services.ingest.messages.decoder import DecodedFrame, Finished, Refused
from services.ingest.videos.checksum import checksum_of
from services.ingest.videos.timeline import Timeline
from shared.model.errors import FrameLost, Rejected
from shared.model.media import DecodeSummary, notice_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.ingest.cuda.decoder import CardDecoder, Decoded
    from services.ingest.cuda.messages import OpenStream
    from services.ingest.cuda.talk import StreamTalk
    from services.ingest.limits import IngestLimits
    from shared.cuda.device import Device
    from shared.cuda.pictures import CardPicture
    from shared.model.pictures import Colour, Geometry

_MOST_AWAITED = 512
"""Packets whose frames have not come. A decoder holds back some twenty at most; what is more was lost on the way."""
_ONE_FRAME_EACH = frozenset({"h264", "hevc"})
"""Codecs of which every packet has a frame that is shown."""


def told(talk: StreamTalk, run: Callable[[], None]) -> None:
    """Do what is to be done for a stream; if it fails, ingest is told how. Returns when ingest has hung up."""
    try:
        run()
    except (CardRefused, FrameLost) as error:
        talk.tell(Refused(CANNOT, str(error)))
    except Rejected as error:
        talk.tell(Refused(error.code, error.detail))
    except SourceRefused as error:
        talk.tell(error.refused)
    except SourceGone:
        talk.tell(Refused(SOURCE_GONE, ""))
    except EOFError:
        return
    talk.wait()


class CardSlots(Protocol):
    """The pool's slots as a writer has them: `shared.memory.card_writer.CardWriter`."""

    def writable(self, slot: int, geometry: Geometry, colour: Colour) -> CardPicture:
        """The planes of a slot that was granted."""
        ...

    def written(self, slot: int, device: Device) -> None:
        """The device was told all that is to be written into the slot."""
        ...


class _Awaited(NamedTuple):
    """What is known of a packet whose frame has not come yet."""

    pts: int | None
    dts: int | None
    duration: int
    is_hidden: bool


def copied(device: Device, decoded: Decoded, picture: CardPicture) -> None:
    """Copy a frame, on the card, into `picture`, whose size it has save for padding."""
    luma, chroma = picture.planes
    device.copy(decoded.luma[:, : picture.geometry.width], luma)
    device.copy(decoded.chroma, chroma)


class CardStream:
    """Decodes one video."""

    def __init__(self, opening: OpenStream, talk: StreamTalk, card: tuple[CardDecoder, Device, CardSlots],
                 limits: IngestLimits) -> None:  # fmt: skip
        """card: the stream's own decoder, the device by which it works, and the pool's slots."""
        self._opening, self._talk, self._limits = opening, talk, limits
        self._decoder, self._device, self._slots = card
        facts = opening.facts
        self._unit = Fraction(*facts.time_base)
        self._timeline = Timeline(round(1 / (Fraction(*facts.frame_rate) * self._unit)))
        self._awaited: dict[int, _Awaited] = {}
        self._delivered = self._damaged = 0

    def run(self) -> None:
        """To the end. Raises what `StreamTalk` raises, CardRefused, FrameLost or Rejected."""
        self._talk.say(Finished(self._read()))

    def _read(self) -> DecodeSummary:
        ended = CodedEnded(0, early=False)
        for message in self._talk.packets():
            if isinstance(message, CodedEnded):
                ended = message
                frames = self._decoder.flush()
            else:
                frames = self._decoder.decode(message.body, self._expect(message), message.pts)
            if not all(self._took(frame) for frame in frames):
                break  # those that follow are another segment's
        else:
            self._damaged += self._count_lost()
        if not self._delivered:
            raise CardRefused("The card decoded none of its frames.")
        return self._summary(ended)

    def _expect(self, packet: CodedPacket) -> int:
        self._damaged += packet.is_damaged
        self._awaited[packet.number] = _Awaited(packet.pts, packet.dts, packet.duration, packet.is_hidden)
        if len(self._awaited) > _MOST_AWAITED:
            raise CardRefused(f"The card gave no frames for {_MOST_AWAITED} packets.")
        return packet.number

    def _took(self, decoded: Decoded) -> bool:
        """Deliver a frame, or pass over one that is not wanted; False if it and all that follow lie behind the end."""
        awaited = self._awaited.pop(decoded.number, None)
        if awaited is None:
            raise CardRefused("The card gave a frame that no packet asked for.")
        pts, begins, end = awaited.pts, self._opening.coded.begins, self._opening.end
        if end is not None and pts is not None and pts >= end:
            return False
        is_early = pts is not None and begins is not None and pts < begins
        if not (awaited.is_hidden or is_early):
            self._deliver(decoded, awaited)
        return True

    def _deliver(self, decoded: Decoded, awaited: _Awaited) -> None:
        place = self._timeline.place(awaited.pts, awaited.dts, awaited.duration)
        check_length(self._opening.before + self._delivered + 1, float(self._timeline.span * self._unit), self._limits)
        if not self._delivered and awaited.pts != self._opening.coded.begins:
            raise CardRefused("The card's first frame is another one than a CPU's.")
        facts = self._opening.facts
        self._check_size(decoded)
        grant = self._talk.grant()
        picture = self._slots.writable(grant.slot, facts.geometry, facts.colour)
        copied(self._device, decoded, picture)
        if not self._delivered and checksum_of(picture.downloaded(self._device)) != self._opening.coded.checksum:
            raise CardRefused("The card's first frame has other samples than a CPU's.")
        self._slots.written(grant.slot, self._device)
        self._talk.say(DecodedFrame(grant.slot, self._delivered, *place))
        self._delivered += 1

    def _check_size(self, decoded: Decoded) -> None:
        size = self._opening.facts.geometry
        rows, columns = decoded.luma.shape
        if rows != size.height or columns not in {size.width, size.width + size.width % 2}:
            raise CardRefused(f"Its frames change their size to {columns}x{rows}.")

    def _count_lost(self) -> int:
        """Packets at and behind the beginning that no frame came of."""
        coded = self._opening.coded
        if coded.codec not in _ONE_FRAME_EACH or coded.begins is None:
            return 0
        lost = (one for one in self._awaited.values() if not one.is_hidden and one.pts is not None)
        return sum(one.pts >= coded.begins for one in lost if one.pts is not None)

    def _summary(self, ended: CodedEnded) -> DecodeSummary:
        damaged, facts = self._damaged + ended.damaged, self._opening.facts
        return DecodeSummary(
            frames=self._delivered,
            damaged_packets=damaged,
            ended_early=ended.early,
            end_seconds=float(self._timeline.end * self._unit),
            notice=notice_of(self._delivered, facts.frames_expected, damaged, early=ended.early),
        )
