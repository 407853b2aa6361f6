"""What a live session tells, as messages of the RPC contract."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from services.gateway.face_messages import face_messages, hop_messages
from shared.model.hops import Hop
from shared.model.live import RESUME_SECONDS
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from services.gateway.calls import Failure
    from services.gateway.live.account import LiveAccount
    from services.gateway.live.queue import Drawn
    from shared.model.live import LiveBegan, LiveSettings


def way_back(drawn: Drawn) -> Hop:
    """The gateway's own hop: all of it is waiting, from the lane to the client."""
    return Hop("gateway", round(max(0, time.time_ns() - drawn.sent_ns) / 1e6, 3), 0.0)


def frame_message(drawn: Drawn, settings: LiveSettings, back: Hop) -> streams_pb2.ServerMessage:
    """A frame, with what was asked for beside it."""
    frame = drawn.frame
    told = streams_pb2.Frame(
        pts=frame.pts,
        dts=frame.dts,
        key=frame.key,
        data=frame.body if settings.want_picture else b"",
        header=frame.header,
        faces=face_messages(frame.faces) if settings.want_faces else (),
        hops=hop_messages((*frame.hops, back)) if settings.want_timings else (),
        age_ms=round(max(0, time.time_ns() - frame.arrived_ns) / 1e6, 3),
    )
    return streams_pb2.ServerMessage(frame=told)


def opened_message(token: str, trace_id: str) -> streams_pb2.ServerMessage:
    """The stream is taken."""
    told = streams_pb2.Opened(resume_token=token, resume_seconds=RESUME_SECONDS, trace_id=trace_id)
    return streams_pb2.ServerMessage(opened=told)


def look_changed_message(change: int, from_pts: int) -> streams_pb2.ServerMessage:
    """A change of the look holds."""
    return streams_pb2.ServerMessage(look_changed=streams_pb2.LookChanged(change=change, from_pts=from_pts))


def look_refused_message(change: int, code: str, detail: str) -> streams_pb2.ServerMessage:
    """A change of the look does not hold."""
    return streams_pb2.ServerMessage(look_refused=streams_pb2.LookRefusal(change=change, code=code, detail=detail))


def began_message(began: LiveBegan) -> streams_pb2.ServerMessage:
    """What the stream really is."""
    size = began.facts.geometry
    return streams_pb2.ServerMessage(
        began=streams_pb2.Began(resumed=began.resumed, width=size.width, height=size.height)
    )


def account_message(account: LiveAccount) -> streams_pb2.ServerMessage:
    """What became of all packets."""
    dropped = [
        streams_pb2.Dropped(place=place, reason=reason, count=count)
        for (place, reason), count in sorted(account.dropped.items())
    ]
    told = streams_pb2.Account(
        received=account.received, delivered=account.delivered, dropped=dropped, failed=account.failed
    )
    return streams_pb2.ServerMessage(account=told)


def notice_message(kind: str, detail: str) -> streams_pb2.ServerMessage:
    """Something to know of."""
    return streams_pb2.ServerMessage(notice=streams_pb2.Notice(kind=kind, detail=detail))


def problem_message(failure: Failure, trace_id: str) -> streams_pb2.ServerMessage:
    """Why the stream ends, where the protocol has no place for it."""
    told = streams_pb2.StreamProblem(
        code=failure.code, detail=failure.detail, retry_after_seconds=failure.retry_seconds, trace_id=trace_id
    )
    return streams_pb2.ServerMessage(problem=told)
