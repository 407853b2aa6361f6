"""The stages of the bench as processes, on an emulated card: frames go all the way, and their copies are told."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from services.detect.models.preparing import prepare
from shared.model.errors import Misconfigured
from tests.cuda.emulated import WHY_NOT
from tests.cuda.file_memory import FileMemory
from tests.cuda.pyav_decoder import PyAVDecoder
from tests.cuda.traced import NotedTracedCard, build_fake
from tests.gpu.bench_copies import PASSES, measure, profiled
from tests.gpu.lanes import write_clip
from tests.gpu.recorder import CuptiRecorder, build
from tests.gpu.stages import Crew, Kind, Stages
from tests.gpu.watching import Profiling
from tests.gpu.workers import WorkerError
from tests.unit.gpu.failing import FailingDecoder
from visavis.sample import portrait_jpeg
from visavis.settings import LocalSettings

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT), pytest.mark.timeout(600)]
SIZE, FRAMES, ONE = (640, 360), 4, Crew(1, 1, 1, 1)
FRAME_BYTES = SIZE[0] * SIZE[1] * 3 // 2


@pytest.fixture(scope="module")
def portrait() -> bytes:
    prepare(LocalSettings().models.expanduser(), print)
    try:
        return portrait_jpeg()
    except Misconfigured as error:
        pytest.skip(str(error))


@pytest.fixture
def kind(tmp_path: Path) -> Kind:
    fake = build_fake(tmp_path)
    card = partial(NotedTracedCard, fake)
    profiling = Profiling(partial(CuptiRecorder, build(tmp_path), str(fake)), card)
    return Kind(card, FileMemory, PyAVDecoder, "cpu", SIZE, profiling)


def test_every_frame_is_decoded_searched_and_drawn_at_any_pace(portrait: bytes, kind: Kind, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_clip(clip, portrait, FRAMES, SIZE, tune="zerolatency")
    with Stages(kind._replace(profiling=None), (clip, clip), tmp_path, ONE) as stages:
        alone = stages.run(ONE, 2, is_whole=False)
        whole = stages.run(ONE, 2, is_whole=True)
        paced = stages.run(ONE, 1, is_whole=True, is_paced=True)
    assert [process.exitcode for process in stages.workers.processes.values()] == [0, 0, 0], "ended in order"
    assert (alone["frames"], whole["frames"], paced["frames"]) == (2 * FRAMES, 2 * FRAMES, FRAMES)
    assert (whole["faces"], whole["fetched"], len(paced["delays"])) == (2 * FRAMES, 0, FRAMES)


def test_a_profile_tells_each_roles_copies_and_that_this_decoders_pictures_come_from_the_host(
    portrait: bytes, kind: Kind, tmp_path: Path
) -> None:
    told = profiled(kind, tmp_path, ONE, FRAMES)
    assert (told["frames"], told["faces a frame"], told["a picture: bytes"]) == (PASSES * FRAMES, 1, FRAME_BYTES)
    # FFmpeg's frames are brought to the card, all else that passes are numbers.
    assert told["pixels copied between host and card: bytes a frame"] == FRAME_BYTES
    assert told["copies that were asked for and not seen"] == 0
    assert told["sources, host to card: bytes a frame"] == FRAME_BYTES
    assert told["sources, on the card: bytes a frame"] == FRAME_BYTES, "into slots"
    assert told["sources, card to host: bytes a frame"] == 0
    assert 0 < told["finders, card to host: bytes a frame"] < 60_000, "faces and landmarks"
    assert told["painters, card to host: bytes a frame"] == 0
    assert told["painters, on the card: bytes a frame"] == FRAME_BYTES, "into what is drawn on"


@pytest.mark.parametrize("name", ["finder-0", "painter-0"])
def test_a_process_that_dies_is_told_and_nobody_waited_for(
    portrait: bytes, kind: Kind, tmp_path: Path, name: str
) -> None:
    clip = tmp_path / "clip.mp4"
    write_clip(clip, portrait, FRAMES, SIZE)
    stages = Stages(kind._replace(profiling=None), (clip, clip), tmp_path, ONE)

    def kill() -> None:
        with stages:
            stages.workers.processes[name].kill()
            stages.workers.processes[name].join()
            stages.run(ONE, 100, is_whole=True)  # more frames than slots: the source waits for some

    with pytest.raises(WorkerError, match=f"{name} has ended before its time"):
        kill()
    assert not any(process.is_alive() for process in stages.workers.processes.values())


def test_what_a_stream_of_a_source_fails_by_is_told(portrait: bytes, kind: Kind, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_clip(clip, portrait, FRAMES, SIZE)
    failing = kind._replace(profiling=None, decoder=FailingDecoder)
    with (
        pytest.raises(WorkerError, match=r"^source-0: CardRefused: The card takes no more\.$"),
        Stages(failing, (clip, clip), tmp_path, ONE) as stages,
    ):
        stages.run(ONE, 1, is_whole=True)


def test_who_does_not_become_ready_is_told_and_all_are_ended(portrait: bytes, kind: Kind, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_clip(clip, portrait, FRAMES, SIZE)
    stages = Stages(kind._replace(profiling=None, providers="no such"), (clip, clip), tmp_path, ONE)
    with pytest.raises(WorkerError, match="finder-0: "):
        stages.__enter__()
    assert not any(process.is_alive() for process in stages.workers.processes.values())


def test_without_cupti_the_bench_says_so_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Any:
        raise Misconfigured("CUPTI is missing.")

    monkeypatch.setattr("tests.gpu.bench_copies.library", missing)
    assert measure() == {"profile": "There is none. CUPTI is missing."}
