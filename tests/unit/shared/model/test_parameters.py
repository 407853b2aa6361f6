from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest

from shared.model.parameters import AssetId, Colour, is_colour, rgb_of, says, strength, two_way


@pytest.mark.parametrize(("meta", "low", "high"), [(strength("Much."), 0.0, 1.0), (two_way("Both."), -1.0, 1.0)])
def test_a_strength_has_its_range_ends_included(meta: Any, low: float, high: float) -> None:
    kind = Annotated[float, meta]
    assert [msgspec.convert(value, kind) for value in (low, high)] == [low, high]
    for wrong in (low - 0.001, high + 0.001, float("nan"), float("inf")):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, kind)


@pytest.mark.parametrize("meta", [strength("A sentence."), two_way("A sentence."), says("A sentence.")])
def test_a_parameter_has_its_sentence(meta: msgspec.Meta) -> None:
    assert meta.description == "A sentence."


def test_a_colour_is_read_as_red_green_and_blue() -> None:
    assert rgb_of(msgspec.convert("#b03A48", Colour)) == (0xB0, 0x3A, 0x48)
    assert is_colour("#b03A48")


@pytest.mark.parametrize("text", ["red", "#fff", "b03a48", "#b03a4g", "#b03a48\n", " #b03a48", "#b03a4800", ""])
def test_what_is_no_colour_is_refused(text: str) -> None:
    assert not is_colour(text)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Colour)


@pytest.mark.parametrize("text", ["", "0" * 31, "0" * 33, "0" * 32 + "\n", "A" * 32, "../" + "0" * 29])
def test_what_can_be_no_asset_is_refused(text: str) -> None:
    assert msgspec.convert("0123456789abcdef" * 2, AssetId)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, AssetId)
