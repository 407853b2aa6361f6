"""Which sink frames go to that nobody watches while they are drawn, and what encodes those that somebody does."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from services.render.measuring import tell_of_encoder
from services.render.sinks import FacesSink, StillSink, VideoSink
from shared.model.jobs import Want
from shared.model.media import VideoFacts

if TYPE_CHECKING:
    from services.render.live_encoding import LiveEncoder
    from services.render.reading import Reading
    from services.render.settings import RenderSettings
    from shared.model.sessions import BeginSession


def kept_sink(begun: BeginSession, settings: RenderSettings, reading: Reading) -> VideoSink | FacesSink | StillSink:
    """Of a segment of a job, or a still."""
    facts = begun.facts
    if not isinstance(facts, VideoFacts):
        return StillSink(facts, None if begun.want is Want.FACES else begun.reply_kind or facts.kind)
    path = settings.render_work / begun.session
    if begun.want is Want.FACES:
        return FacesSink(path, facts, begun.span.first if begun.span is not None else 0)
    preset, crf, threads = settings.x264_preset, settings.x264_crf, settings.x264_threads
    return VideoSink(path, reading.as_copied(facts), preset, crf, threads, reading.copies)


def live_encoder(begun: BeginSession, settings: RenderSettings, reading: Reading) -> LiveEncoder | None:
    """Of a live session whose pictures are wanted. It may take a moment. Raises Rejected for what no encoder takes."""
    if begun.live is None or not begun.live.want_picture or not isinstance(begun.facts, VideoFacts):
        return None
    tell = partial(tell_of_encoder, begun.session)
    return reading.live_encoder(begun.facts, begun.live.output, settings.live_encoder_threads, tell)
