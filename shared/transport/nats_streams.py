"""The streams and queues of `topology` as JetStream has them: made, and brought up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nats.js import api
from nats.js.errors import BadRequestError, NotFoundError, ServiceUnavailableError

from shared.transport.nats_errors import down, patiently
from shared.transport.topology import STREAMS, Queue, Stream

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from nats.js import JetStreamContext

_NO_PEERS = 10005
"""The server's JSClusterNoPeersErrF: no suitable peers for placement."""
REPLICAS_IN_A_CLUSTER = 3
"""One node may be lost, and what two have agreed on stays."""


async def declare(jetstream: JetStreamContext, replicas: int, *, in_cluster: bool) -> dict[Stream, api.StreamInfo]:
    """Make every stream, or bring it up to date, and say what it is then. Raises Unavailable.

    replicas: servers that keep each; 0: as many as keep it already, and of a new one three in a cluster, else one.
    """
    new = replicas or (REPLICAS_IN_A_CLUSTER if in_cluster else 1)
    return {stream: await _declared(jetstream, stream, replicas, new) for stream in STREAMS}


async def _declared(jetstream: JetStreamContext, stream: Stream, replicas: int, new: int) -> api.StreamInfo:
    with down(f"The stream {stream.name} cannot be made"):
        try:
            kept = (await patiently(lambda: jetstream.stream_info(stream.name))).config.num_replicas or 1
        except NotFoundError:
            return await patiently(lambda: _placed(jetstream.add_stream(_stream(stream, new))))
        return await patiently(lambda: _placed(jetstream.update_stream(_stream(stream, replicas or kept))))


async def _placed(asked: Awaitable[api.StreamInfo]) -> api.StreamInfo:
    """What was asked for. Raises ServiceUnavailableError also where too few servers of the cluster are there yet."""
    try:
        return await asked
    except BadRequestError as error:
        if error.err_code != _NO_PEERS:
            raise
        raise ServiceUnavailableError(error.code, error.description, error.err_code) from error


def _stream(stream: Stream, replicas: int) -> api.StreamConfig:
    return api.StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects),
        storage=api.StorageType.MEMORY if stream.in_memory else api.StorageType.FILE,
        retention=api.RetentionPolicy.WORK_QUEUE if stream.is_queue else api.RetentionPolicy.LIMITS,
        discard=api.DiscardPolicy.NEW if stream.is_queue else api.DiscardPolicy.OLD,
        max_bytes=stream.max_bytes,
        max_age=stream.max_age_seconds,
        max_msgs_per_subject=stream.max_per_subject,
        num_replicas=replicas,
        allow_direct=True,
        allow_msg_ttl=stream.is_bucket or None,
        allow_rollup_hdrs=stream.is_bucket,
    )


def consumer(queue: Queue) -> api.ConsumerConfig:
    """A queue as JetStream has it. As many servers keep its state as its stream."""
    return api.ConsumerConfig(
        name=queue.name,
        durable_name=queue.name,
        filter_subject=queue.subject,
        ack_policy=api.AckPolicy.EXPLICIT,
        ack_wait=queue.ack_wait_seconds,
        max_deliver=queue.max_deliver,
        max_ack_pending=queue.max_ack_pending,
        inactive_threshold=queue.forget_after_seconds or None,
        deliver_subject=inbox(queue) if queue.prefetch else None,
        deliver_group=queue.name if queue.prefetch else None,
    )


def inbox(queue: Queue) -> str:
    """Where the messages of a queue that is pushed arrive."""
    return f"deliver.{queue.name}"
