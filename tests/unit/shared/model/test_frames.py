from __future__ import annotations

import msgspec
import numpy as np
import pytest

from shared.model.frames import (
    CapturedFrame,
    DetectedFrame,
    FacesDetected,
    FrameReference,
    FramesCaptured,
    FramesEnded,
    LiveMark,
)
from shared.model.jobs import Problem
from shared.model.people import PeopleMask

FRAME = CapturedFrame(FrameReference(2**62, 3, 4), sequence=5, pts=-6, duration=7)
Message = FramesCaptured | FacesDetected | FramesEnded
MESSAGES: list[Message] = [
    FramesCaptured("a", "s", "2", (FRAME,)),
    FramesCaptured("a", "s", "2", (FRAME,), people=True),
    FramesCaptured("a", "s", "2", (FRAME,), watchful=True),
    FacesDetected("a", "s", "2", (DetectedFrame(FRAME, ()),)),
    FacesDetected("a", "s", "2", (DetectedFrame(FRAME, (), PeopleMask.of(np.eye(4, dtype=np.uint8))),)),
    FacesDetected("a", "s", "2", (DetectedFrame(FRAME, (), None, ((1.0, 2.0, 3.0, 4.0),)),)),
    FramesEnded("a", "s", "2", 9),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_survives_the_wire(message: Message) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(message), type=type(message)) == message


def test_every_message_knows_its_subject() -> None:
    assert [message.subject for message in MESSAGES] == ["lane.a.detect"] * 3 + ["lane.a.render.2"] * 4


def test_a_message_of_frames_that_somebody_watches_is_live() -> None:
    frame = CapturedFrame(FrameReference(1, 0, 1), 0, 0)
    watched = msgspec.structs.replace(frame, live=LiveMark(0, 0, 0))
    assert [FramesCaptured("a", "s", "w", frames).is_live for frames in ((watched,), (frame,), ())] == [
        True,
        False,
        False,
    ]


def test_what_is_refused_names_the_same_frames_to_the_same_worker() -> None:
    problem = Problem("unknown-model", "No.")
    refused = FramesCaptured("a", "s", "2", (FRAME,)).refused(problem)
    assert refused == FacesDetected("a", "s", "2", (DetectedFrame(FRAME, ()),), problem=problem)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(refused), type=FacesDetected) == refused


def test_a_reference_is_small() -> None:
    """Sixteen of them ride in one message; it must stay far below what the bus takes."""
    many = FramesCaptured("a" * 32, "s" * 20, "w" * 32, (FRAME,) * 16)
    assert len(msgspec.msgpack.encode(many)) < 1024


def test_a_reference_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        FRAME.reference.slot = 4  # type: ignore[misc]  # that it is refused is the point
