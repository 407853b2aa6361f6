from __future__ import annotations

from typing import Any

import pytest

from services.render.cuda.fetching import Fetched
from services.render.cuda.surface_copies import SurfaceCopies
from services.render.encoding.live import LiveEncoder
from services.render.nvenc import encoders as encoders_module
from services.render.nvenc.coder import NvencFailed
from services.render.nvenc.encoders import CardEncoders
from shared.model.live import LiveCodec, LiveOutput
from tests.cuda.emulated import EmulatedCard
from tests.cuda.likeness import uploaded
from tests.cuda.nvenc_stand_in import stand_in
from tests.unit.services.render.live import decoded, facts, moving
from tests.unit.services.render.nvenc.test_coder import there
from tests.unit.services.render.nvenc.test_falling_back import Failing

OF = facts()


def test_a_coder_of_the_card_is_opened_and_takes_its_pictures() -> None:
    fetched = Fetched()
    encoders = CardEncoders(frozenset({LiveCodec.HEVC}), EmulatedCard, stand_in)
    output = LiveOutput(codec=LiveCodec.HEVC)
    coder = encoders.coder(there(OF), output, 1, EmulatedCard(), fetched, pytest.fail)
    encoder, copies = LiveEncoder(there(OF), output, coder=coder), SurfaceCopies(EmulatedCard())
    packets = [
        packet
        for number in range(3)
        for packet in encoder.encode(copies.here(uploaded(EmulatedCard(), moving(OF, number))), number, 1)
    ]
    assert encoder.made_by == "nvenc"
    assert len(decoded(LiveCodec.HEVC, packets)) == 3
    assert fetched == Fetched()


def test_what_cannot_be_opened_is_told_at_once() -> None:
    encoders = CardEncoders(frozenset({LiveCodec.H264}), EmulatedCard)  # the real ones, which want a card
    with pytest.raises(NvencFailed, match=r"\w"):
        encoders.coder(there(OF), LiveOutput(), 1, EmulatedCard(), Fetched(), pytest.fail)


@pytest.mark.parametrize("codec", [LiveCodec.H264, LiveCodec.HEVC])
def test_where_the_cpu_takes_over_no_dts_goes_back(codec: LiveCodec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders_module, "NvencCoder", Failing)
    told = list[str]()
    encoders = CardEncoders(frozenset({codec}), EmulatedCard, stand_in)
    output = LiveOutput(codec=codec, low_delay=False)
    coder = encoders.coder(there(OF), output, 1, EmulatedCard(), Fetched(), told.append)
    encoder, copies = LiveEncoder(there(OF), output, coder=coder), SurfaceCopies(EmulatedCard())
    packets = [
        packet
        for number in range(12)
        for packet in encoder.encode(copies.here(uploaded(EmulatedCard(), moving(OF, number))), number, 1)
    ]
    packets += encoder.flush()
    assert (encoder.made_by, len(told)) == ("cpu", 1)
    assert [(packet.pts, packet.dts) for packet in packets] == [(number, number) for number in range(12)]


def test_a_card_without_memory_for_a_picture_has_no_encoder() -> None:
    class Full(EmulatedCard):
        def empty(self, *_: object) -> Any:
            raise MemoryError("Out of memory allocating 5,000 bytes.")

    encoders = CardEncoders(frozenset({LiveCodec.H264}), EmulatedCard, stand_in, jobs=True)
    with pytest.raises(NvencFailed, match=r"^Out of memory"):
        encoders.coder(there(OF), LiveOutput(), 1, Full(), Fetched(), pytest.fail)
    with pytest.raises(NvencFailed, match=r"^Out of memory"):
        encoders.job_encoder(there(OF), 23, Full())


def test_where_nothing_is_used_there_are_none() -> None:
    some = frozenset({LiveCodec.AV1})
    assert CardEncoders.of(some, EmulatedCard, "always") == CardEncoders(some, EmulatedCard, jobs=True)
    assert CardEncoders.of(some, EmulatedCard, "live") == CardEncoders(some, EmulatedCard)
    assert CardEncoders.of(frozenset(), EmulatedCard, "always") is None
    assert CardEncoders.of(some, None, "live") is None
