"""How much a key has had and may have now, by its quotas. Counted in this process alone and from its start."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from services.gateway.problems import Refusal
from shared.model.keys import Quotas

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from shared.model.media import VideoFacts
    from visavis.v1 import streams_pb2

SAVED_SECONDS = 10.0
"""Pixels that were not used are saved for so long: as many may come at once."""
PICTURE_PIXELS = 1 << 20
"""What a picture counts while it is under way and nobody knows how large it is."""
DAY_SECONDS = 86_400.0
USUAL_RATE = 30.0
"""Frames a second that a source is counted with which does not say how many it has."""
FULL_TRACES_A_MINUTE = 6
"""So many requests of a key may have every frame traced; as many may come at once."""
STREAM_SECONDS = 10.0
"""When to come back for what another stream has: nobody knows when that ends."""


class Bucket:
    """Fills with `rate` a second up to `most`. What is larger than expected may leave it below empty: that is paid off
    before anything else is given."""

    def __init__(self, rate: float, most: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._most = most
        self._clock = clock
        self._level = most
        self._at = clock()

    @property
    def level(self) -> float:
        """What is there now."""
        now = self._clock()
        self._level = min(self._most, self._level + (now - self._at) * self._rate)
        self._at = now
        return self._level

    def spend(self, amount: float) -> None:
        """Take out; less than nothing gives back."""
        self._level = min(self._most, self.level - amount)

    def fill_by(self, rate: float) -> None:
        """Another rate from now on."""
        self._level = self.level
        self._rate = rate

    def seconds_until(self, wanted: float) -> float:
        """After how long so much is there; infinite where it never is."""
        missing = wanted - self.level
        if missing <= 0:
            return 0.0
        return missing / self._rate if wanted <= self._most and self._rate > 0 else math.inf


class Charge:
    """What a picture is counted with in the end."""

    pixels = 0
    """Width times height, set when it is known; 0: nothing came of it."""


class Hold:
    """Pixels a second that a live stream has for itself."""

    def __init__(self, quota: KeyQuota, clock: Callable[[], float]) -> None:
        self._quota = quota
        self._clock = clock
        self._frame_pixels = 0
        self._frames: Bucket | None = None
        self.pixels_per_second = 0.0

    def take(self, frame_pixels: int, rate: float) -> None:
        """Have what frames of that size need, so many a second, instead of what it had.

        Raises Refusal `quota-exceeded`: then it has what it had.
        """
        wanted = frame_pixels * rate
        self._quota.reserve(wanted - self.pixels_per_second, wanted)
        if wanted:
            self._frames = Bucket(rate, max(1.0, rate * SAVED_SECONDS), self._clock)
        self._frame_pixels, self.pixels_per_second = frame_pixels, wanted

    def frame(self) -> None:
        """One has come. Those that are more a second than was said count beside what the stream has for itself.

        Raises Refusal `quota-exceeded`.
        """
        if self._frames is None:
            return
        if self._frames.level >= 1:
            self._frames.spend(1)
        else:
            self._quota.take_pixels(self._frame_pixels)


class KeyQuota:
    """The account of one key. Without quotas everything passes."""

    def __init__(self, quotas: Quotas, clock: Callable[[], float] = time.monotonic) -> None:
        self.quotas = quotas
        self._clock = clock
        rate, day = float(quotas.pixels_per_second), float(quotas.bytes_per_day)
        self._pixels = Bucket(rate, rate * SAVED_SECONDS, clock)
        self._bytes = Bucket(day / DAY_SECONDS, day, clock)
        self._full_traces = Bucket(FULL_TRACES_A_MINUTE / 60, FULL_TRACES_A_MINUTE, clock)
        self._reserved = 0.0
        self._sessions = 0

    def refuse_debt(self) -> None:
        """Let pass who has not had too much. Raises Refusal `quota-exceeded`."""
        most = self.quotas.pixels_per_second
        if most and self._pixels.level <= 0:
            wait = self._pixels.seconds_until(1.0)
            detail = f"The key has had its {most} pixels a second (pixels_per_second)."
            raise _exceeded(detail, STREAM_SECONDS if math.isinf(wait) else wait)

    @contextmanager
    def picture(self) -> Iterator[Charge]:
        """Around the work on a picture; its pixels are counted when they are known. Raises as refuse_debt."""
        self.refuse_debt()
        charge = Charge()
        self._pixels.spend(PICTURE_PIXELS)
        try:
            yield charge
        finally:
            self._pixels.spend(charge.pixels - PICTURE_PIXELS)

    def take_full_trace(self) -> bool:
        """Whether one more request may have every frame traced."""
        if self._full_traces.level < 1:
            return False
        self._full_traces.spend(1)
        return True

    def announce_bytes(self, count: int) -> None:
        """Let an upload begin that says how large it is. Raises Refusal `quota-exceeded`."""
        most = self.quotas.bytes_per_day
        if most and (wait := self._bytes.seconds_until(max(1, count))):
            detail = f"An upload of {count} bytes is more than is left of the key's {most} bytes a day (bytes_per_day)."
            raise _exceeded(detail, wait)

    def take_bytes(self, count: int) -> None:
        """Count what has come. Raises Refusal `quota-exceeded` if it is more than is left."""
        most = self.quotas.bytes_per_day
        if most and (wait := self._bytes.seconds_until(count)):
            raise _exceeded(f"The key has sent its {most} bytes a day (bytes_per_day).", wait)
        self._bytes.spend(count)

    def take_pixels(self, count: int) -> None:
        """Count what a stream has beside what it holds. Raises as refuse_debt."""
        self.refuse_debt()
        self._pixels.spend(count)

    @contextmanager
    def session(self, frame_pixels: int = 0, rate: float = 0.0) -> Iterator[Hold]:
        """Around a live stream with frames of that size, so many a second; 0 while nobody knows.

        Raises Refusal `quota-exceeded`.
        """
        most = self.quotas.sessions
        if most and self._sessions >= most:
            raise _exceeded(f"{most} streams of the key are under way (sessions).", STREAM_SECONDS)
        self.refuse_debt()
        hold = Hold(self, self._clock)
        hold.take(frame_pixels, rate)
        self._sessions += 1
        try:
            yield hold
        finally:
            self._sessions -= 1
            hold.take(0, 0.0)

    def reserve(self, more: float, wanted: float) -> None:
        """Take `more` pixels a second away from what pictures have, so that a stream has `wanted`.

        Raises Refusal `quota-exceeded` if there are not so many.
        """
        most = self.quotas.pixels_per_second
        if not most:
            return
        if more > 0 and self._reserved + more > most:
            raise _exceeded(
                f"The stream needs {wanted:.0f} pixels a second, and {most - self._reserved:.0f} of the key's {most} "
                "are free (pixels_per_second).",
                math.inf if wanted > most else STREAM_SECONDS,
            )
        self._reserved = max(0.0, self._reserved + more)
        self._pixels.fill_by(most - self._reserved)


def frames_of_facts(facts: VideoFacts) -> tuple[int, float]:
    """The pixels of a frame and the frames a second of what a lane has seen."""
    frames, seconds = facts.frame_rate
    rate = frames / seconds if frames and seconds else USUAL_RATE
    return facts.geometry.width * facts.geometry.height, rate


async def metered(
    client: AsyncIterator[streams_pb2.ClientMessage], quota: KeyQuota, hold: Hold
) -> AsyncIterator[streams_pb2.ClientMessage]:
    """What the client of a live stream says, its packets counted. Raises Refusal `quota-exceeded` at the first that
    is too much."""
    async for message in client:
        if message.WhichOneof("message") == "packet":
            quota.take_bytes(len(message.packet.data))
            hold.frame()
        yield message


def _exceeded(detail: str, wait_seconds: float) -> Refusal:
    """wait_seconds: infinite where coming back would not help, which then nobody is told to do."""
    if math.isinf(wait_seconds):
        return Refusal("quota-exceeded", f"{detail} It will not fit later either.")
    seconds = math.ceil(wait_seconds)
    return Refusal("quota-exceeded", f"{detail} Come back in {seconds} s.", headers={"Retry-After": str(seconds)})
