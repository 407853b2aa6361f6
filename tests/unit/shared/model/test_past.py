from __future__ import annotations

from typing import Any

import msgspec
import pytest

from shared.model.faces import Face
from shared.model.jobs import SegmentRequested, Want
from shared.model.looks import Look
from shared.model.media import Span
from shared.model.offers import ModelChoice
from shared.model.past import VERSION, SegmentPast, SessionPast

FIRST = Span(begins=0, start=0, end=600, first=0, warm=0, frames=15)
NEXT = Span(begins=400, start=600, end=None, first=10, warm=5, frames=20)


def asked(**changes: Any) -> SegmentRequested:
    return SegmentRequested(**({"job": "j", "want": Want.PICTURE, "look": Look(smooth=0.5), "span": FIRST} | changes))


def past_of(request: SegmentRequested) -> SegmentPast:
    face = Face(box_px=(1.0, 2.0, 3.0, 4.0), score=0.5, points=bytes(60))
    return SegmentPast(request=request, faces=(face,), state=msgspec.Raw(b"\xc0"))


def test_its_version_comes_first_whatever_follows() -> None:
    body = msgspec.msgpack.encode(SessionPast(look=Look(smooth=0.5), state=msgspec.Raw(b"\xc0")))
    assert msgspec.msgpack.decode(body)[0] == VERSION


def test_the_state_goes_through_untouched() -> None:
    state = msgspec.msgpack.encode([1, "two", b"three"])
    body = msgspec.msgpack.encode(SessionPast(look=Look(), state=msgspec.Raw(state)))
    assert bytes(msgspec.msgpack.decode(body, type=SessionPast).state) == state


def test_a_segment_is_gone_on_from_by_the_next_that_is_asked_for_the_same() -> None:
    body = msgspec.msgpack.encode(past_of(asked()))
    assert msgspec.msgpack.decode(body)[0] == VERSION
    assert msgspec.msgpack.decode(body, type=SegmentPast).is_continued_by(asked(segment=1, span=NEXT))


@pytest.mark.parametrize(
    "changes",
    [
        {"segment": 2},
        {"segment": 0},
        {"job": "other"},
        {"want": Want.FACES},
        {"look": Look(smooth=0.4)},
        {"models": ModelChoice(landmarks="other")},
        {"span": None},
        {"span": msgspec.structs.replace(NEXT, start=601)},
    ],
)
def test_nothing_else_goes_on_from_it(changes: dict[str, Any]) -> None:
    assert not past_of(asked()).is_continued_by(asked(**({"segment": 1, "span": NEXT} | changes)))


def test_what_was_not_cut_or_goes_to_the_videos_end_is_gone_on_from_by_nobody() -> None:
    assert not past_of(asked(span=None)).is_continued_by(asked(segment=1, span=NEXT))
    assert not past_of(asked(segment=1, span=NEXT)).is_continued_by(asked(segment=2, span=NEXT))
