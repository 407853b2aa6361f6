"""Live streams on a card: by its encoders where it has any, and where it has none by the CPU, with the reason told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from structlog.testing import CapturingLogger

from services.render import measuring
from services.render.nvenc.coder import CardFrames
from services.render.nvenc.encoders import CardEncoders
from services.render.nvenc.probe import found
from services.render.nvenc.settings import QUANTISERS
from services.render.surface import Surface
from shared.cuda.card import Card
from tests.cuda.devices import MISSING
from tests.cuda.lanes import CardLane
from tests.gpu.test_render import FACES, SLOTS, ground
from tests.unit.services.render.cuda.test_streams import FRAMES, measured, same_pictures, shown, streamed
from tests.unit.services.render.cuda.worker import working

if TYPE_CHECKING:
    from pathlib import Path

    from services.render.nvenc.probe import Encoders
    from shared.model.live import LiveCodec

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(bool(MISSING), reason=MISSING)]
SCENE = SimpleNamespace(picture=ground(), faces=FACES)


def test_a_card_without_encoders_too_makes_the_frames_that_they_take() -> None:
    """So that it is NVENC that is missing there, and nothing before it."""
    device, picture = Card(), SCENE.picture
    surface = Surface.blank(device, picture.geometry, picture.colour)
    frames = CardFrames(device)
    frame = frames.of(surface)
    assert frame.format.name == "cuda"
    assert frame.sw_format is not None
    assert frame.sw_format.name == "nv12"
    assert (frame.width, frame.height) == surface.even[0].shape[::-1]
    del frame, frames
    assert device.works()


@pytest.fixture(scope="module")
def card() -> Encoders:
    return found(0)


@pytest.mark.parametrize("codec", QUANTISERS)
async def test_what_has_passed_its_trial_encodes_and_no_finished_picture_comes_to_the_host(
    tmp_path: Path, card: Encoders, codec: LiveCodec
) -> None:
    if codec not in card.codecs:
        pytest.skip(f"this card's encoders are not used for it: {card.why_not}")
    encoders = CardEncoders(card.codecs, Card)
    async with working(tmp_path, CardLane(tmp_path), slots=SLOTS, encoders=encoders) as worker:
        there = await streamed(worker, SCENE, codec, on_card=True)
        assert (worker.telemetry.fetched.frames, worker.telemetry.fetched.drawn_on_host) == (2, 2)
        assert (measured(worker, "nvenc"), measured(worker, "cpu")) == (FRAMES, 0)
        here = await streamed(worker, SCENE, codec, on_card=False)
    assert [one.key for one in there] == [number == 0 for number in range(FRAMES)]
    same_pictures(shown(codec, there), shown(codec, here), 30)


async def test_what_has_not_passed_says_why_and_the_cpu_encodes(
    tmp_path: Path, card: Encoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if the trial had been wrong about it: the encoder is tried by the session, and cannot be opened."""
    if not card.refused:
        pytest.skip("this card's encoders have passed every trial")
    assert all(card.refused.values())
    log = CapturingLogger()
    monkeypatch.setattr(measuring, "log", log)
    codec, encoders = next(iter(card.refused)), CardEncoders(frozenset(QUANTISERS), Card)
    async with working(tmp_path, CardLane(tmp_path), slots=SLOTS, encoders=encoders) as worker:
        frames = await streamed(worker, SCENE, codec, on_card=True)
        assert (measured(worker, "nvenc"), measured(worker, "cpu")) == (0, FRAMES)
    assert len(shown(codec, frames)) == FRAMES
    (told,) = [call.kwargs["reason"] for call in log.calls if call.args == ("encoded by the CPU",)]
    assert told.startswith("The card has no encoder for it: ")
