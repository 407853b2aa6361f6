from __future__ import annotations

import msgspec

from shared.model.looks import Look
from shared.model.past import VERSION, SessionPast


def test_its_version_comes_first_whatever_follows() -> None:
    body = msgspec.msgpack.encode(SessionPast(look=Look(smooth=0.5), state=msgspec.Raw(b"\xc0")))
    assert msgspec.msgpack.decode(body)[0] == VERSION


def test_the_state_goes_through_untouched() -> None:
    state = msgspec.msgpack.encode([1, "two", b"three"])
    body = msgspec.msgpack.encode(SessionPast(look=Look(), state=msgspec.Raw(state)))
    assert bytes(msgspec.msgpack.decode(body, type=SessionPast).state) == state
