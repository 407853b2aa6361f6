from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.render.chroma import split
from services.render.cuda.fetching import Fetched
from services.render.cuda.surface_copies import SurfaceCopies
from services.render.encoding.live import LiveEncoder, cpu_coder
from services.render.nvenc.coder import NvencCoder, NvencFailed
from services.render.nvenc.falling_back import Bringing, FallingBack
from services.render.surface import Surface
from shared.model.errors import Rejected
from shared.model.live import LiveCodec, LiveOutput
from tests.cuda.devices import BOTH, opened
from tests.cuda.emulated import EmulatedCard
from tests.cuda.likeness import uploaded
from tests.cuda.nvenc_stand_in import stand_in
from tests.unit.services.render.live import decoded, facts, moving, psnr
from tests.unit.services.render.nvenc.test_coder import there
from tests.unit.services.render.pictures import same

if TYPE_CHECKING:
    from services.render.copies import Copy
    from services.render.encoding.packets import EncodedPacket
    from tests.cuda.devices import Kind

OF = facts(97, 64)


class Failing(NvencCoder):
    """Of which nothing comes from some picture on."""

    left = 4

    def encode(self, picture: Copy, pts: int, duration: int, key: bool) -> list[EncodedPacket]:
        self.left -= 1
        if self.left < 0:
            raise NvencFailed("the driver is gone")
        return super().encode(picture, pts, duration, key)


def falling(output: LiveOutput, told: list[str], fetched: Fetched) -> LiveEncoder:
    device = EmulatedCard()
    opening = Surface.blank(device, OF.geometry, OF.colour)
    first = Failing(there(OF), output, device, opening, stand_in)
    coder = FallingBack(first, lambda: cpu_coder(there(OF), output, 1), Bringing(EmulatedCard, fetched), told.append)
    return LiveEncoder(there(OF), output, coder=coder)


@pytest.mark.parametrize("codec", [LiveCodec.H264, LiveCodec.HEVC, LiveCodec.AV1])
def test_the_stream_goes_on_with_a_key_frame_of_the_cpu(codec: LiveCodec) -> None:
    told: list[str] = []
    fetched, output = Fetched(), LiveOutput(codec=codec, quality=0.9)
    encoder, copies = falling(output, told, fetched), SurfaceCopies(EmulatedCard())
    made_by, packets, header = [], [], encoder.header
    for number in range(8):
        packets += encoder.encode(copies.here(uploaded(EmulatedCard(), moving(OF, number))), 100 + number, 1)
        made_by.append(encoder.made_by)
    packets += encoder.flush()
    assert made_by == ["nvenc"] * 4 + ["cpu"] * 4
    assert [packet.pts for packet in packets] == [100 + number for number in range(8)]
    assert [number for number, packet in enumerate(packets) if packet.key] == [0, 4]
    assert told == ["The card's encoder has failed: the driver is gone."]
    assert fetched == Fetched(frames=4, frame_bytes=4 * OF.geometry.size_bytes)
    assert header in packets[0].body
    assert encoder.header != header
    for first in (0, 4):
        frames = decoded(codec, packets[first:])
        assert len(frames) == 8 - first
        assert min(psnr(frame, moving(OF, first + number)) for number, frame in enumerate(frames)) > 30


def test_where_the_cpu_does_not_take_them_either_that_is_told() -> None:
    def refuse() -> None:
        raise Rejected("unsupported-output", "No.")

    told: list[str] = []
    opening = Surface.blank(EmulatedCard(), OF.geometry, OF.colour)
    first = Failing(there(OF), LiveOutput(), EmulatedCard(), opening, stand_in)
    first.left = 0
    coder = FallingBack(first, refuse, Bringing(EmulatedCard, Fetched()), told.append)
    with pytest.raises(Rejected, match="No"):
        coder.encode(opening, 0, 1, key=False)
    assert told == []


@pytest.mark.parametrize("kind", BOTH)
def test_a_picture_is_brought_to_the_host_as_it_is(kind: Kind) -> None:
    device, fetched = opened(kind), Fetched()
    bring, copies = Bringing(kind, fetched), SurfaceCopies(device)
    for number in (3, 4):
        assert same(split(bring(copies.here(uploaded(device, moving(OF, number))))), moving(OF, number))
    assert fetched.frames == 2
