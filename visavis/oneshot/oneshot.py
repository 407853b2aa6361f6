"""Decode, find, draw and encode one picture or video: the decoder in its confined child, all else in this process."""

from __future__ import annotations

import asyncio
import gc
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self, TypeVar

import cv2

from services.detect.batching import Hands
from services.detect.following import Following
from services.detect.loading import load
from services.ingest.decoders.making import Decoders, Join, ReadAsset, ReadStill, ReadVideo
from services.render.drawing import Painter
from services.render.own.loading import load as load_effects
from services.render.own.painting import OwnPainter
from services.render.session import RenderSession
from services.render.sinks import FacesSink, StillSink, VideoSink
from shared.model.frames import CapturedFrame
from shared.model.jobs import Want
from shared.model.looks import Look
from shared.model.media import VideoFacts
from shared.model.offers import ModelChoice
from visavis.oneshot.composed import Composed, Known
from visavis.oneshot.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from services.detect.choosing import Finders
    from services.ingest.decoders.making import Decoding
    from services.render.own.effects import OwnEffects
    from shared.model.assets import Prepared
    from shared.model.faces import Face
    from shared.model.frames import DetectedFrame
    from shared.model.hops import Hop
    from shared.model.media import DecodeSummary, Facts, MediaKind, Span
    from visavis.oneshot.settings import OneshotSettings

    Progress = Callable[[int, int], None]
    Told = Callable[[str], None]

SLOTS = 6
"""As many frames as a lane's decoder may write ahead."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to become of one picture or video."""

    want: Want = Want.PICTURE
    look: Look = field(default_factory=Look)
    models: ModelChoice = field(default_factory=ModelChoice)
    assets: Mapping[str, Prepared] = field(default_factory=dict)
    """What the look refers to, by id."""
    fit: VideoFacts | None = None
    """What the frames of a video are made to fit; None: its first frame."""
    span: Span | None = None
    """Which frames of a video; None: all."""

    @property
    def drawn(self) -> Look:
        """The look as far as something is drawn."""
        return self.look if self.want is Want.PICTURE else Look()


@dataclass(frozen=True, slots=True)
class Finished:
    """What has become of it."""

    facts: Facts
    frames: int
    """In the result: those that only warmed up are not among them."""
    faces: int
    """Over these frames."""
    summary: DecodeSummary
    hops: Sequence[Hop]
    known: Known
    """What the session of a span that begins where this one ends goes on from."""


@dataclass(frozen=True, slots=True)
class StillMade:
    """The one frame of a picture: what was found, and the picture if one was wanted, else nothing."""

    finished: Finished
    faces: Sequence[Face]
    picture: bytes


class Oneshot:
    """Models, decoders and memory, warm. It works on one picture or video at a time; others wait."""

    def __init__(
        self, settings: OneshotSettings, finders: Finders, decoders: Decoders, slots: Slots, effects: OwnEffects
    ) -> None:
        """Made by `started`. effects: others' own."""
        self.effects = effects
        self._settings, self._finders = settings, finders
        self._decoders, self._slots = decoders, slots
        self._hands = Hands(settings.detect.detect_parallel)
        self._threads = ThreadPoolExecutor(2, "oneshot")
        self._turn = asyncio.Lock()
        self._closing = AsyncExitStack()

    @classmethod
    async def started(cls, settings: OneshotSettings, tell: Told = lambda _: None) -> Self:
        """Ready for the first frame. tell: is told of each step when it is done.

        Raises Misconfigured, with what to do, for models that are not there and effects of others that are wrong,
        Unavailable where no decoder starts.
        """
        cv2.setNumThreads(1)
        async with AsyncExitStack() as stack:
            slots = Slots(SLOTS, settings.largest_frame_bytes)
            stack.callback(slots.close)
            decoders = Decoders(slots.fd, settings.ingest.limits, settings.ingest.spare_decoders)
            stack.push_async_callback(decoders.close)
            starting = asyncio.create_task(decoders.start())  # in a process beside, while the models are opened here
            try:
                loaded = await asyncio.to_thread(load, settings.detect)
                tell(f"models loaded, provider {loaded.provider}")
                await asyncio.to_thread(loaded.finders.warm_up)
                tell("models warmed")
                effects = await asyncio.to_thread(load_effects, settings.render.effects)
            finally:
                await asyncio.wait((starting,))
            starting.result()
            tell(f"decoders started, network {decoders.network}")
            made = cls(settings, loaded.finders, decoders, slots, effects)
            stack.callback(made._threads.shutdown)
            stack.callback(made._hands.close)
            made._closing = stack.pop_all()
        gc.collect()
        gc.freeze()  # what is there now stays: no collection need look at it again
        return made

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End every process and thread."""
        await self._closing.aclose()

    async def video(
        self,
        source: Path,
        target: Path,
        wish: Wish,
        tell: Progress = lambda *_: None,
        known: Known | None = None,
    ) -> Finished:
        """Write the part of a video that render would write: encoded without sound, or a line of JSON a frame.

        tell: is told the frames that are drawn and those to be expected (0: unknown). known: after the frame before the
        span's start; it takes the place of what the warm-up would tell. None: nothing is known. Raises Rejected for
        what is wrong with source or wish, Unavailable (DecoderDied) for a decoder that ended; nothing is left in
        `target` then.
        """
        following, painter = self._following(wish), self._painter(wish)
        task = ReadVideo(str(source), wish.fit, wish.span)
        async with self._turn, self._decoders.decode(task) as decoding:
            facts = await decoding.opened()
            assert isinstance(facts, VideoFacts)  # noqa: S101  -- `opened` has refused everything else
            sink = await self._beside(self._sink, target, facts, wish)
            state = known.state.counted_anew() if known is not None else None
            session = RenderSession(wish.look, sink, facts.time_base, state, painter, span=wish.span)
            composed = self._composed(following, session, _found(known, wish))
            try:
                expected = wish.span.frames if wish.span is not None else facts.frames_likely
                await self._run(decoding, facts, composed, lambda frames: tell(frames, expected))
                await self._beside(sink.close)
            except BaseException:
                await self._beside(sink.abort)
                raise
            return _finished(facts, composed, decoding)

    async def still(self, data: bytes, wish: Wish, kind: MediaKind | None = None) -> StillMade:
        """One picture. kind: what it is encoded as; None: what it came as. Raises as `video` does."""
        following, painter = self._following(wish), self._painter(wish)
        async with self._turn, self._decoders.decode(ReadStill(data)) as decoding:
            facts = await decoding.opened()
            assert not isinstance(facts, VideoFacts)  # noqa: S101  -- `opened` has refused everything else
            sink = StillSink(facts, None if wish.want is Want.FACES else kind or facts.kind)
            composed = self._composed(following, RenderSession(wish.look, sink, (1, 1), painter=painter))
            await self._run(decoding, facts, composed, lambda _: None)
            return StillMade(_finished(facts, composed, decoding), sink.faces, sink.close())

    async def join(self, part: Path, source: Path, target: Path, summary: DecodeSummary) -> MediaKind:
        """Put the sound of the source to the encoded part, as ingest does. Raises as `video` does."""
        task = Join(parts=(str(part),), target=str(target), source=str(source), cut_audio=summary.ended_early)
        return await self._decoders.join(task)

    async def read_asset(self, source: Path, target: Path) -> None:
        """Make a file what a look can draw. Raises as `video` does."""
        await self._decoders.read_asset(ReadAsset(str(source), str(target)))

    def _following(self, wish: Wish) -> Following:
        return Following(
            self._finders.of(wish.models),
            self._finders.segmenter if wish.drawn.needs_people else None,
            self._settings.detect.detect_every,
            watchful=wish.drawn.hides_faces,
        )

    def _painter(self, wish: Wish) -> Painter:
        self.effects.refuse_unknown(wish.drawn)
        return Painter(wish.assets, OwnPainter(self.effects))

    def _composed(
        self, following: Following, session: RenderSession, found: tuple[int, tuple[Face, ...]] | None = None
    ) -> Composed:
        return Composed(following, session, self._slots, self._finders.batches, self._hands, found)

    def _sink(self, target: Path, facts: VideoFacts, wish: Wish) -> VideoSink | FacesSink:
        if wish.want is Want.FACES:
            return FacesSink(target, facts, wish.span.first if wish.span is not None else 0)
        render = self._settings.render
        return VideoSink(target, facts, render.x264_preset, render.x264_crf, render.x264_threads)

    async def _run(self, decoding: Decoding, facts: Facts, composed: Composed, tell: Callable[[int], None]) -> None:
        """Every frame: found in one thread while the one before is drawn in another and later ones are decoded."""
        self._slots.of(facts)
        for slot in range(self._slots.count if isinstance(facts, VideoFacts) else 1):
            decoding.grant(slot, *self._slots.extent(slot))

        async def draw(found: DetectedFrame) -> None:
            await self._beside(composed.draw, found)
            slot = found.captured.reference.slot
            decoding.grant(slot, *self._slots.extent(slot))
            tell(composed.session.frames_written)

        drawing: asyncio.Task[None] | None = None
        try:
            async for one in decoding.frames():
                reference = self._slots.reference(one.slot, one.sequence)
                frame = CapturedFrame(reference, one.sequence, one.pts, one.duration)
                found = await self._beside(composed.find, frame)
                if drawing is not None:
                    await drawing
                drawing = asyncio.create_task(draw(found))
            if drawing is not None:
                await drawing
        finally:
            if drawing is not None and not drawing.done():
                await asyncio.wait((drawing,))

    async def _beside(self, do: Callable[..., T], *arguments: Any) -> T:
        """In a thread; if cancelled, wait for it: it reads frames and writes to the sink until it is done."""
        doing = asyncio.get_running_loop().run_in_executor(self._threads, do, *arguments)
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            await asyncio.wait((doing,))
            raise


def _finished(facts: Facts, composed: Composed, decoding: Decoding) -> Finished:
    session = composed.session
    return Finished(facts, session.frames_written, session.faces_done, decoding.summary, composed.hops, composed.known)


def _found(known: Known | None, wish: Wish) -> tuple[int, tuple[Face, ...]] | None:
    """Before which pts nothing need be looked for. A mask of people is calmed by the warm-up: nobody keeps it."""
    if known is None or wish.span is None or wish.drawn.needs_people:
        return None
    return wish.span.start, known.faces
