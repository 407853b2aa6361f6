"""What a live session tells, as messages."""

from __future__ import annotations

import time

from services.gateway.calls import Failure
from services.gateway.live.account import LiveAccount
from services.gateway.live.messages import account_message, frame_message, problem_message, way_back
from services.gateway.live.queue import Drawn
from shared.model.faces import Face
from shared.model.hops import Hop
from shared.model.live import LiveFrame, LiveInput, LiveSettings, Place, Reason
from shared.model.looks import Look

INPUT = LiveInput(codec="h264", width=64, height=48)  # type: ignore[arg-type]
BACK = Hop("gateway", 1.5, 0.0)


def drawn(face: Face) -> Drawn:
    frame = LiveFrame(
        number=0, pts=-7, dts=-9, key=True, look=0, body=b"x", faces=(face,), hops=(Hop("render", 1, 2),), arrived_ns=1
    )
    return Drawn(frame, time.time_ns() - 2_000_000, 0.0)


def test_a_frame_has_what_was_asked_for(face: Face) -> None:
    settings = LiveSettings(input=INPUT, look=Look(), want_faces=True, want_timings=True)
    frame = frame_message(drawn(face), settings, BACK).frame
    assert (frame.pts, frame.dts, frame.key, frame.data) == (-7, -9, True, b"x")
    assert (len(frame.faces[0].landmarks), [hop.name for hop in frame.hops]) == (468 * 3, ["render", "gateway"])
    assert frame.age_ms > 0


def test_and_nothing_else(face: Face) -> None:
    settings = LiveSettings(input=INPUT, look=Look(), want_picture=False)
    frame = frame_message(drawn(face), settings, BACK).frame
    assert (frame.data, len(frame.faces), len(frame.hops)) == (b"", 0, 0)


def test_the_way_back_is_waiting(face: Face) -> None:
    hop = way_back(drawn(face))
    assert hop.name == "gateway"
    assert hop.waited_ms >= 2
    assert hop.worked_ms == 0


def test_an_account_has_every_place_and_reason() -> None:
    account = LiveAccount()
    account.reach(4)
    account.drop((0, 1), Place.RENDER, Reason.LATE)
    account.drop((2,), Place.INGEST, Reason.OVERLOAD)
    account.fail((3,))
    told = account_message(account).account
    assert (told.received, told.failed) == (5, 1)
    assert [(one.place, one.reason, one.count) for one in told.dropped] == [
        ("ingest", "overload", 1), ("render", "late", 2)
    ]  # fmt: skip


def test_a_problem_says_when_to_come_back() -> None:
    told = problem_message(Failure("no-room", "There is none.", 3.0), "0" * 32).problem
    assert (told.code, told.detail, told.retry_after_seconds) == ("no-room", "There is none.", 3)
    assert told.trace_id == "0" * 32
