"""A segment as the bus asks for it, over an object store in a folder."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np
import pytest

from services.ingest.decoders.making import DecoderDied
from shared.model.assets import PreparedLut, asset_key, pack
from shared.model.errors import Unavailable
from shared.model.jobs import (
    SegmentDone,
    SegmentFailed,
    SegmentRequested,
    Want,
    context_name,
    part_key,
    source_key,
)
from shared.model.look_text import parse_look
from shared.model.looks import Look
from shared.model.media import Span
from shared.model.offers import ModelChoice
from shared.testing import MemoryContext
from shared.transport.store import ObjectStore
from tests.unit.visavis.oneshot.conftest import FRAMES, RATE
from visavis.oneshot.segment import SegmentWork
from visavis.oneshot.segment_pasts import SegmentPasts
from visavis.sample import portrait_jpeg

if TYPE_CHECKING:
    from pathlib import Path

    from visavis.oneshot.oneshot import Oneshot

ASSET = hashlib.sha256(b"a table").hexdigest()[:32]


@pytest.fixture
async def store(clip: Path, tmp_path: Path) -> ObjectStore:
    """With the upload of the job `j`."""
    made = ObjectStore.open((tmp_path / "objects").as_uri())
    await made.put(source_key("j"), clip)
    return made


def asked(**changes: Any) -> SegmentRequested:
    return SegmentRequested(**({"job": "j", "want": Want.PICTURE, "look": parse_look("natural")} | changes))


async def test_the_part_lies_where_the_services_put_it(oneshot: Oneshot, store: ObjectStore, tmp_path: Path) -> None:
    answer = await SegmentWork(oneshot, store).run(asked(segment=3), "s")
    assert isinstance(answer, SegmentDone)
    assert (answer.job, answer.session, answer.frames, answer.faces) == ("j", "s", FRAMES, FRAMES)
    assert [one.hop for one in answer.timings] == ["detect", "render"]
    await store.download(part_key("j", 3), tmp_path / "part")
    with av.open(str(tmp_path / "part")) as part:
        assert sum(1 for _ in part.decode(video=0)) == FRAMES


async def test_done_twice_it_is_one_part(oneshot: Oneshot, store: ObjectStore) -> None:
    work = SegmentWork(oneshot, store)
    parts = []
    for session in "ab":
        assert isinstance(await work.run(asked(want=Want.FACES), session), SegmentDone)
        parts.append(await store.get(part_key("j", 0)))
    assert parts[0] == parts[1]


async def test_assets_of_the_look_come_from_the_store(oneshot: Oneshot, store: ObjectStore) -> None:
    look = parse_look(f'{{"grade": {{"asset": "{ASSET}"}}}}')
    missing = await SegmentWork(oneshot, store).run(asked(look=look), "s")
    assert isinstance(missing, SegmentFailed)
    assert missing.problem.code == "unknown-asset"
    table = PreparedLut(size=2, body=bytes(8 * 12))
    await store.put(asset_key(ASSET), pack(table))
    assert isinstance(await SegmentWork(oneshot, store).run(asked(look=look), "s"), SegmentDone)


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"job": "nobody"}, "source-gone"), ({"models": ModelChoice(detector="nobody")}, "unknown-model")],
)
async def test_what_is_wrong_with_the_request_is_answered(
    oneshot: Oneshot, store: ObjectStore, changes: dict[str, Any], code: str
) -> None:
    answer = await SegmentWork(oneshot, store).run(asked(**changes), "s")
    assert isinstance(answer, SegmentFailed)
    assert (answer.session, answer.problem.code) == ("s", code)


async def test_a_source_that_is_no_video_is_answered(oneshot: Oneshot, store: ObjectStore) -> None:
    await store.put(source_key("j"), b"a text")
    answer = await SegmentWork(oneshot, store).run(asked(look=Look()), "s")
    assert isinstance(answer, SegmentFailed)
    assert answer.problem.code == "unsupported-media"
    assert not await store.exists(part_key("j", 0))


class Dying:
    """In place of the one process: a decoder that dies so often."""

    def __init__(self, oneshot: Oneshot, deaths: int, error: type[Unavailable] = DecoderDied) -> None:
        self._oneshot, self._deaths, self._error = oneshot, deaths, error

    async def video(self, *arguments: Any, **more: Any) -> Any:
        self._deaths -= 1
        if self._deaths >= 0:
            raise self._error("It ended.")
        return await self._oneshot.video(*arguments, **more)


@pytest.mark.parametrize(("deaths", "code"), [(1, ""), (2, "decoder-died")])
async def test_a_file_that_ends_its_decoder_twice_is_at_fault(
    oneshot: Oneshot, store: ObjectStore, deaths: int, code: str
) -> None:
    answer = await SegmentWork(Dying(oneshot, deaths), store).run(asked(want=Want.FACES), "s")  # type: ignore[arg-type]
    assert (answer.problem.code if isinstance(answer, SegmentFailed) else "") == code


async def test_what_may_be_there_again_is_called_unavailable(oneshot: Oneshot, store: ObjectStore) -> None:
    work = SegmentWork(Dying(oneshot, 1, Unavailable), store)  # type: ignore[arg-type]
    answer = await work.run(asked(want=Want.FACES), "s")
    assert isinstance(answer, SegmentFailed)
    assert answer.problem.code == "unavailable"


async def test_only_the_frames_of_a_span_are_in_the_part(oneshot: Oneshot, store: ObjectStore, clip: Path) -> None:
    with av.open(str(clip)) as opened:
        pts = [frame.pts for frame in opened.decode(video=0)]
    span = Span(begins=pts[0], start=pts[5], end=pts[12], first=0, warm=5, frames=7)
    answer = await SegmentWork(oneshot, store).run(asked(want=Want.FACES, span=span), "s")
    assert isinstance(answer, SegmentDone)
    assert (answer.frames, answer.faces) == (7, 7)
    lines = [json.loads(line) for line in (await store.get(part_key("j", 0))).splitlines()]
    assert [line["frame"] for line in lines] == list(range(4, 12))  # one before, by which faces are known again


async def test_a_segment_and_its_neighbour_are_the_whole(
    oneshot: Oneshot, store: ObjectStore, clip: Path, tmp_path: Path
) -> None:
    with av.open(str(clip)) as opened:
        pts = [frame.pts for frame in opened.decode(video=0)]
    spans = (
        Span(begins=pts[0], start=pts[0], end=pts[8], first=0, warm=0, frames=8),
        Span(begins=pts[0], start=pts[8], end=None, first=0, warm=8, frames=FRAMES - 8),
    )
    times: list[int] = []
    for segment, span in enumerate(spans):
        await SegmentWork(oneshot, store).run(asked(segment=segment, span=span), "s")
        await store.download(part_key("j", segment), tmp_path / "part")
        with av.open(str(tmp_path / "part")) as part:
            times.extend(frame.pts for frame in part.decode(video=0))
    assert times == pts


CUT = 14


def spans_of(clip: Path) -> tuple[Span, Span]:
    """Two that meet; the later is read from the video's beginning, as it has one key frame."""
    with av.open(str(clip)) as opened:
        pts = [frame.pts for frame in opened.decode(video=0)]
    return (
        Span(begins=pts[0], start=pts[0], end=pts[CUT], first=0, warm=0, frames=CUT),
        Span(begins=pts[0], start=pts[CUT], end=None, first=0, warm=CUT, frames=FRAMES - CUT),
    )


async def lines_of(store: ObjectStore, segment: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (await store.get(part_key("j", segment))).splitlines()]


@pytest.mark.parametrize("want", Want)
async def test_a_segment_goes_on_from_what_the_one_before_has_left(
    oneshot: Oneshot, store: ObjectStore, clip: Path, want: Want
) -> None:
    context = MemoryContext()
    work = SegmentWork(oneshot, store, SegmentPasts(context, pytest.fail))
    answers = [
        await work.run(asked(want=want, segment=segment, span=span), "s")
        for segment, span in [*enumerate(spans_of(clip)), (1, spans_of(clip)[1])]
    ]
    assert [isinstance(one, SegmentDone) and one.continued for one in answers] == [False, True, True]
    assert [isinstance(one, SegmentDone) and one.frames for one in answers] == [CUT, FRAMES - CUT, FRAMES - CUT]
    assert list(context.kept) == [context_name("j", 0)]


async def test_without_what_was_left_it_is_warmed_up(oneshot: Oneshot, store: ObjectStore, clip: Path) -> None:
    context, told = MemoryContext(), list[str]()
    context.down = True
    work = SegmentWork(oneshot, store, SegmentPasts(context, told.append))
    for segment, span in enumerate(spans_of(clip)):
        answer = await work.run(asked(want=Want.FACES, segment=segment, span=span), "s")
        assert isinstance(answer, SegmentDone)
        assert (answer.frames, answer.continued) == (span.frames, False)
    assert told == ["The context store is down."]


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a face that wanders about, with a key frame each second, and noise for filters to calm."""
    path = tmp_path_factory.mktemp("walk") / "walk.mp4"
    shown = cv2.imdecode(np.frombuffer(portrait_jpeg(), np.uint8), cv2.IMREAD_COLOR)
    shown = cv2.resize(shown, (640, 360), interpolation=cv2.INTER_AREA)
    noise = np.random.default_rng(5)
    with av.open(str(path), "w") as written:
        film = written.add_stream("libx264", rate=RATE, options={"crf": "20", "preset": "veryfast", "g": str(RATE)})
        film.width, film.height, film.pix_fmt = 640, 360, "yuv420p"
        for number in range(3 * RATE):
            away = round(40 * np.sin(number / 12))
            seen = np.roll(shown, away, axis=1) + noise.normal(0, 6, shown.shape)
            written.mux(film.encode(av.VideoFrame.from_ndarray(seen.clip(0, 255).astype(np.uint8), format="bgr24")))
        written.mux(film.encode(None))
    return path


async def test_at_the_cut_it_is_nearer_to_the_uncut_video_than_what_is_warmed_up(
    oneshot: Oneshot, store: ObjectStore, walk: Path
) -> None:
    with av.open(str(walk)) as opened:
        pts = [frame.pts for frame in opened.decode(video=0)]
    key, cut = RATE, RATE + 18  # 0.7 s behind the key frame, as jobs are cut
    spans = (
        Span(begins=pts[0], start=pts[0], end=pts[cut], first=0, warm=0, frames=cut),
        Span(begins=pts[key], start=pts[cut], end=None, first=key, warm=cut - key, frames=3 * RATE - cut),
    )
    await store.put(source_key("j"), walk)
    parts = []
    for pasts, wanted in ((None, [(1, None)]), (None, [(1, spans[1])]), (MemoryContext(), [*enumerate(spans)])):
        work = SegmentWork(oneshot, store, pasts and SegmentPasts(pasts, pytest.fail))
        for segment, span in wanted:
            assert isinstance(await work.run(asked(want=Want.FACES, segment=segment, span=span), "s"), SegmentDone)
        parts.append({line["frame"]: line["faces"] for line in await lines_of(store, 1)})
    whole, warmed, continued = ([part[cut + n] for n in range(8)] for part in parts)
    assert [face["track"] for faces in (*warmed, *continued) for face in faces] == [1] * 16
    assert apart(whole, continued) < apart(whole, warmed)


def apart(one: list[list[dict[str, Any]]], other: list[list[dict[str, Any]]]) -> float:
    """Root mean square, in pixels, of how far the landmarks of the one face lie apart."""
    [first, second] = [np.array([faces[0]["landmarks"] for faces in frames]) for frames in (one, other)]
    return float(np.sqrt(((first - second) ** 2).mean()))
