"""A client of live streams over gRPC that notes when everything went and came."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import grpc

from visavis.v1 import streams_pb2, streams_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.bench.live_stages import Coded

MOST_BYTES = 64 << 20


@dataclass
class Ran:
    """What came of one stream."""

    sent: dict[int, float] = field(default_factory=dict)
    """When each packet went (time.perf_counter), by pts."""
    came: dict[int, float] = field(default_factory=dict)
    ages_ms: list[float] = field(default_factory=list)
    """As the gateway told them."""
    hops: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    account: Any = None
    refused: str = ""

    @property
    def delays_ms(self) -> list[float]:
        """From handing a packet to gRPC to having its frame."""
        return [(self.came[pts] - self.sent[pts]) * 1000 for pts in self.came]

    @property
    def dropped(self) -> int:
        """Over all places and reasons."""
        return sum(one.count for one in self.account.dropped)

    @property
    def is_exact(self) -> bool:
        """received = delivered + dropped + failed."""
        account = self.account
        return bool(account.received == len(self.sent) == account.delivered + self.dropped + account.failed)

    def delivered_per_second(self) -> float:
        """Frames a second from the first to the last."""
        times = sorted(self.came.values())
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0


def settings(size: tuple[int, int], rate: float, look: str, **wanted: Any) -> streams_pb2.StreamSettings:
    """H.264 in and out, low delay."""
    asked = streams_pb2.StreamInput(codec=streams_pb2.CODEC_H264, width=size[0], height=size[1], rate=rate)
    return streams_pb2.StreamSettings(input=asked, look_name=look, **wanted)


def stub(channel: grpc.aio.Channel) -> Any:
    """Of FaceStream."""
    return streams_pb2_grpc.FaceStreamStub(channel)  # type: ignore[no-untyped-call]


def channel(address: str) -> grpc.aio.Channel:
    """To a gateway."""
    options = (("grpc.max_receive_message_length", MOST_BYTES), ("grpc.max_send_message_length", MOST_BYTES))
    return grpc.aio.insecure_channel(address, options)


async def stream(
    to: grpc.aio.Channel, packets: Sequence[Coded], rate: float, wanted: streams_pb2.StreamSettings
) -> Ran:
    """Send all packets at that pace; what came of them."""
    ran = Ran()

    async def messages() -> AsyncIterator[streams_pb2.ClientMessage]:
        yield streams_pb2.ClientMessage(settings=wanted)
        started = time.perf_counter()
        for number, packet in enumerate(packets):
            await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            sent = streams_pb2.Packet(pts=packet.pts, key=packet.key, data=packet.body)
            ran.sent[packet.pts] = time.perf_counter()
            yield streams_pb2.ClientMessage(packet=sent)

    try:
        async for message in stub(to).Process(messages()):
            _note(message, ran)
    except grpc.aio.AioRpcError as error:
        ran.refused = error.code().name
    return ran


def _note(message: Any, ran: Ran) -> None:
    if message.HasField("frame"):
        ran.came[message.frame.pts] = time.perf_counter()
        ran.ages_ms.append(message.frame.age_ms)
        for hop in message.frame.hops:
            ran.hops.setdefault(hop.name, []).append((hop.waited_ms, hop.worked_ms))
    elif message.HasField("notice"):
        ran.notices.append(message.notice.kind)
    elif message.HasField("account"):
        ran.account = message.account
