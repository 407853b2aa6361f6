"""Which sink frames go to that nobody watches while they are drawn, and what encodes those that somebody does."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from services.render.measuring import tell_of_encoder, tell_of_no_device, tell_of_no_encoder
from services.render.nvenc.coder import NvencFailed
from services.render.nvenc.file import NvencFile
from services.render.precedence import to_the_end
from services.render.sinks import FacesSink, StillSink, VideoSink
from shared.model.errors import Rejected
from shared.model.jobs import Problem, Want
from shared.model.media import VideoFacts
from shared.model.sessions import SessionRefused

if TYPE_CHECKING:
    from services.render.encoding.live import LiveEncoder
    from services.render.reading import NoDevice, Reading
    from services.render.settings import RenderSettings
    from shared.model.sessions import BeginSession

ASK_AGAIN_SECONDS: Final = 1.0


def kept_sink(
    begun: BeginSession, settings: RenderSettings, reading: Reading, encoder: LiveEncoder | None = None
) -> VideoSink | FacesSink | StillSink:
    """Of a segment of a job, or a still. encoder: of the card, where that encodes jobs."""
    facts = begun.facts
    if not isinstance(facts, VideoFacts):
        return StillSink(facts, None if begun.want is Want.FACES else begun.reply_kind or facts.kind)
    path = settings.render_work / begun.session
    if begun.want is Want.FACES:
        return FacesSink(path, facts, begun.span.first if begun.span is not None else 0)
    preset, crf, threads = settings.x264_preset, settings.x264_crf, settings.x264_threads
    file = None if encoder is None else NvencFile(path, encoder)
    return VideoSink(path, reading.as_copied(facts), preset, crf, threads, reading.copies, file)


async def encoder_of(begun: BeginSession, settings: RenderSettings, reading: Reading) -> LiveEncoder | None:
    """Of a video whose pictures are wanted: of a live session, or of a segment of a job where the card encodes jobs.

    A thread opens it, which may take a moment. Raises Rejected for what no encoder takes, NvencFailed where the
    card has none for a job now, and NoDevice.
    """
    wants_picture = begun.want is not Want.FACES if begun.live is None else begun.live.want_picture
    if not wants_picture or not isinstance(begun.facts, VideoFacts):
        return None
    return await to_the_end(asyncio.to_thread(_opened, begun, begun.facts, settings, reading))


def _opened(begun: BeginSession, facts: VideoFacts, settings: RenderSettings, reading: Reading) -> LiveEncoder | None:
    if begun.live is None:
        return reading.job_encoder(facts, settings.x264_crf)
    tell = partial(tell_of_encoder, begun.session)
    return reading.live_encoder(facts, begun.live.output, settings.live_encoder_threads, tell)


def refused_for(error: Rejected | NvencFailed | NoDevice) -> SessionRefused:
    """What who asked is told where a session cannot begin: why nobody can do it, or to ask again."""
    if isinstance(error, Rejected):
        return SessionRefused(retry_after_seconds=0.0, problem=Problem(error.code, error.detail))
    if not isinstance(error, NvencFailed):
        tell_of_no_device(str(error))
        return SessionRefused(retry_after_seconds=ASK_AGAIN_SECONDS, detail=str(error))
    tell_of_no_encoder(str(error))
    detail = f"The lane's card has no encoder for a job's video now: {error}."
    return SessionRefused(retry_after_seconds=ASK_AGAIN_SECONDS, detail=detail)
