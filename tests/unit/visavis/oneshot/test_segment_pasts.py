"""What is kept at the end of a segment, for whom, and that no store makes a call fail."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from services.render.choosing import Choice
from services.render.session import SessionState
from shared.model.faces import Face
from shared.model.jobs import SegmentRequested, Want, context_name
from shared.model.looks import Look
from shared.model.media import DecodeSummary, Span
from shared.model.past import VERSION, SegmentPast
from shared.testing import MemoryContext
from shared.transport import wire
from visavis.oneshot import segment_pasts as pasts_module
from visavis.oneshot.composed import Known
from visavis.oneshot.oneshot import Finished
from visavis.oneshot.segment_pasts import KEEP_SECONDS, SegmentPasts

ENDS = Span(begins=0, start=0, end=600, first=0, warm=0, frames=15)
BEGINS = Span(begins=400, start=600, end=None, first=10, warm=5, frames=20)
FACE = Face(box_px=(1.0, 2.0, 3.0, 4.0), score=0.5, points=bytes(60))
KNOWN = Known(SessionState(frames_done=15, choice=Choice(largest=4)), (FACE,))


class Counting(MemoryContext):
    """Knows how often it was asked, and for how long it was to keep something."""

    asked, seconds = 0, 0.0

    async def get(self, name: str) -> bytes | None:
        self.asked += 1
        return await super().get(name)

    async def put(self, name: str, body: bytes, seconds: float) -> None:
        self.asked += 1
        self.seconds = seconds
        await super().put(name, body, seconds)


def asked(**changes: Any) -> SegmentRequested:
    return SegmentRequested(**({"job": "j", "want": Want.PICTURE, "look": Look(smooth=0.5), "span": ENDS} | changes))


NEXT = asked(segment=1, span=BEGINS)


def done(frames: int = ENDS.frames, damaged: int = 0) -> Finished:
    summary = DecodeSummary(frames=frames, damaged_packets=damaged)
    return Finished(facts=None, frames=frames, faces=9, summary=summary, hops=(), known=KNOWN)  # type: ignore[arg-type]


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def context() -> Counting:
    return Counting()


@pytest.fixture
def pasts(context: Counting, told: list[str]) -> SegmentPasts:
    return SegmentPasts(context, told.append)


async def test_the_next_segment_is_told_what_was_known_at_the_end(pasts: SegmentPasts, context: Counting) -> None:
    await pasts.keep(asked(), done())
    assert (list(context.kept), context.seconds) == ([context_name("j", 0)], KEEP_SECONDS)
    assert await pasts.before(NEXT) == KNOWN
    assert await pasts.before(NEXT) == KNOWN, "a segment that is done twice"


@pytest.mark.parametrize("change", [{"look": Look()}, {"want": Want.FACES}, {"job": "other"}, {"segment": 2}])
async def test_another_request_is_told_nothing(pasts: SegmentPasts, change: dict[str, Any], told: list[str]) -> None:
    await pasts.keep(asked(), done())
    assert await pasts.before(asked(**({"segment": 1, "span": BEGINS} | change))) is None
    assert told == []


async def test_the_first_segment_asks_for_nothing(pasts: SegmentPasts, context: Counting) -> None:
    assert await pasts.before(asked()) is None
    assert await pasts.before(asked(span=None)) is None
    assert context.asked == 0


@pytest.mark.parametrize(
    ("request_", "finished"),
    [
        (asked(span=None), done()),  # nothing follows a whole video
        (asked(segment=1, span=BEGINS), done(BEGINS.frames)),  # nor the last segment
        (asked(), done(ENDS.frames - 1)),
        (asked(), done(damaged=1)),
    ],
)
async def test_what_nothing_could_go_on_from_is_not_kept(
    pasts: SegmentPasts, context: Counting, request_: SegmentRequested, finished: Finished
) -> None:
    await pasts.keep(request_, finished)
    assert context.kept == {}


STATE = msgspec.Raw(wire.encode(KNOWN.state))
PAST = SegmentPast(request=asked(), faces=(FACE,), state=STATE)


@pytest.mark.parametrize(
    "body",
    [
        b"\xc1",
        b"\xc0",
        b"",
        wire.encode(PAST)[:-1],
        wire.encode(msgspec.structs.replace(PAST, version=VERSION + 1)),
        wire.encode(msgspec.structs.replace(PAST, version=VERSION - 1)),
        wire.encode(msgspec.structs.replace(PAST, state=msgspec.Raw(b"\x91\xa1x"))),
        msgspec.msgpack.encode([VERSION]),
    ],
)
async def test_what_cannot_be_read_is_as_good_as_nothing(pasts: SegmentPasts, context: Counting, body: bytes) -> None:
    await context.put(context_name("j", 0), body, 60)
    assert await pasts.before(NEXT) is None


async def test_a_store_that_is_away_is_waited_for_once_and_told_of(
    pasts: SegmentPasts, context: Counting, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    context.down = True
    for _ in range(3):
        assert await pasts.before(NEXT) is None
        await pasts.keep(asked(), done())
    assert (context.asked, told) == (1, ["The context store is down."])
    context.down = False
    monkeypatch.setattr(pasts_module, "time", Later())
    await pasts.keep(asked(), done())
    assert await pasts.before(NEXT) == KNOWN


class Later:
    """In place of the clock: a store that was away may be back."""

    @staticmethod
    def monotonic() -> float:
        return float("inf")
