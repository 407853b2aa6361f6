from __future__ import annotations

import msgspec
import pytest

from shared.model.errors import Malformed
from shared.model.frames import CapturedFrame, FacesDetected, ForRender, FrameReference, FramesCaptured, FramesEnded
from shared.transport import wire

CAPTURED = FramesCaptured("a", "s", "1", (CapturedFrame(FrameReference(1, 2, 3), 0, 10),))


def test_a_message_survives_the_wire() -> None:
    assert wire.decode(wire.encode(CAPTURED), wire.decoder(FramesCaptured)) == CAPTURED


@pytest.mark.parametrize("message", [FacesDetected("a", "s", "1", ()), FramesEnded("a", "s", "1", 7)])
def test_a_union_is_told_apart_by_its_tags(message: msgspec.Struct) -> None:
    assert wire.decode(wire.encode(message), wire.decoder(ForRender)) == message


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\xff", wire.encode(CAPTURED)[:-1], wire.encode(CAPTURED).replace(b"\xa1s", b"\xa1\xff"),
        wire.encode(FramesEnded("a", "s", "1", 7)),
    ],
)  # fmt: skip
def test_what_is_no_such_message_is_malformed_and_shows_nothing_of_it(body: bytes) -> None:
    with pytest.raises(Malformed, match=rf"A message of {len(body)} bytes cannot be read"):
        wire.decode(body, wire.decoder(FramesCaptured))
