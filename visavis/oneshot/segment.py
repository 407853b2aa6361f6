"""One segment of a job: from the upload in the object store to the part beside it, as the bus asks for it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from services.ingest.decoders.making import DecoderDied
from shared.model.errors import Lost, Rejected, Unavailable
from shared.model.hops import summarise
from shared.model.jobs import DECODER_DEATHS, Problem, SegmentDone, SegmentFailed, Want, part_key, source_key
from shared.transport.assets import AssetShelf
from visavis.oneshot.oneshot import Wish

if TYPE_CHECKING:
    from shared.model.jobs import SegmentRequested
    from shared.transport.store import ObjectStore
    from visavis.oneshot.composed import Known
    from visavis.oneshot.oneshot import Finished, Oneshot
    from visavis.oneshot.segment_pasts import SegmentPasts


class SegmentWork:
    """SegmentRequested -> SegmentDone | SegmentFailed, with an object store and without a bus."""

    def __init__(self, oneshot: Oneshot, store: ObjectStore, pasts: SegmentPasts | None = None) -> None:
        """pasts: keeps what is known at a segment's end for the next one; None: every segment is warmed up."""
        self._oneshot, self._store, self._pasts = oneshot, store, pasts
        self._shelf = AssetShelf(store)

    async def run(self, request: SegmentRequested, session: str) -> SegmentDone | SegmentFailed:
        """Write the part of a segment; the same part under the same name, however often it is asked for.

        session: the name of this attempt, which the answer carries. What is wrong with the upload or the request is a
        SegmentFailed that another try does not mend; `unavailable` says that one may.
        """
        try:
            known = await self._pasts.before(request) if self._pasts is not None else None
            done = await self._part(request, known)
        except Rejected as error:
            return _failed(request, session, Problem(error.code, error.detail))
        except DecoderDied as error:
            return _failed(request, session, Problem("decoder-died", str(error)))
        except Unavailable as error:
            return _failed(request, session, Problem("unavailable", str(error)))
        return SegmentDone(
            job=request.job,
            segment=request.segment,
            session=session,
            frames=done.frames,
            faces=done.faces,
            timings=summarise(done.hops),
            damaged=done.summary.damaged_packets,
            early=done.summary.ended_early,
            continued=known is not None,
        )

    async def _part(self, request: SegmentRequested, known: Known | None) -> Finished:
        drawn = request.look.asset_ids if request.want is Want.PICTURE else ()
        assets = await self._shelf.load(drawn)
        wish = Wish(request.want, request.look, request.models, assets, request.facts, request.span)
        with TemporaryDirectory(prefix="visavis-segment-") as name:
            source, part = Path(name) / "source", Path(name) / "part"
            try:
                await self._store.download(source_key(request.job), source)
            except Lost as error:
                detail = "The upload of this job is not in the object store any more."
                raise Rejected("source-gone", detail) from error
            done = await self._drawn(source, part, wish, known)
            await self._store.put(part_key(request.job, request.segment), part)
        if self._pasts is not None:
            await self._pasts.keep(request, done)
        return done

    async def _drawn(self, source: Path, part: Path, wish: Wish, known: Known | None) -> Finished:
        for _ in range(DECODER_DEATHS - 1):
            try:
                return await self._oneshot.video(source, part, wish, known=known)
            except DecoderDied:
                continue
        return await self._oneshot.video(source, part, wish, known=known)


def _failed(request: SegmentRequested, session: str, problem: Problem) -> SegmentFailed:
    return SegmentFailed(job=request.job, segment=request.segment, session=session, problem=problem)
