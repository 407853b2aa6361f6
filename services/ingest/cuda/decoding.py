"""One video that the lane's card decoder decodes, seen from ingest: as `decoders.decoding` has any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.ingest.cuda.decoder import CardRefused
from services.ingest.cuda.messages import CANNOT, SOURCE_GONE
from services.ingest.decoders.decoding import DecoderDied, Decoding
from services.ingest.decoders.live import LiveDecoding
from shared.model.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.ingest.decoders.decoding import DecodingProcess
    from services.ingest.limits import IngestLimits
    from services.ingest.messages.decoder import CodedFrame, NoMoreFrames, Refused
    from shared.model.media import Facts, VideoFacts


class _OnCard(Decoding):
    """What both kinds of videos have: the child reads, the card decodes."""

    _reading: Decoding

    async def cause(self) -> Exception:
        """As `Decoding` says."""
        await self._child.died()
        return Unavailable("The card decoder ended in mid-stream.")

    def _begin(self) -> None:
        """All is said with the stream."""

    async def _refusal(self, reply: Refused) -> Exception:
        if reply.code == CANNOT:
            return CardRefused(reply.detail)
        if reply.code == SOURCE_GONE:
            return await self._reading.cause()
        return await super()._refusal(reply)

    def _stalled(self) -> Exception:
        return Unavailable(f"The card decoder made no progress for {self._patience} seconds (decoder_stall_seconds).")


class CardDecoding(_OnCard):
    """A context, within that of the decoding whose child reads the file. After it nobody writes into granted slots.

    What it raises besides: CardRefused for what a CPU may be able to decode, Unavailable for a card decoder that ends.
    """

    def __init__(
        self,
        reading: Decoding,
        open_stream: Callable[[], Awaitable[DecodingProcess]],
        facts: VideoFacts,
        limits: IngestLimits,
        pool_bytes: int,
    ) -> None:
        """reading: whose child has opened the video and was granted nothing. open_stream: has its packets decoded.

        facts: of the frames as they are to lie in the pool (nv12).
        """
        super().__init__(open_stream, reading.task, limits, pool_bytes)
        self._facts, self._reading = facts, reading


class CardLiveDecoding(_OnCard, LiveDecoding):
    """A live stream, as `LiveDecoding` has it, within the context of `reading`, which goes on being told packets.

    VideoOpened comes again: when the card has shown that its first frame is the CPU's. Until then what CardRefused says
    can be decoded by a CPU.
    """

    def __init__(
        self,
        reading: LiveDecoding,
        open_stream: Callable[[], Awaitable[DecodingProcess]],
        facts: VideoFacts,
        limits: IngestLimits,
        pool_bytes: int,
    ) -> None:
        """As CardDecoding. reading: that has said VideoOpened."""
        super().__init__(open_stream, reading.live_task, limits, pool_bytes)
        self._reading = self._source = reading
        self._expected = facts
        self._under_way, self._known = reading.give_up()

    def _checked_facts(self, facts: VideoFacts) -> Facts:
        if facts != self._expected:
            raise DecoderDied("The card decoder described another stream.")
        return facts

    def _tell(self, message: CodedFrame | NoMoreFrames) -> None:
        self._source.tell(message)
